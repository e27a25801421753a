"""The times of a device's sessions as they are stored: each as its distance from the one before.

msgpack writes a small number in one byte, minutes in milliseconds in three or five, and the
milliseconds since 1970 in nine. A session start that is the start of a run, and the text of a
source that is there before, are not written again.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate, chain
from operator import sub

import msgspec

Run = tuple[int, int]
Mark = tuple[int, str]


class Moments(msgspec.Struct, array_like=True, gc=False):
    """Of one device; `unpack` gives back what `pack` was given."""

    seen: list[int]  # first seen, [first, last] of each run, last seen: one upon the other
    marks: dict[str, list[int]] = {}  # source -> ms since first seen
    cuts: list[int] = []  # starts inside of runs, ms since first seen


def pack(
    first_seen: int,
    last_seen: int,
    runs: Sequence[Run],
    marks: Sequence[Mark],
    starts: Sequence[int],
) -> Moments:
    """All in ms, sorted; all runs lie between first and last seen, and each run is a start."""
    times = [first_seen, *chain.from_iterable(runs), last_seen]
    moments = Moments([first_seen, *map(sub, times[1:], times)])
    if marks:
        grouped: dict[str, list[int]] = {}
        for time, source in marks:
            grouped.setdefault(source, []).append(time - first_seen)
        moments.marks = grouped
    if len(starts) != len(runs):
        begun = {first for first, _ in runs}
        moments.cuts = [start - first_seen for start in starts if start not in begun]
    return moments


def unpack(
    moments: Moments,
) -> tuple[int, int, tuple[Run, ...], tuple[Mark, ...], tuple[int, ...]]:
    """(first seen, last seen, runs, marks, starts). Raises ValueError for what `pack` did not."""
    first_seen, *times, last_seen = accumulate(moments.seen)
    runs = tuple(zip(times[::2], times[1::2], strict=True))
    marks = [(first_seen + time, source) for source, mine in moments.marks.items() for time in mine]
    starts = times[::2]
    if moments.cuts:
        starts = sorted([*starts, *(first_seen + cut for cut in moments.cuts)])
    return first_seen, last_seen, runs, tuple(sorted(marks)), tuple(starts)
