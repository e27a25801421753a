"""What a device's events say for the site's live funnels, packed: a few bytes an event.

What an event says (the steps it satisfies, the breakdown's values) it has in common with most
others of its device. So each different thing said stands once in a table, in the order in which
they were first said, and an event is its time and a number of that table. Packed evidence is a
function of the sorted entries; the newest event's is put on at the end without reading the others.
A *layout* names the funnels whose steps stand in an entry, by their position: evidence outlives a
change of the site file. Session ids are not in it; they follow from the session starts that lie
beside it.

    byte 0      length of the table; 255 where the form is wide
    bytes 1-3   where times begin, in units of 131,072 ms since 1970
    table       rows, see `schemas.evidence_rows`
    entries     each four bytes: milliseconds since then (28 bits), number in the table (4 bits)

The wide form is for more than 16 different things, 74 hours, or a table of more than 254 bytes: its
length are the bytes 4-7, and an entry has six bytes, 32 bits of milliseconds and 16 of a number.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

import msgspec

from schemas.evidence_rows import decode_row, encode_row, split_rows
from schemas.step_masks import AGAIN, may_repeat

Layout = tuple[int, ...]  # Funnel.fingerprint of each funnel

EMPTY = b""

MAX_HITS = 64
"""So many hits of a unit are counted a funnel, the newest."""

MAX_BREAKS = 256
"""So many of a unit's events that are no step of a strict funnel, but break it."""

_WIDE = 255
_UNIT_BITS = 17
_NARROW_ROWS = 16
_ENTRY_BITS = 28
_NARROW_MS = (1 << _ENTRY_BITS) - 1
_WIDE_ENTRY = struct.Struct(">IH")
_LONGEST_MS = (1 << 32) - (1 << _UNIT_BITS) - 1  # 49 days


class Said(msgspec.Struct, frozen=True, order=True, array_like=True, cache_hash=True, gc=False):
    """What events say for all funnels of a layout."""

    steps: tuple[int, ...]  # a funnel, a mask; without the funnels at the end that it is nothing to
    values: tuple[tuple[str, ...], ...] = ()  # of each funnel that it enters: its `by` fields


class Evidence(msgspec.Struct, frozen=True, order=True, gc=False):
    """What one event says."""

    time: int  # ms
    said: Said


def with_another(entries: set[Evidence], entry: Evidence) -> None:
    """Adds one event's evidence.

    To all orders but strict it is the same whether a step was made once or twice in a millisecond;
    in a strict one it breaks the way, so there each event counts: as the nth of its kind.
    """
    while entry in entries:
        steps = tuple([mask + AGAIN if may_repeat(mask) else mask for mask in entry.said.steps])
        if steps == entry.said.steps:
            return
        entry = Evidence(entry.time, Said(steps, entry.said.values))
    entries.add(entry)


@lru_cache(maxsize=10_000)
def _said_in(table: bytes) -> tuple[Said, ...]:
    return tuple([_said(row) for row in split_rows(table)])


@lru_cache(maxsize=10_000)
def _said(row: bytes) -> Said:
    return Said(*decode_row(row))


class _Place(NamedTuple):
    number: int
    grown: bytes  # the table with what is said at its end; nothing where it is there already


@lru_cache(maxsize=10_000)
def _place(table: bytes, said: Said) -> _Place:
    """Where in a table that stands: at the end where it is new."""
    there = _said_in(table)
    if said in there:
        return _Place(there.index(said), b"")
    return _Place(len(there), table + encode_row(said.steps, said.values))


def put_on(packed: bytes, newest: Evidence, at_most: int) -> bytes | None:
    """`packed` with an entry that sorts after all others; None where it is not put on so easily.

    That is where there are `at_most` entries already, or the form would change.
    """
    if not packed:
        return pack((newest,))
    length, begin = packed[0], packed[1:4]
    after = newest.time - (int.from_bytes(begin, "big") << _UNIT_BITS)
    if length == _WIDE:
        return _put_on_wide(packed, after, newest.said, at_most)
    end = 4 + length
    table = packed[4:end]
    number, grown = _place(table, newest.said)
    if (
        after > _NARROW_MS
        or number >= _NARROW_ROWS
        or len(grown) >= _WIDE
        or len(packed) - end >= at_most * 4
    ):
        return None
    entry = (after << 32 - _ENTRY_BITS | number).to_bytes(4, "big")
    if not grown:
        return packed + entry
    return b"".join((_length(grown), begin, grown, packed[end:], entry))


def _put_on_wide(packed: bytes, after: int, said: Said, at_most: int) -> bytes | None:
    end = 8 + int.from_bytes(packed[4:8], "big")
    number, grown = _place(packed[8:end], said)
    if len(packed) - end >= at_most * _WIDE_ENTRY.size or after > _LONGEST_MS:
        return None
    entry = _WIDE_ENTRY.pack(after, number)
    if not grown:
        return packed + entry
    return b"".join((packed[:4], len(grown).to_bytes(4, "big"), grown, packed[end:], entry))


def _length(table: bytes) -> bytes:
    return len(table).to_bytes(1, "big")


def pack(sorted_entries: Iterable[Evidence]) -> bytes:
    """No bytes for none. A function of the entries; what has been put on is packed the same.

    What is 49 days older than the newest is left out: nothing that old is live.
    """
    kept = list(sorted_entries)
    if not kept:
        return EMPTY
    if kept[-1].time - kept[0].time > _LONGEST_MS:
        kept = [entry for entry in kept if kept[-1].time - entry.time <= _LONGEST_MS]
    units = kept[0].time >> _UNIT_BITS
    begin, since = units.to_bytes(3, "big"), units << _UNIT_BITS
    rows: dict[Said, int] = {}
    entries = [(entry.time - since, rows.setdefault(entry.said, len(rows))) for entry in kept]
    table = b"".join([encode_row(said.steps, said.values) for said in rows])
    if len(rows) <= _NARROW_ROWS and entries[-1][0] <= _NARROW_MS and len(table) < _WIDE:
        packed = [(after << 32 - _ENTRY_BITS | row).to_bytes(4, "big") for after, row in entries]
        return b"".join((_length(table), begin, table, *packed))
    packed = [_WIDE_ENTRY.pack(*entry) for entry in entries]
    return b"".join((b"\xff", begin, len(table).to_bytes(4, "big"), table, *packed))


def unpack(packed: bytes) -> tuple[Evidence, ...]:
    """Raises ValueError, IndexError or struct.error for what was not packed here."""
    if not packed:
        return ()
    since = int.from_bytes(packed[1:4], "big") << _UNIT_BITS
    if packed[0] == _WIDE:
        end = 8 + int.from_bytes(packed[4:8], "big")
        said = _said_in(packed[8:end])
        wide = _WIDE_ENTRY.iter_unpack(packed[end:])
        return tuple([Evidence(since + after, said[row]) for after, row in wide])
    end = 4 + packed[0]
    said = _said_in(packed[4:end])
    entries = struct.unpack(f">{(len(packed) - end) // 4}I", packed[end:])
    return tuple([Evidence(since + (entry >> 4), said[entry & 15]) for entry in entries])


def first_time(packed: bytes) -> int:
    """Time (ms) of the first event in it; `packed` is not empty."""
    since = int.from_bytes(packed[1:4], "big") << _UNIT_BITS
    if packed[0] == _WIDE:
        end = 8 + int.from_bytes(packed[4:8], "big")
        return since + int.from_bytes(packed[end : end + 4], "big")
    end = 4 + packed[0]
    return since + (int.from_bytes(packed[end : end + 4], "big") >> 32 - _ENTRY_BITS)
