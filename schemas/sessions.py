"""Sessions of one device as a function of the set of its events (design.md section 4, Session).

A *run* is [first, last] of events with neighbours at most the gap apart. A *mark* is an event that
names an external source. Because both only grow with the set of events, arrival order, repetition
and batching cannot matter. Times are milliseconds.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence

Run = tuple[int, int]
Mark = tuple[int, str]


def add_event(
    runs: Sequence[Run], marks: Sequence[Mark], time_ms: int, source: str, gap_ms: int
) -> tuple[tuple[Run, ...], tuple[Mark, ...]]:
    """Runs and marks (both sorted) with one more event; `source` is '' where it is no mark."""
    first = last = time_ms
    low = bisect_left(runs, time_ms - gap_ms, key=lambda run: run[1])
    high = bisect_right(runs, time_ms + gap_ms, lo=low, key=lambda run: run[0])
    if low < high:
        first, last = min(first, runs[low][0]), max(last, runs[high - 1][1])
    joined = (*runs[:low], (first, last), *runs[high:])
    if not source:
        return joined, tuple(marks)
    mark = (time_ms, source)
    at = bisect_left(marks, mark)
    if at < len(marks) and marks[at] == mark:
        return joined, tuple(marks)
    return joined, (*marks[:at], mark, *marks[at:])


def add_newest(
    runs: tuple[Run, ...],
    marks: tuple[Mark, ...],
    starts: tuple[int, ...],
    time_ms: int,
    source: str,
    gap_ms: int,
) -> tuple[tuple[Run, ...], tuple[Mark, ...], tuple[int, ...]]:
    """Runs, marks and session starts with an event that is later than all runs.

    The same as `add_event` and `session_starts` give where no cut is later than all runs; it looks
    at the end alone, since nearly every event is its device's newest.
    """
    marked = (*marks, (time_ms, source)) if source else marks
    if not runs or time_ms > runs[-1][1] + gap_ms:
        return (*runs, (time_ms, time_ms)), marked, (*starts, time_ms)
    first = runs[-1][0]
    longer = (*runs[:-1], (first, time_ms))
    if not source or source == _last_source(marks, first):
        return longer, marked, starts
    return longer, marked, (*starts, time_ms)


def _last_source(marks: Sequence[Mark], first: int) -> str:
    """What the newest mark of the run that begins at `first` names; '' where it has no mark."""
    if not marks or marks[-1][0] < first:
        return ""
    if marks[-1][0] > first:
        return marks[-1][1]
    return marks[bisect_left(marks, first, key=lambda mark: mark[0])][1]


def session_starts(
    runs: Sequence[Run], marks: Sequence[Mark], cuts: Sequence[int] = ()
) -> list[int]:
    """Where sessions start, sorted.

    A run starts one; so does each mark whose source differs from that of the mark before it in
    the run. Of several marks at a run's first moment the least counts. `cuts` are times where the
    device's owner changes: inside a run a session starts exactly there, since a run does not keep
    the times of its events.
    """
    starts: set[int] = set()
    for first, last in runs:
        starts.add(first)
        starts.update(cut for cut in cuts if first < cut <= last)
        source = ""
        low = bisect_left(marks, first, key=lambda mark: mark[0])
        high = bisect_right(marks, last, lo=low, key=lambda mark: mark[0])
        for time_ms, mark in marks[low:high]:
            if time_ms == first:
                source = source or mark
            elif mark != source:
                starts.add(time_ms)
                source = mark
    return sorted(starts)


def session_start_of(starts: Sequence[int], time_ms: int) -> int:
    """Start of the session an event belongs to. ValueError: it lies before all of them."""
    at = bisect_right(starts, time_ms)
    if at == 0:
        raise ValueError(f"no session has begun at {time_ms}")
    return starts[at - 1]
