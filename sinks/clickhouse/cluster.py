"""The same tables and views for a ClickHouse cluster, made from the migrations of one server.

A shard is an ordinary Footfall database, `<database>_shard`: the storage tables, replicated, and
`events_all`. Beside it stands `<database>`, with the same names, over all shards: storage tables to
insert into, `events_all` to read, and on top of that every other view as it is.

That is sound because what a query of `events_all` looks up lies where the event lies: corrections
belong to a device, and events are sharded by device. Only who is another user's alias concerns
every shard, so `resolutions_stored` is everywhere, as the imported reference data is. Sessions are
a device's; persons are put together by whoever asks, from partial aggregates of the shards.

    python -m sinks.clickhouse.cluster CLUSTER [DATABASE] | clickhouse-client --multiquery

infra/docs/cluster.md says what the servers' configuration must have, and what was tried.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from schemas.settings import ConfigurationError, Settings
from schemas.site import Site
from schemas.site_file import load
from sinks.clickhouse.site_rules import with_rules

_HERE = Path(__file__).parent

SHARDED = {
    "events_stored": "cityHash64(device_id)",
    "corrections_stored": "cityHash64(device_id)",
    "identity_stored": "cityHash64(identifier)",
    "decisions_stored": "cityHash64(decision_id)",
    "rejected_stored": "cityHash64(rejected_id)",
    "squashed_stored": "partition",  # a shard's own; inserted by a squash of that shard
}
"""Table -> what decides on the shard of a row. All rows that replace one another share it."""

EVERYWHERE = frozenset(
    {
        "resolutions_stored",
        "products_stored",
        "costs_stored",
        "imports_stored",
        "forgotten_stored",
        "erasing_stored",
    }
)
"""Small tables of which every server has all rows."""

ON_EACH_SHARD = ("corrected_stored", "events_all")
"""Views that look up what lies beside the event."""

_CREATE = re.compile(r"\bCREATE TABLE IF NOT EXISTS (\w+)")
_ALTER = re.compile(r"\bALTER TABLE (\w+)")
_VIEW = re.compile(r"\bCREATE OR REPLACE VIEW (\w+)")
_ENGINE = re.compile(r"\bENGINE = (\w*MergeTree)(?:\(([^()]*)\))?")
_COLUMNS = re.compile(r"^CREATE OR REPLACE VIEW events_all\n\(\n(.*?)\n\)\nAS ", re.M | re.S)


class Unplaced(Exception):
    """A table of which nobody has said where its rows live on a cluster."""


def statements(cluster: str, database: str, site: Site, root: Path = _HERE) -> Iterator[str]:
    """DDL in its order, without semicolons; may be repeated. Raises Unplaced.

    `site`: whose borders and currencies the views go by.
    """
    shard, on = f"{database}_shard", f"ON CLUSTER '{cluster}'"
    migrations = list(_parts(root / "migrations"))
    views = [with_rules(text, site) for text in _parts(root / "views")]
    columns = next(found[1] for text in views if (found := _COLUMNS.search(text)))
    for name in (shard, database):
        yield f"CREATE DATABASE IF NOT EXISTS {name} {on}"
    yield f"USE {shard}"
    for text in migrations:
        yield _on_each_server(text, shard, on)
    for text in views:
        if _VIEW.findall(text)[0] in ON_EACH_SHARD:
            yield _VIEW.sub(rf"CREATE OR REPLACE VIEW {shard}.\1 {on}", text)
    yield f"USE {database}"
    for text in migrations:
        for name in _CREATE.findall(text):
            if name in EVERYWHERE:  # all servers as replicas of one shard: any of them will do
                where = f"'{cluster}_everywhere', '{shard}', '{name}'"
            else:
                where = f"'{cluster}', '{shard}', '{name}', {SHARDED[name]}"
            yield (
                f"CREATE OR REPLACE TABLE {database}.{name} {on} AS {shard}.{name}"
                f" ENGINE = Distributed({where})"
            )
    yield (
        f"CREATE OR REPLACE TABLE {database}.events_all {on}\n(\n{columns}\n)"
        f" ENGINE = Distributed('{cluster}', '{shard}', 'events_all')"
    )
    for text in views:
        if _VIEW.findall(text)[0] not in ON_EACH_SHARD:
            text = text.replace("{columns_of_events_all}", columns)
            yield _VIEW.sub(rf"CREATE OR REPLACE VIEW {database}.\1 {on}", text)


def _on_each_server(text: str, shard: str, on: str) -> str:
    """A migration's statement as every server of the cluster has to run it."""
    for name in _CREATE.findall(text) + _ALTER.findall(text):
        if name not in SHARDED and name not in EVERYWHERE:
            raise Unplaced(f"{name}: name it in SHARDED or EVERYWHERE of {__name__}")
        place, replica = "{shard}", "{replica}"
        if name in EVERYWHERE:  # one group of replicas, of which every server is one
            place, replica = "everywhere", "{shard}-{replica}"
        arguments = f"'/clickhouse/tables/{place}/{{database}}/{{table}}', '{replica}'"
        text = _replicated(text, arguments)
    text = _CREATE.sub(rf"CREATE TABLE IF NOT EXISTS {shard}.\1 {on}", text)
    return _ALTER.sub(rf"ALTER TABLE {shard}.\1 {on}", text)


def _replicated(text: str, arguments: str) -> str:
    """With the replicated form of its engine, whose own arguments come after `arguments`."""

    def engine(match: re.Match[str]) -> str:
        own = f", {match[2]}" if match[2] else ""
        return f"ENGINE = Replicated{match[1]}({arguments}{own})"

    return _ENGINE.sub(engine, text)


def _parts(folder: Path) -> Iterator[str]:
    """The statements of a folder's files, with the comments above each left out."""
    for path in sorted(folder.glob("*.sql")):
        for part in re.split(r";\s*$", path.read_text(), flags=re.MULTILINE):
            lines = part.strip().splitlines()
            while lines and lines[0].startswith("--"):
                del lines[0]
            if lines:
                yield "\n".join(lines)


def main(words: list[str]) -> int:
    """Writes the DDL for the site of FOOTFALL_SITE; 2 for a wrong call or configuration."""
    names = re.compile(r"[A-Za-z_]\w*")
    if not 1 <= len(words) <= 2 or not all(names.fullmatch(word) for word in words):
        sys.stderr.write("python -m sinks.clickhouse.cluster CLUSTER [DATABASE]\n")
        return 2
    try:
        file = Settings.from_environment(os.environ).site_file
        site = load(file) if file else Site(name="")
    except ConfigurationError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    for statement in statements(words[0], words[1] if words[1:] else "footfall", site):
        sys.stdout.write(f"{statement};\n\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
