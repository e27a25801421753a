"""Every Kafka topic: its name, what keys it, how many partitions, how long it is kept.

Partition counts are fixed when a topic is created. The partition of a key is computed here and
set explicitly by every producer, because Redis keys and the personalization API depend on it too.
"""

from __future__ import annotations

import re
import time
from typing import Literal
from zlib import crc32 as _crc32

import msgspec

PARTITIONS = 8

Key = Literal["device", "person", "none"]


class Topic(msgspec.Struct, frozen=True):
    """One Kafka topic. `key` says what a record's partition is computed from."""

    name: str
    key: Key
    partitions: int = PARTITIONS


RAW = Topic("footfall.raw", "device")
"""Micro-batches of `Event` lines (and `Decision` lines), as ingest accepted them."""

EVENTS = Topic("footfall.events", "person")
"""Micro-batches of `EnrichedEvent` lines: stitched, sessionized, without IP and user agent."""

IDENTITY = Topic("footfall.identity", "person")
"""Micro-batches of `IdentityLink` lines: identifier, person, reason, since when."""

CORRECTIONS = Topic("footfall.corrections", "device")
"""Micro-batches of `Correction` lines: spans of a device whose person or session changed later."""

DECISIONS = Topic("footfall.decisions", "device")
"""Micro-batches of `Decision` lines: what the homepage endpoint chose."""

REGISTERS = Topic("footfall.registers", "person")
"""Micro-batches of `Register` lines, what one device contributes to one person, and `Root` lines,
whose person one is; newest wins."""

ALIASES = Topic("footfall.aliases", "none", partitions=1)
"""Micro-batches of `Alias` lines: a server says that two user ids are one person, or no longer."""

RESOLUTIONS = Topic("footfall.resolutions", "person")
"""Micro-batches of `Resolution` lines: whose a person's events are, as known now; newest wins."""

SIGHTINGS = Topic("footfall.sightings", "device")
"""Micro-batches of `SightingLine`: who was seen where log lines of a pseudonym came from."""

REJECTED = Topic("footfall.rejected", "none")
"""`Rejected` lines: every refused input with its original bytes."""

ALL = (
    RAW,
    EVENTS,
    IDENTITY,
    CORRECTIONS,
    DECISIONS,
    ALIASES,
    REGISTERS,
    RESOLUTIONS,
    SIGHTINGS,
    REJECTED,
)

FOLDED = (RAW, ALIASES, REGISTERS, SIGHTINGS)
"""What a stage of the stream reads, in the order in which messages flow. Only the first is written
from outside; whatever is in the others is emitted again when the first is folded again."""

READ = (*FOLDED, REJECTED)
"""All that the stream reads. What was refused is only counted; it comes from everywhere, so whoever
counts it anew begins where Kafka begins."""

FLOW = (*FOLDED, REGISTERS, REGISTERS, REJECTED)
"""The order in which what is under way comes to rest. A register goes on at most twice: from a user
to the root, from there to a device that is apart."""

SINK_GROUP = "footfall-sink"
STREAM_GROUP = "footfall-stream"


def partition_of(key: str, topic: Topic) -> int:
    """The partition of a device or person id: its CRC-32, the same in every language."""
    return _crc32(key.encode()) % topic.partitions


# A version orders all writes about one device: 24 bits of topic epoch, 39 bits of record offset.
_OFFSET_BITS = 39
_EPOCH_ORIGIN_S = 1_767_225_600  # 2026-01-01T00:00:00Z


def version_of(epoch: int, offset: int) -> int:
    """Epoch and offset of a raw record as one number below 2**63; later records are greater."""
    return epoch << _OFFSET_BITS | offset


def next_epoch(previous: int, now_s: float | None = None) -> int:
    """The epoch of a topic created now: minutes since 2026, and greater than `previous`.

    Taken from the clock so that it grows even when Redis, where the last one is kept, was lost.
    """
    clock = int((time.time() if now_s is None else now_s) - _EPOCH_ORIGIN_S) // 60
    return max(previous + 1, clock)


class Position(msgspec.Struct, frozen=True, order=True):
    """How far a partition has been applied: everything below `offset` of this `epoch`."""

    epoch: int
    offset: int

    def encode(self) -> bytes:
        return b"%d:%d" % (self.epoch, self.offset)

    @classmethod
    def decode(cls, raw: bytes) -> Position:
        """Raises ValueError for anything that `encode` did not write."""
        match = re.fullmatch(rb"(\d+):(\d+)", raw)
        if match is None:
            raise ValueError(f"not a position: {raw!r}")
        return cls(int(match[1]), int(match[2]))
