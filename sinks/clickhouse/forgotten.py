"""Lines about who was forgotten, which a topic still has and a sink that reads it again must not
store: ClickHouse keeps their keyed hashes (`forgotten_stored`).
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

import msgspec

from schemas.forget import Named, digest
from sinks.clickhouse.blocks import Block
from sinks.clickhouse.insert import Inserter

_FRESH_S = 1.0

_COUNT = "SELECT count(), max(told_until) FROM forgotten_stored"
_ALL = (
    "SELECT toString(digest), since, max(until), max(forgotten.told_until)"
    " FROM forgotten_stored AS forgotten GROUP BY digest, since ORDER BY digest, since"
)


class _Line(msgspec.Struct):
    """Of a line of any topic, whom and which time it names."""

    device_id: str = ""
    user_id: str = ""
    person_id: str | None = None
    resolved_id: str = ""
    identifier: str = ""
    rejected_id: str = ""
    event_time: int = 0
    decided_at: int = 0


class _Held(msgspec.Struct):
    """`spans`: of what happened then, nothing; `told_until`: of what a stage said until then."""

    spans: list[tuple[int, int]]
    told_until: int


class Forgotten:
    """As ClickHouse had it a second ago at most."""

    def __init__(self, secret: str) -> None:
        self._secret = secret
        self._held: dict[str, _Held] = {}
        self._seen: Sequence[object] = ()
        self._read_at = 0.0
        self._decoder = msgspec.json.Decoder(_Line)

    def refresh(self, inserter: Inserter) -> None:
        """Raises Unavailable."""
        if time.monotonic() - self._read_at < _FRESH_S:
            return
        (seen,) = inserter.ask(_COUNT)
        if seen != self._seen:
            held: dict[str, _Held] = {}
            for mark, since, until, told_until in inserter.ask(_ALL):
                entry = held.setdefault(mark, _Held([], 0))
                entry.spans.append((since, until))
                entry.told_until = max(entry.told_until, told_until)
            self._held, self._seen = held, seen
        self._read_at = time.monotonic()

    def take_out(self, block: Block) -> int:
        """Takes such lines out of the block; how many."""
        if not self._held:
            return 0
        taken = 0
        for rows in block.rows.values():
            both = zip(rows.lines, rows.records, strict=True)
            kept = [(line, record) for line, record in both if not self.has(line, record.time)]
            taken += len(rows.lines) - len(kept)
            if len(kept) < len(rows.lines):
                rows.lines = [line for line, _ in kept]
                rows.records = [record for _, record in kept]
        return taken

    def has(self, line: bytes, told_at: int) -> bool:
        """`line`: checked; `told_at`: when (ms) it was put into its topic."""
        named = self._decoder.decode(line)
        if named.rejected_id:
            return digest("rejected", named.rejected_id, self._secret).hex() in self._held
        if at := named.event_time or named.decided_at:
            return any(self._happened(kind, name, at) for kind, name in _actors(named))
        return any(self._told(kind, name, told_at) for kind, name in _mentioned(named))

    def _happened(self, named: Named, name: str, at: int) -> bool:
        held = self._held.get(digest(named, name, self._secret).hex()) if name else None
        return held is not None and any(first <= at <= last for first, last in held.spans)

    def _told(self, named: Named, name: str, told_at: int) -> bool:
        held = self._held.get(digest(named, name, self._secret).hex()) if name else None
        return held is not None and held.spans[0][0] == 0 and told_at <= held.told_until


def _actors(line: _Line) -> Iterator[tuple[Named, str]]:
    yield "device", line.device_id
    yield "user", line.user_id


def _mentioned(line: _Line) -> Iterator[tuple[Named, str]]:
    yield "device", line.device_id
    yield "device", line.identifier
    yield "user", line.user_id
    yield "user", line.identifier
    yield "person", line.person_id or ""
    yield "person", line.resolved_id
    yield "rejected", line.rejected_id
