"""When a device was seen, as it is stored: first and last, and the runs of its sessions.

Six bytes of the first moment, then the distance from each moment to the next, of four bytes. Where
a run is 49 days from the next, distances have eight bytes, and a byte at the end says so. First
and last seen, which are nearly always the first run's first and the last run's last moment, are
not written then; the highest bit says whether they are.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from itertools import accumulate, chain
from operator import sub

Run = tuple[int, int]

_APART = 1 << 15  # first and last seen stand beside the runs
_FIRST = 6
_LOW = (1 << 32) - 1
_LAST_MS = 1 << 47


def pack(first_seen: int, last_seen: int, runs: Sequence[Run]) -> bytes:
    """All in ms, sorted, and the runs between first and last seen. ValueError: they are not."""
    times = [*chain.from_iterable(runs)]
    high = first_seen >> 32
    if not times or times[0] != first_seen or times[-1] != last_seen:
        times = [first_seen, *times, last_seen]
        high |= _APART
    if first_seen < _LAST_MS:
        try:
            steps = map(sub, times[1:], times)
            return _narrow(len(times)).pack(high, first_seen & _LOW, *steps)
        except struct.error:
            if min(map(sub, times[1:], times)) >= 0 <= first_seen:
                far = map(sub, times[1:], times)
                return _wide(len(times) - 1).pack(high, first_seen & _LOW, *far, 0)
    raise ValueError(f"a device was seen from {first_seen} to {last_seen} ms")


def unpack(packed: bytes) -> tuple[int, int, list[int]]:
    """(first seen, last seen, [first and last of each run, sorted]); ValueError for what `pack` did
    not write.
    """
    size = len(packed)
    try:
        if size % 4 == 2:
            high, low, *steps = _narrow(size >> 2).unpack(packed)
        else:
            high, low, *steps, _ = _wide((size - _FIRST) // 8).unpack(packed)
    except struct.error as error:
        raise ValueError(f"times of {size} bytes") from error
    if high < _APART:
        times = [*accumulate(steps, initial=high << 32 | low)]
        if len(times) % 2:
            raise ValueError("a run without an end")
        return times[0], times[-1], times
    first_seen, *times = accumulate(steps, initial=(high ^ _APART) << 32 | low)
    last_seen = times.pop()
    if len(times) % 2:
        raise ValueError("a run without an end")
    return first_seen, last_seen, times


_NARROW = [struct.Struct(f">H{numbers}I") for numbers in range(64)]


def _narrow(numbers: int) -> struct.Struct:
    """After the first two bytes."""
    return _NARROW[numbers] if numbers < 64 else struct.Struct(f">H{numbers}I")


def _wide(steps: int) -> struct.Struct:
    return struct.Struct(f">HI{steps}QB")
