"""Asks ClickHouse for a page: bounded in time, rows and bytes, and with errors in plain words."""

from __future__ import annotations

import io
import re
from typing import Any

import msgspec

from infra.clickhouse_http import ClickHouseAway, QueryRefused, query_to
from schemas.settings import Settings

MAX_ROWS = 1_000
TIME_LIMIT_S = 30
_MAX_BYTES = 8 << 20
_LIMITS = {
    "limit": str(MAX_ROWS + 1),  # one more, to know whether there are more
    "max_result_rows": str(MAX_ROWS + 1),
    "result_overflow_mode": "break",
    "max_execution_time": str(TIME_LIMIT_S),
    # JavaScript has neither 64-bit integers nor decimals nor NaN in its JSON
    "output_format_json_quote_64bit_integers": "1",
    "output_format_json_quote_decimals": "1",
    "output_format_json_quote_denormals": "1",
}
_ERROR = re.compile(
    r"^Code: (?P<code>\d+)\. DB::Exception: (?P<text>.*?)"
    r"(?: \((?P<name>[A-Z][A-Z_0-9]+)\))?(?: \(version [^)]*\))?$"
)
_IN_OUR_WORDS = {
    "READONLY": "This page may read, and change nothing.",
    "TIMEOUT_EXCEEDED": f"More than {TIME_LIMIT_S} seconds: narrow the time, or ask for less.",
}
_MAX_MESSAGE = 300

_TABLES = """
SELECT t.name, t.comment, groupArray((c.name, c.type, c.comment))
FROM
(
    SELECT table, name, type, comment FROM system.columns
    WHERE database = currentDatabase() ORDER BY table, position
) AS c
INNER JOIN system.tables AS t ON t.name = c.table
WHERE t.database = currentDatabase() AND t.engine = 'View'
GROUP BY t.name, t.comment
ORDER BY t.name
"""


class Column(msgspec.Struct, frozen=True):
    name: str
    type: str  # as ClickHouse writes it, e.g. Nullable(UInt64)


class Statistics(msgspec.Struct, frozen=True):
    """`elapsed`: seconds in ClickHouse."""

    elapsed: float
    rows_read: int
    bytes_read: int


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """At most MAX_ROWS rows; integers of 64 bits and more, and decimals, are strings."""

    columns: list[Column]
    rows: list[list[Any]]
    more: bool  # ClickHouse had more rows than these
    statistics: Statistics


class TableColumn(msgspec.Struct, frozen=True, array_like=True):
    name: str
    type: str
    comment: str


class Table(msgspec.Struct, frozen=True, array_like=True):
    """A view for analysts."""

    name: str
    comment: str
    columns: list[TableColumn]


class _JsonCompact(msgspec.Struct):
    meta: list[Column]
    data: list[list[Any]]
    statistics: Statistics


class _Rows(msgspec.Struct):
    data: list[Table]


class NotATable(Exception):
    """The answer is no table that fits a page. The message says what to do."""


class _Bounded(io.BytesIO):
    def write(self, piece: Any) -> int:
        if self.tell() + len(piece) > _MAX_BYTES:
            raise NotATable(
                f"More than {_MAX_BYTES >> 20} MB: choose fewer columns, or add a LIMIT."
            )
        return super().write(piece)


def ask(settings: Settings, query: str) -> Answer:
    """Raises QueryRefused, NotATable."""
    out = _Bounded()
    query_to(settings, query, "JSONCompact", out, limits=_LIMITS, timeout_s=TIME_LIMIT_S + 5)
    if not out.tell():
        return Answer(columns=[], rows=[], more=False, statistics=Statistics(0, 0, 0))
    try:
        found = msgspec.json.decode(out.getvalue(), type=_JsonCompact)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise NotATable(
            "Leave out FORMAT: this page shows a table (footfall sql has --format)."
        ) from error
    return Answer(
        columns=found.meta,
        rows=found.data[:MAX_ROWS],
        more=len(found.data) > MAX_ROWS,
        statistics=found.statistics,
    )


def tables(settings: Settings) -> list[Table]:
    """The views of the database, with the descriptions of their columns. Raises QueryRefused."""
    out = io.BytesIO()
    query_to(settings, _TABLES, "JSONCompact", out, timeout_s=TIME_LIMIT_S)
    return msgspec.json.decode(out.getvalue(), type=_Rows).data


def waits_for(settings: Settings) -> str:
    """'' when ClickHouse has the view of events, else what is not there yet."""
    try:
        query_to(settings, "SELECT 1 FROM events LIMIT 0", "Null", io.BytesIO(), timeout_s=5)
    except QueryRefused as refused:
        return in_plain_words(refused)
    return ""


def in_plain_words(refused: QueryRefused) -> str:
    """ClickHouse's error without its number, its version, and the list of all it knows."""
    if isinstance(refused, ClickHouseAway):
        return str(refused)
    found = _ERROR.match(str(refused))
    if found is None:
        return str(refused)[:_MAX_MESSAGE]
    if ours := _IN_OUR_WORDS.get(found["name"] or ""):
        return ours
    text = re.split(r"\.? Expected one of: |: while executing |\. In scope ", found["text"])[0]
    return text[:_MAX_MESSAGE].rstrip(". ") + "."
