"""What a device's events say for the site's live funnels, packed: one entry an event, encoded once.

Packed evidence is a msgpack array of `Evidence`, sorted, with a header of fixed size, so that the
newest entry is put on at the end and nothing else is read. A *layout* names the funnels whose
steps stand in an entry, by their position: evidence outlives a change of the site file. Session
ids are not in it; they follow from the session starts that lie beside it.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable

import msgspec

Layout = tuple[int, ...]  # Funnel.fingerprint of each funnel

EMPTY = b""

MAX_HITS = 64
"""So many hits of a unit are counted a funnel, the newest."""

_HEADER = struct.Struct(">BH")  # a msgpack array of up to 65,535 elements
_ARRAY_16 = 0xDC


class Evidence(msgspec.Struct, array_like=True, frozen=True, order=True):
    """What one event says for all funnels of a layout."""

    time: int  # ms
    steps: tuple[int, ...]  # a funnel; bit i: satisfies step i; bit 16+i: step i is `without` it
    values: tuple[tuple[str, ...], ...] = ()  # of each funnel that it enters: its `by` fields


_encode = msgspec.msgpack.Encoder().encode
_decoder = msgspec.msgpack.Decoder(tuple[Evidence, ...])


def size_of(packed: bytes) -> int:
    """How many events are in it."""
    return int.from_bytes(packed[1:3], "big")


def put_on(packed: bytes, newest: Evidence) -> bytes:
    """`packed` with an entry that sorts after all others."""
    return _HEADER.pack(_ARRAY_16, size_of(packed) + 1) + packed[3:] + _encode(newest)


def pack(entries: Iterable[Evidence]) -> bytes:
    """Of sorted entries; no bytes for none."""
    parts = [_encode(entry) for entry in entries]
    return _HEADER.pack(_ARRAY_16, len(parts)) + b"".join(parts) if parts else EMPTY


def unpack(packed: bytes) -> tuple[Evidence, ...]:
    """Raises msgspec.MsgspecError for anything that was not packed here."""
    return _decoder.decode(packed) if packed else ()
