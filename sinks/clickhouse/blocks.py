"""A block: the lines of many Kafka records, checked and sorted by the table they go to."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Sequence

import msgspec

from schemas.batch import encode_line, split_lines
from schemas.event import Rejected
from schemas.ids import uuid5
from schemas.reasons import Reason
from sinks.clickhouse.insert import Refused
from sinks.clickhouse.rows import REJECTED, TABLES, Table, Unfit

MAX_ORIGINAL_BYTES = 512 * 1024
"""So much of a refused line is kept; as base64 it fits into one Kafka record."""

_TABLES = {table.topic.name: table for table in TABLES}

Place = tuple[str, int]
"""Topic and partition."""


class Record(msgspec.Struct, frozen=True):
    """One Kafka record and where it stands. `time` is Kafka's timestamp in ms."""

    topic: str
    partition: int
    offset: int
    time: int
    value: bytes


class Rows(msgspec.Struct):
    """Lines for one table and, side by side, the record each came in."""

    lines: list[bytes] = []
    records: list[Record] = []


class Block:
    """What is inserted, rejected and then committed as one.

    A line that is not what its topic holds becomes a `Rejected`. One from `footfall.rejected`
    itself is not published there again, it becomes a row right away; so nothing can circle.
    """

    def __init__(self) -> None:
        self.rows: dict[str, Rows] = {}  # by table name
        self.rejected: list[Rejected] = []  # to be published
        self.positions: dict[Place, int] = {}  # the offsets to commit
        self.firsts: dict[
            Place, tuple[int, int]
        ] = {}  # offset and Kafka's time of its first record
        self.count = 0
        self.size = 0  # bytes
        self.oldest_ms = 0  # Kafka's timestamp of the first record
        self._begun = 0.0

    @property
    def age(self) -> float:
        """Seconds since the first record came; 0 without one."""
        return time.monotonic() - self._begun if self.positions else 0.0

    def add(self, record: Record) -> None:
        if not self.positions:
            self._begun, self.oldest_ms = time.monotonic(), record.time
        table = _TABLES[record.topic]
        good = []
        for line in split_lines(record.value):
            try:
                table.check(line)
            except Unfit as error:
                self._reject(record, line, Reason.INVALID_EVENT, str(error))
            else:
                good.append(line)
        rows = self.rows.setdefault(table.name, Rows())
        rows.lines.extend(good)
        rows.records.extend([record] * len(good))
        self.count += len(good)
        self.size += len(record.value)
        place = record.topic, record.partition
        self.positions[place] = record.offset + 1
        self.firsts.setdefault(place, (record.offset, record.time))

    def stored(self, table: Table, refused: Sequence[Refused]) -> None:
        """Forget the table's rows: they are in ClickHouse, but for those it refused."""
        rows = self.rows.pop(table.name)
        for at, detail in refused:
            self._reject(rows.records[at], rows.lines[at], Reason.NOT_STORABLE, detail)

    def _reject(self, record: Record, line: bytes, reason: Reason, detail: str) -> None:
        rejected = rejection(record, line, reason, detail)
        if record.topic != REJECTED.topic.name:
            self.rejected.append(rejected)
            return
        rows = self.rows.setdefault(REJECTED.name, Rows())
        rows.lines.append(encode_line(rejected))
        rows.records.append(record)


def rejection(record: Record, line: bytes, reason: Reason, detail: str) -> Rejected:
    """The refusal of one line; its id follows from the record, so that a repeat collapses."""
    digest = hashlib.blake2b(line, digest_size=16).hexdigest()
    where = f"{record.topic}[{record.partition}] at {record.offset}"
    if len(line) > MAX_ORIGINAL_BYTES:
        where += f", the first {MAX_ORIGINAL_BYTES} of {len(line)} bytes"
    return Rejected(
        rejected_id=uuid5("sink", record.topic, record.partition, record.offset, digest),
        rejected_at=record.time,
        reason=reason,
        detail=f"{where}: {detail}",
        event_id=_event_id(line),
        original=line[:MAX_ORIGINAL_BYTES],
    )


class _Identified(msgspec.Struct):
    event_id: str = ""


_identified = msgspec.json.Decoder(_Identified)


def _event_id(line: bytes) -> str:
    """The line's event id as far as it can be read."""
    try:
        return _identified.decode(line).event_id[:200]
    except (msgspec.MsgspecError, RecursionError):
        return ""
