"""What a device's events say for the site's live funnels, packed: a few bytes an event.

What an event says (the steps it satisfies, the breakdown's values) it has in common with most
others of its device. So each different thing said stands once in a table, in the order in which
they were first said, and an event is its time and a number of that table. Packed evidence is a
function of the sorted entries; the newest event's is put on at the end without reading the others.
A *layout* names the funnels whose steps stand in an entry, by their position: evidence outlives a
change of the site file. Session ids are not in it; they follow from the session starts that lie
beside it.

    bytes 0-3   length of the table
    bytes 4-7   where times begin, in units of 65,536 ms since 1970
    table       msgpack: [[steps, values], ...]; of the values those of FREQUENT as their number
    entries     each: milliseconds since then (4 bytes), number in the table (1 byte, or 2 bytes
                where the table has more than 256)
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

import msgspec

Layout = tuple[int, ...]  # Funnel.fingerprint of each funnel

EMPTY = b""

MAX_HITS = 64
"""So many hits of a unit are counted a funnel, the newest."""

MAX_BREAKS = 256
"""So many of a unit's events that are no step of a strict funnel, but break it."""

# What stands in a mask of steps, bit by bit; the first step is 0.
STEPS = 0xFFFF  # bit i: satisfies step i
ENTERS = 1 << 16  # of a funnel in any order: its `by` fields follow, whatever step it is
WITHOUT_SHIFT = 16  # bit 16+i: of an ordered funnel, what step i (from 1) is `without`
BREAK = 1 << 31  # of a strict funnel: alone it is an event that satisfies no step
AGAIN = 1 << 33  # of a strict funnel, counted up: the same at the same time, by another event
_MOST_AGAIN = 15

_HEADER = struct.Struct(">II")
_NARROW = struct.Struct(">IB")
_WIDE = struct.Struct(">IH")
_UNIT_BITS = 16
_LONGEST_MS = (1 << 32) - (1 << _UNIT_BITS) - 1  # 49 days


class Said(msgspec.Struct, frozen=True, order=True, array_like=True, cache_hash=True, gc=False):
    """What events say for all funnels of a layout."""

    steps: tuple[int, ...]  # a funnel, a mask; without the funnels at the end that it is nothing to
    values: tuple[tuple[str, ...], ...] = ()  # of each funnel that it enters: its `by` fields


class Evidence(msgspec.Struct, frozen=True, order=True, gc=False):
    """What one event says."""

    time: int  # ms
    said: Said


def enters(mask: int) -> bool:
    """Whether a mask is an entry, so that the values of the funnel's `by` fields follow."""
    return bool(mask & (1 | ENTERS))


def with_another(entries: set[Evidence], entry: Evidence) -> None:
    """Adds one event's evidence.

    To all orders but strict it is the same whether a step was made once or twice in a millisecond;
    in a strict one it breaks the way, so there each event counts: as the nth of its kind.
    """
    while entry in entries:
        steps = tuple([mask + AGAIN if _may_repeat(mask) else mask for mask in entry.said.steps])
        if steps == entry.said.steps:
            return
        entry = Evidence(entry.time, Said(steps, entry.said.values))
    entries.add(entry)


def _may_repeat(mask: int) -> bool:
    return bool(mask & BREAK and mask & STEPS) and mask // AGAIN < _MOST_AGAIN


FREQUENT = (
    *("", "desktop", "phone", "tablet", "tv"),
    *("direct", "internal", "search", "social", "email", "paid", "ai", "referral", "unknown"),
    *("Google", "Bing", "DuckDuckGo", "Yahoo", "Yandex", "Baidu", "Ecosia", "Brave", "Startpage"),
    *("Facebook", "Instagram", "YouTube", "TikTok", "X", "LinkedIn", "Pinterest", "Reddit"),
    *("WhatsApp", "ChatGPT", "Perplexity", "Claude", "Gemini", "Gmail", "Outlook"),
)
"""Texts that breakdowns often name, stored as one byte. What is stored names them by their place
here: only append, and at most 128.
"""

_NUMBERS: dict[str, int | str] = {text: number for number, text in enumerate(FREQUENT)}


class _Row(msgspec.Struct, array_like=True, gc=False):
    """`Said` as it is stored."""

    steps: tuple[int, ...]
    values: tuple[tuple[int | str, ...], ...] = ()


_encode_rows = msgspec.msgpack.Encoder().encode
_decode_rows = msgspec.msgpack.Decoder(tuple[_Row, ...]).decode


def _encode(table: Iterable[Said]) -> bytes:
    rows = []
    for said in table:
        values = [[_NUMBERS.get(text, text) for text in texts] for texts in said.values]
        rows.append((said.steps, values) if values else (said.steps,))
    return _encode_rows(rows)


def _decode(table: bytes) -> tuple[Said, ...]:
    return tuple(
        [
            Said(
                row.steps,
                tuple(
                    [
                        tuple([FREQUENT[one] if type(one) is int else str(one) for one in texts])
                        for texts in row.values
                    ]
                ),
            )
            for row in _decode_rows(table)
        ]
    )


def _entry_of(said: int) -> struct.Struct:
    """How an entry is packed beside a table of so many."""
    return _NARROW if said <= 256 else _WIDE


@lru_cache(maxsize=10_000)
def _said_in(table: bytes) -> tuple[Said, ...]:
    return _decode(table)


class _Place(NamedTuple):
    number: int
    table: bytes  # with what is said; the table asked for where it was there already
    entry: struct.Struct


@lru_cache(maxsize=10_000)
def _place(table: bytes, said: Said) -> _Place:
    """Where in a table that stands: at the end where it is new."""
    there = _said_in(table)
    if said in there:
        return _Place(there.index(said), table, _entry_of(len(there)))
    grown = (*there, said)
    return _Place(len(there), _encode(grown), _entry_of(len(grown)))


def put_on(packed: bytes, newest: Evidence, at_most: int) -> bytes | None:
    """`packed` with an entry that sorts after all others; None where it is not put on so easily.

    That is where there are `at_most` entries already, or the form of the entries would change.
    """
    if not packed:
        return pack((newest,))
    length, begin = _HEADER.unpack_from(packed)
    end = _HEADER.size + length
    table = packed[_HEADER.size : end]
    number, grown, entry = _place(table, newest.said)
    after = newest.time - (begin << _UNIT_BITS)
    if len(packed) - end >= at_most * entry.size or after > _LONGEST_MS:
        return None
    if grown is table:
        return packed + entry.pack(after, number)
    if entry is _WIDE:
        return None
    return b"".join(
        (_HEADER.pack(len(grown), begin), grown, packed[end:], entry.pack(after, number))
    )


def pack(sorted_entries: Iterable[Evidence]) -> bytes:
    """No bytes for none.

    What is 49 days older than the newest is left out: nothing that old is live.
    """
    kept = list(sorted_entries)
    if not kept:
        return EMPTY
    if kept[-1].time - kept[0].time > _LONGEST_MS:
        kept = [entry for entry in kept if kept[-1].time - entry.time <= _LONGEST_MS]
    begin = kept[0].time >> _UNIT_BITS
    after = begin << _UNIT_BITS
    table: dict[Said, int] = {}
    entries = [(entry.time - after, table.setdefault(entry.said, len(table))) for entry in kept]
    encoded, one = _encode(list(table)), _entry_of(len(table))
    packed = [one.pack(*entry) for entry in entries]
    return b"".join((_HEADER.pack(len(encoded), begin), encoded, *packed))


def unpack(packed: bytes) -> tuple[Evidence, ...]:
    """Raises msgspec.MsgspecError, IndexError or struct.error for what was not packed here."""
    if not packed:
        return ()
    length, begin = _HEADER.unpack_from(packed)
    end, after = _HEADER.size + length, begin << _UNIT_BITS
    said = _said_in(packed[_HEADER.size : end])
    entries = _entry_of(len(said)).iter_unpack(packed[end:])
    return tuple([Evidence(after + time, said[number]) for time, number in entries])


def first_time(packed: bytes) -> int:
    """Time (ms) of the first event in it; `packed` is not empty."""
    length, begin = _HEADER.unpack_from(packed)
    (time,) = struct.unpack_from(">I", packed, _HEADER.size + length)
    return int((begin << _UNIT_BITS) + time)
