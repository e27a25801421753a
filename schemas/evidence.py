"""What a device's events say for the site's live funnels, packed: a few bytes an event.

What an event says (the steps it satisfies, the breakdown's values) it has in common with most
others of its device. So each different thing said stands once in a sorted table, and an event is
its time and a number of that table. Packed evidence is a function of the sorted entries; one of
the newest event is put on at the end without reading the others. A *layout* names the funnels
whose steps stand in an entry, by their position: evidence outlives a change of the site file.
Session ids are not in it; they follow from the session starts that lie beside it.

    bytes 0-3   length of the table
    bytes 4-7   where times begin, in units of 65,536 ms since 1970
    table       msgpack: [[steps, values], ...], sorted
    entries     each: milliseconds since then (4 bytes), number in the table (1 byte, or 2 bytes
                where the table has more than 256)
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from functools import lru_cache

import msgspec

Layout = tuple[int, ...]  # Funnel.fingerprint of each funnel
Said = tuple[tuple[int, ...], tuple[tuple[str, ...], ...]]  # steps, values

EMPTY = b""

MAX_HITS = 64
"""So many hits of a unit are counted a funnel, the newest."""

_HEADER = struct.Struct(">II")
_NARROW = struct.Struct(">IB")
_WIDE = struct.Struct(">IH")
_UNIT_BITS = 16
_LONGEST_MS = (1 << 32) - (1 << _UNIT_BITS) - 1  # 49 days


class Evidence(msgspec.Struct, frozen=True, order=True):
    """What one event says for all funnels of a layout."""

    time: int  # ms
    steps: tuple[int, ...]  # a funnel; bit i: satisfies step i; bit 16+i: step i is `without` it
    values: tuple[tuple[str, ...], ...] = ()  # of each funnel that it enters: its `by` fields


class _Table:
    """What is said in some packed evidence, decoded."""

    def __init__(self, encoded: bytes) -> None:
        self.said = _decoder.decode(encoded)
        self.number = {said: number for number, said in enumerate(self.said)}
        self.entry = _entry_of(len(self.said))


def _entry_of(said: int) -> struct.Struct:
    return _NARROW if said <= 256 else _WIDE


_encode = msgspec.msgpack.Encoder().encode
_decoder = msgspec.msgpack.Decoder(tuple[Said, ...])
_table = lru_cache(maxsize=10_000)(_Table)


def size_of(packed: bytes) -> int:
    """How many events are in it."""
    if not packed:
        return 0
    length, _ = _HEADER.unpack_from(packed)
    end: int = _HEADER.size + length
    return (len(packed) - end) // _table(packed[_HEADER.size : end]).entry.size


def put_on(packed: bytes, newest: Evidence) -> bytes:
    """`packed` with an entry that sorts after all others."""
    if packed:
        length, begin = _HEADER.unpack_from(packed)
        table = _table(packed[_HEADER.size : _HEADER.size + length])
        number = table.number.get((newest.steps, newest.values))
        after = newest.time - (begin << _UNIT_BITS)
        if number is not None and after <= _LONGEST_MS:
            return packed + table.entry.pack(after, number)
    return pack((*unpack(packed), newest))


def pack(entries: Iterable[Evidence]) -> bytes:
    """Of sorted entries; no bytes for none.

    What is 49 days older than the newest is left out: nothing that old is live.
    """
    kept = list(entries)
    if not kept:
        return EMPTY
    if kept[-1].time - kept[0].time > _LONGEST_MS:
        kept = [entry for entry in kept if kept[-1].time - entry.time <= _LONGEST_MS]
    table = sorted({(entry.steps, entry.values) for entry in kept})
    number = {said: place for place, said in enumerate(table)}
    begin = kept[0].time >> _UNIT_BITS
    after, one = begin << _UNIT_BITS, _entry_of(len(table))
    encoded = _encode(table)
    entered = [one.pack(e.time - after, number[e.steps, e.values]) for e in kept]
    return b"".join((_HEADER.pack(len(encoded), begin), encoded, *entered))


def unpack(packed: bytes) -> tuple[Evidence, ...]:
    """Raises msgspec.MsgspecError or struct.error for what was not packed here."""
    if not packed:
        return ()
    length, begin = _HEADER.unpack_from(packed)
    end, after = _HEADER.size + length, begin << _UNIT_BITS
    table = _table(packed[_HEADER.size : end])
    said = table.said
    return tuple(
        [Evidence(after + time, *said[n]) for time, n in table.entry.iter_unpack(packed[end:])]
    )


def first_time(packed: bytes) -> int:
    """Time (ms) of the first event in it; `packed` is not empty."""
    length, begin = _HEADER.unpack_from(packed)
    (time,) = struct.unpack_from(">I", packed, _HEADER.size + length)
    return int((begin << _UNIT_BITS) + time)
