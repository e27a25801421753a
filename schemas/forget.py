"""Erasure: what the stages are told to forget, and the keyed hashes by which it stays forgotten.

A `Forget` line stands in a partition of a folded topic, so whoever folds the partition erases, and
nobody else. What it says is kept beside the partition's fence as hashes: whatever was said of these
identifiers until then counts no more, in whichever order and however often it comes again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from functools import lru_cache
from typing import Literal

import msgspec

Span = tuple[int, int]  # ms, both inclusive
Named = Literal["device", "user", "person", "rejected"]

FORGOTTEN = "\x00forgotten"
"""The name of a partition's memory among its states; no identifier has a control character."""


class Forget(msgspec.Struct, kw_only=True, omit_defaults=True, tag_field="kind", tag="forget"):
    """A line of a folded topic. `at`: when it was asked for."""

    partition: int  # of the topic
    at: int  # ms
    keys: tuple[str, ...] = ()  # whose states of this partition hold something of it
    devices: dict[str, tuple[Span, ...]] = {}  # what of each device: all until `at`, or spans
    users: tuple[str, ...] = ()
    persons: tuple[str, ...] = ()

    @property
    def whole(self) -> frozenset[str]:
        """The devices of which nothing is kept."""
        return frozenset(d for d, spans in self.devices.items() if is_whole(spans, self.at))


FORGET_BEGINS = b'{"kind":"forget"'
"""How each `Forget` line begins: beside lines that have no kind."""

Memory = dict[bytes, tuple[Span, ...]]
"""Digest -> the times of which nothing counts. It only grows."""

encode_memory = msgspec.msgpack.Encoder().encode
memory_decoder: msgspec.msgpack.Decoder[Memory] = msgspec.msgpack.Decoder(Memory)


def is_whole(spans: Iterable[Span], until: int) -> bool:
    return any(first <= 0 and last >= until for first, last in spans)


@lru_cache(maxsize=100_000)
def digest(named: Named, identifier: str, secret: str) -> bytes:
    """What stands for an identifier that is forgotten: nobody without the secret can look it up."""
    key = hashlib.sha256(f"forget\x1f{secret}".encode()).digest()
    return hashlib.blake2b(f"{named}\x1f{identifier}".encode(), digest_size=16, key=key).digest()


def covers(memory: Memory, mark: bytes, time_ms: int) -> bool:
    """Whether what was said at that time is forgotten."""
    return any(first <= time_ms <= last for first, last in memory.get(mark, ()))


def remembered(memory: Memory, line: Forget, secret: str) -> Memory:
    """`memory` with what the line says; the same object where that is nothing new."""
    told: Memory = {}
    for device, spans in line.devices.items():
        if spans:
            told[digest("device", device, secret)] = spans
    always = ((0, line.at),)
    told.update({digest("user", user, secret): always for user in line.users})
    told.update({digest("person", person, secret): always for person in line.persons})
    grown = {mark: _joined((*memory.get(mark, ()), *spans)) for mark, spans in told.items()}
    if all(memory.get(mark) == spans for mark, spans in grown.items()):
        return memory
    return {**memory, **grown}


def _joined(spans: Iterable[Span]) -> tuple[Span, ...]:
    joined: list[Span] = []
    for first, last in sorted(spans):
        if joined and first <= joined[-1][1] + 1:
            joined[-1] = (joined[-1][0], max(joined[-1][1], last))
        else:
            joined.append((first, last))
    return tuple(joined)


def left_between(spans: Iterable[Span], until: int) -> tuple[Span, ...]:
    """The times that are not in any of the spans, from 0 to `until`."""
    left: list[Span] = []
    begin = 0
    for first, last in _joined(spans):
        if first > begin:
            left.append((begin, first - 1))
        begin = last + 1
    return (*left, (begin, until)) if begin <= until else tuple(left)
