"""One block of lines into one table, losing none: what the server refuses is found by halves."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

from clickhouse_driver import Client

from schemas.settings import ClickHouseAddress
from sinks.clickhouse.client import connect
from sinks.clickhouse.errors import NotStorable, classified
from sinks.clickhouse.rows import TABLES, Table


class Refused(NamedTuple):
    """A line the server would not store: its place in the list, and what the server said."""

    at: int
    detail: str


class Inserter:
    """Inserts through one connection, which it opens anew after every failure."""

    def __init__(self, address: ClickHouseAddress) -> None:
        self._address = address
        self._client: Client | None = None
        self._sql = {table.name: table.insert_sql for table in TABLES}

    def check_tables(self) -> None:
        """Raises Unavailable where the server, a table or the right to read it is missing."""
        for table in TABLES:
            self._execute(f"SELECT 1 FROM {table.name} LIMIT 0")

    def ask(self, query: str) -> list[tuple[Any, ...]]:
        """The rows of an answer. Raises Unavailable."""
        with self._connected() as client:
            rows: list[tuple[Any, ...]] = client.execute(query)
            return rows

    def insert(self, table: Table, lines: Sequence[bytes]) -> list[Refused]:
        """Store the lines, which were checked before; the ones that cannot be are returned.

        All others are in the table when this returns. Raises Unavailable; then any part of them
        may be, and inserting all of them again is right.
        """
        return self._insert(table, lines, 0) if lines else []

    def _insert(
        self, table: Table, lines: Sequence[bytes], start: int, is_refused: bool = False
    ) -> list[Refused]:
        """`is_refused`: known to hold a bad line, since all of a refused block but these is stored.
        Each try costs what a small insert costs, so the one that must fail is left out."""
        if not is_refused or len(lines) == 1:
            try:
                self._execute(self._sql[table.name], [lines])
            except NotStorable as error:
                if len(lines) == 1:
                    return [Refused(start, str(error))]
            else:
                return []
        half = len(lines) // 2
        first = self._insert(table, lines[:half], start)
        return [
            *first,
            *self._insert(table, lines[half:], start + half, is_refused=not first),
        ]

    def _execute(self, query: str, *data: object) -> None:
        with self._connected() as client:
            client.execute(query, *data, columnar=True)

    @contextmanager
    def _connected(self) -> Iterator[Client]:
        try:
            with classified():
                if self._client is None:
                    self._client = connect(self._address)
                yield self._client
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        if self._client is not None:
            self._client.disconnect()
            self._client = None
