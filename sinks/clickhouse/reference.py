"""Reference data straight into ClickHouse, and when a file was imported first.

Not by way of Kafka: no stage reads it, and nothing has to come before or after it; the last import
of a row holds, and a failed import is simply done again.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from itertools import islice

import msgspec

from schemas.reference import Cost, Product
from schemas.settings import ClickHouseAddress
from sinks.clickhouse.client import connect
from sinks.clickhouse.errors import classified

_BLOCK = 10_000
_TABLES: dict[type[msgspec.Struct], str] = {Product: "products_stored", Cost: "costs_stored"}


class ReferenceStore:
    """One import's connection. Methods raise SinkError."""

    def __init__(self, address: ClickHouseAddress, now_ms: int) -> None:
        self._client = connect(address)
        self._now = datetime.fromtimestamp(now_ms / 1000, UTC)

    def put(self, record: type[msgspec.Struct], rows: Iterable[msgspec.Struct]) -> None:
        """Rows of one kind, each of type `record`; they replace what was known of the same."""
        names = record.__struct_fields__
        sql = f"INSERT INTO {_TABLES[record]} ({', '.join(names)}, imported_at) VALUES"
        left = iter(rows)
        while block := list(islice(left, _BLOCK)):
            values = [(*msgspec.structs.astuple(row), self._now) for row in block]
            with classified():
                self._client.execute(sql, values)

    def first_import(self, digest: str) -> int:
        """When a file of that digest was imported first (ms): now, where it never was."""
        with classified():
            rows = self._client.execute(
                "SELECT toUnixTimestamp64Milli(min(first_at)), count() FROM imports_stored"
                " WHERE digest = {digest:String}",
                {"digest": digest},
            )
            first, count = rows[0]
            if count:
                return int(first)
            columns = "INSERT INTO imports_stored (digest, first_at) VALUES"
            self._client.execute(columns, [(digest, self._now)])
        return round(self._now.timestamp() * 1000)

    def close(self) -> None:
        self._client.disconnect()
