"""Brings a ClickHouse database to this version's tables and views.

Migrations run once each, in the order of their numbers; a view is replaced when its text, or that
of a view before it, has changed. What was applied stands in the ledger `schema_ledger`. Every
statement may be repeated, so two processes that migrate at once do the same twice, harmlessly.
"""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Iterator
from pathlib import Path

from clickhouse_driver import Client
from clickhouse_driver.errors import ServerException

from schemas.settings import ClickHouseAddress
from schemas.site import Site
from sinks.clickhouse.client import connect
from sinks.clickhouse.site_rules import with_rules

_HERE = Path(__file__).parent
_LEDGER = """
CREATE TABLE IF NOT EXISTS schema_ledger
(
    name String,
    digest String,
    applied_at DateTime64(3, 'UTC') DEFAULT now64(3)
)
ENGINE = ReplacingMergeTree(applied_at)
ORDER BY name
"""
_COLUMNS_OF = re.compile(r"\{columns_of_(\w+)\}")
_DEFAULT_SITE = Site(name="")
_ATTEMPTS = 5
_RACED_CODES = frozenset({57, 60, 82, 81, 253, 999})
"""Table or database exists, or does not, or is locked: another process changes it right now."""


class EditedMigrationError(Exception):
    """A migration that was applied has another text now. Changes need a migration of their own."""


def migrate(
    address: ClickHouseAddress, root: Path = _HERE, site: Site = _DEFAULT_SITE
) -> list[str]:
    """Create and alter what is missing; the names of what was applied, [] where nothing was.

    `site`: whose borders and currencies the views go by.
    Raises EditedMigrationError, clickhouse_driver.errors.Error, OSError.
    """
    _create_database(address)
    client = connect(address)
    try:
        client.execute(_LEDGER)
        return [
            *_apply_migrations(client, root / "migrations"),
            *_apply_views(client, root / "views", site),
        ]
    finally:
        client.disconnect()


def _create_database(address: ClickHouseAddress) -> None:
    """Asks before it creates, since a user may use a database without the right to create one."""
    client = connect(address, database="")
    try:
        if not client.execute(f"EXISTS DATABASE {_quoted(address.database)}")[0][0]:
            _run(client, f"CREATE DATABASE IF NOT EXISTS {_quoted(address.database)}")
    finally:
        client.disconnect()


def _apply_migrations(client: Client, folder: Path) -> Iterator[str]:
    applied = _ledger(client)
    for path in sorted(folder.glob("*.sql")):
        digest = _digest(path.read_text())
        if applied.get(path.stem, digest) != digest:
            raise EditedMigrationError(f"{path.name} was applied with another text; add a new one")
        if path.stem not in applied:
            for statement in _statements(path.read_text()):
                _run(client, statement)
            _record(client, path.stem, digest)
            yield path.stem


def _apply_views(client: Client, folder: Path, site: Site) -> Iterator[str]:
    """Views build on tables and on views before them: a digest covers all texts up to its own."""
    applied = _ledger(client)
    text = "".join(
        path.read_text() for path in sorted((folder.parent / "migrations").glob("*.sql"))
    )
    for path in sorted(folder.glob("*.sql")):
        own = with_rules(path.read_text(), site)
        text += own
        name = f"view {path.stem}"
        if applied.get(name) == _digest(text):
            continue
        for statement in _statements(own):
            _run(client, _COLUMNS_OF.sub(lambda m: _columns_of(client, m[1]), statement))
        _record(client, name, _digest(text))
        yield name


def _ledger(client: Client) -> dict[str, str]:
    return dict(client.execute("SELECT name, digest FROM schema_ledger FINAL"))


def _record(client: Client, name: str, digest: str) -> None:
    client.execute("INSERT INTO schema_ledger (name, digest) VALUES", [(name, digest)])


def _columns_of(client: Client, view: str) -> str:
    """A view's column list with its descriptions, for another view with the same columns."""
    rows = client.execute(
        "SELECT name, type, comment FROM system.columns"
        " WHERE database = currentDatabase() AND table = {view:String} ORDER BY position",
        {"view": view},
    )
    return ",\n    ".join(
        f"{_quoted(name)} {kind} COMMENT {_literal(comment)}" for name, kind, comment in rows
    )


def _run(client: Client, statement: str) -> None:
    """Execute, again where another process was changing the same thing at that moment."""
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            client.execute(statement)
            return
        except ServerException as error:
            if error.code not in _RACED_CODES or attempt == _ATTEMPTS:
                raise
            time.sleep(0.1 * attempt)


def _statements(text: str) -> Iterator[str]:
    """The statements of a file; each ends with a semicolon at the end of a line."""
    return (part for part in re.split(r";\s*$", text, flags=re.MULTILINE) if part.strip())


def _digest(text: str) -> str:
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def _quoted(name: str) -> str:
    return "`" + name.replace("\\", "\\\\").replace("`", "\\`") + "`"


def _literal(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
