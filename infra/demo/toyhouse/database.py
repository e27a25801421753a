"""The shop's memory: one SQLite file.

Used from the event loop's thread alone: every statement is a look-up by key or a small write
(WAL, no fsync a commit), done in less time than handing it to another thread takes.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

FILE_NAME = "toyhouse.sqlite3"

_SCHEMA = """
CREATE TABLE IF NOT EXISTS member (
    id TEXT PRIMARY KEY, email TEXT NOT NULL UNIQUE, name TEXT NOT NULL,
    salt BLOB NOT NULL, password BLOB NOT NULL, shops_for TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE TABLE IF NOT EXISTS child (
    id TEXT PRIMARY KEY, member TEXT NOT NULL REFERENCES member, name TEXT NOT NULL,
    birth_year INTEGER NOT NULL, interests TEXT NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS child_of ON child (member);
CREATE TABLE IF NOT EXISTS session (
    key BLOB PRIMARY KEY, member TEXT REFERENCES member, used_at REAL NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS line (
    session BLOB NOT NULL REFERENCES session ON DELETE CASCADE ON UPDATE CASCADE,
    sku TEXT NOT NULL, quantity INTEGER NOT NULL, PRIMARY KEY (session, sku)
) STRICT;
CREATE TABLE IF NOT EXISTS placed (
    id TEXT PRIMARY KEY, session BLOB NOT NULL, member TEXT, placed_at REAL NOT NULL,
    lines TEXT NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS placed_by ON placed (member, placed_at);
CREATE TABLE IF NOT EXISTS looked_at (
    device TEXT NOT NULL, sku TEXT NOT NULL, at REAL NOT NULL, PRIMARY KEY (device, sku)
) STRICT;
CREATE TABLE IF NOT EXISTS reader (email TEXT PRIMARY KEY) STRICT;
"""


class Database:
    """A connection. Every statement outside `changes` is its own transaction."""

    def __init__(self, path: Path) -> None:
        # The thread that opens is not always the loop's (a test's server), but only one uses it.
        self._connection = sqlite3.connect(
            path, timeout=1.0, isolation_level=None, check_same_thread=False
        )
        for pragma in ("journal_mode = WAL", "synchronous = NORMAL", "foreign_keys = ON"):
            self._connection.execute(f"PRAGMA {pragma}")
        self._connection.executescript(_SCHEMA)

    def close(self) -> None:
        self._connection.close()

    def rows(self, statement: str, *values: object) -> list[tuple[object, ...]]:
        return self._connection.execute(statement, values).fetchall()

    def row(self, statement: str, *values: object) -> tuple[object, ...] | None:
        row: tuple[object, ...] | None = self._connection.execute(statement, values).fetchone()
        return row

    def change(self, statement: str, *values: object) -> int:
        """How many rows it changed. Raises sqlite3.IntegrityError."""
        return self._connection.execute(statement, values).rowcount

    @contextmanager
    def changes(self) -> Iterator[None]:
        """All of the block's statements, or none where it raises. Not to be held over an await."""
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")
