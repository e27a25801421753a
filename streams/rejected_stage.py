"""The rejected stage: counts what was refused, by minute, reason and protocol.

line of footfall.rejected
  ├─ not a record of ours ───────▶ nothing: the sink refuses it, and says so in this topic
  ├─ replayed after a fix ───────▶ nothing: that it was refused stays true
  ├─ older than the live horizon ▶ nothing
  ├─ counted before ─────────────▶ nothing: what is published again has the id it had
  └─ a refusal ──────────────────▶ live counts

Reasons and protocols only: neither details nor bytes leave the topic here. Ids are remembered up to
a bound a minute; in a flood beyond it, what a crash published twice counts twice.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from typing import get_args

import msgspec

from schemas.batch import split_lines
from schemas.event import Protocol
from schemas.pulse import COUNTS_TTL_MS, rejected_field
from schemas.reasons import Reason
from schemas.redis_keys import refused_key, rejected_key
from schemas.topics import REJECTED
from streams.device import DIGEST_BYTES, digest, live_horizon
from streams.records import CounterChange, Effects, Emissions, Record, StateWrite

MAX_IDS = 1024
"""Ids that are remembered, a minute and partition."""

_MINUTE_MS = 60_000
_REASONS = frozenset(Reason)
_PROTOCOLS = frozenset(get_args(Protocol))


class Refusal(msgspec.Struct):
    """What is read of a `schemas.event.Rejected`."""

    rejected_id: str
    rejected_at: int
    reason: str
    protocol: str = ""
    replayed_at: int = 0


class Line(msgspec.Struct, frozen=True):
    """A refusal, and the partition it stands in: its counts are kept beside that one's fence."""

    partition: int
    refusal: Refusal

    @property
    def minute(self) -> int:
        return self.refusal.rejected_at // _MINUTE_MS


States = dict[str, bytes | None]
"""Minute -> digests of the ids that were refused in it."""

_decoder = msgspec.json.Decoder(Refusal)


class RejectedStage:
    """Folds batches of `footfall.rejected`; emits nothing."""

    topic = REJECTED
    counts = ()
    layouts = None

    def decode(self, record: Record) -> list[Line]:
        """The record's refusals that are to be counted."""
        horizon = live_horizon(record.time)
        lines = []
        for raw in split_lines(record.value):
            try:
                refusal = _decoder.decode(raw)
            except (msgspec.MsgspecError, UnicodeDecodeError):
                continue
            if not refusal.replayed_at and horizon <= refusal.rejected_at:
                lines.append(Line(record.partition, refusal))
        return lines

    def state_keys(
        self, lines: Sequence[Line], known: Collection[str] = ()
    ) -> Iterator[tuple[str, str]]:
        """(name, Redis key) of each state that the lines need and that is not known."""
        for partition, minute in {(line.partition, line.minute) for line in lines}:
            if str(minute) not in known:
                yield str(minute), refused_key(partition, minute)

    def decode_state(self, blob: bytes) -> bytes:
        return blob

    def fold(
        self, states: States, batch: Sequence[tuple[Record, Sequence[Line]]], epoch: int
    ) -> Effects:
        """Replaces entries of `states`, never changes one."""
        counts = Counter[tuple[str, str]]()
        writes: dict[str, StateWrite] = {}
        for _, lines in batch:
            for line in lines:
                mark = digest(line.refusal.rejected_id)
                known = states.get(str(line.minute)) or b""
                if mark in known:
                    continue
                counts[_counter(line)] += 1
                if len(known) < MAX_IDS * DIGEST_BYTES:
                    states[str(line.minute)] = known + mark
                    key = refused_key(line.partition, line.minute)
                    writes[key] = StateWrite(key, known + mark, COUNTS_TTL_MS)
        changes = [CounterChange(*at, count, COUNTS_TTL_MS) for at, count in counts.items()]
        return Effects(Emissions(), list(writes.values()), changes)


def _counter(line: Line) -> tuple[str, str]:
    """Key and field; of names that are none of ours there are no more than one."""
    refusal = line.refusal
    reason = refusal.reason if refusal.reason in _REASONS else Reason.INVALID_EVENT.value
    protocol = refusal.protocol if refusal.protocol in _PROTOCOLS else ""
    key = rejected_key(line.partition, line.minute // 60)
    return key, rejected_field(line.minute, reason, protocol)
