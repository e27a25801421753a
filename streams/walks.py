"""How far a unit came in a funnel, from the set of its hits: one walk for each order of steps.

They say what `sinks/clickhouse/funnel_sql.py` says, and when: for every step the latest entry from
which it was reached, and when it was first reached from that entry. Equal milliseconds count in the
order of steps.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from operator import itemgetter
from typing import NamedTuple

import msgspec

from schemas.funnel import MAX_STEPS
from schemas.step_masks import BREAK, STEPS, WITHOUT_SHIFT


class Hit(msgspec.Struct, frozen=True, order=True, gc=False):
    """One event's evidence for one funnel."""

    time: int  # ms
    steps: int  # a mask, see `schemas.step_masks`
    values: tuple[str, ...] = ()  # one a `by` field; only where it enters the funnel
    session: int = 0  # ms: start of the session it belongs to


class Way(NamedTuple):
    """From the first step to one of the steps, both in ms; of any order: to the nth different."""

    entry: int
    arrival: int


Ways = list[Way | None]
"""One a step; None: it was not reached."""

Moment = tuple[int, int, int, Hit]
"""(time, step, 0, hit), or where the hit breaks the way to a step (time, -1, step, hit)."""

_ORDER = itemgetter(0, 1, 2)


class Only(NamedTuple):
    """Of the entries those with one value of a breakdown; the others are as if they were none."""

    position: int  # in Hit.values
    value: str


def ordered(moments: Sequence[Moment], count: int, within_ms: int, only: Only | None) -> Ways:
    """A step is reached when the one before was, within the window of that entry, and nothing that
    it is `without` came since.
    """
    reached: Ways = [None] * count
    alive: list[int | None] = [None] * count
    for time, step, breaks, hit in moments:
        if breaks:
            alive[breaks - 1] = None
            continue
        entry = time
        if step > 0:
            before = alive[step - 1]
            if before is None or time > before + within_ms:
                continue
            entry = before
        elif only is not None and hit.values[only.position] != only.value:
            continue
        alive[step] = entry
        known = reached[step]
        if known is None or known.entry < entry:
            reached[step] = Way(entry, time)
    return reached


def strict(hits: Sequence[Hit], count: int, within_ms: int, only: Only | None) -> Ways:
    """The same, and every other event of the unit breaks every way."""

    def place(hit: Hit) -> tuple[int, int, int, str]:
        """Events of one millisecond stand in the order of their first step, others before them."""
        bits = hit.steps & STEPS
        value = hit.values[only.position] if only is not None and bits & 1 else ""
        return hit.time, (bits & -bits).bit_length(), bits, value

    reached: Ways = [None] * count
    nowhere = [-1] * count
    seen = nowhere
    for hit in sorted(hits, key=place):
        bits, time = hit.steps & STEPS, hit.time
        if not bits:
            seen = nowhere
            continue
        ways = nowhere.copy()
        if bits & 1 and (only is None or hit.values[only.position] == only.value):
            ways[0] = time
            _reach(reached, 0, time, time)
        for step in range(1, count):
            if bits >> step & 1:
                # by the event before, or by this very event
                before = seen[step - 1]
                onward = before if before >= 0 and time <= before + within_ms else -1
                ways[step] = max(onward, ways[step - 1])
                if ways[step] >= 0:
                    _reach(reached, step, ways[step], time)
        seen = ways
    return reached


def in_any_order(moments: Sequence[Moment], count: int, within_ms: int, only: Only | None) -> Ways:
    """So many different steps came within the window of the earliest of them."""
    reached: Ways = [None] * count
    following: list[int | None] = [None] * count
    for time, step, _, hit in reversed(moments):
        following[step] = time
        if only is not None and hit.values[only.position] != only.value:
            continue
        until = time + within_ms
        times = sorted(at for at in following if at is not None and at <= until)
        for nth, arrival in enumerate(times):
            known = reached[nth]
            if known is None or (known.entry == time and arrival < known.arrival):
                reached[nth] = Way(time, arrival)
    return reached


def _reach(reached: Ways, step: int, entry: int, time: int) -> None:
    known = reached[step]
    if known is None or known.entry < entry:
        reached[step] = Way(entry, time)


@lru_cache(maxsize=10_000)
def _parts(mask: int) -> tuple[tuple[int, int], ...]:
    """(step, what it breaks) of each that an event of that mask is, in windowFunnel's order."""
    breaks = [(-1, k) for k in range(1, MAX_STEPS) if mask >> (WITHOUT_SHIFT + k) & 1]
    return (*breaks, *((step, 0) for step in range(MAX_STEPS) if mask >> step & 1))


def moments_of(hits: Sequence[Hit]) -> list[Moment]:
    """In windowFunnel's order: equal times in order of steps, what breaks a step before all."""
    moments = [(hit.time, *part, hit) for hit in hits for part in _parts(hit.steps)]
    moments.sort(key=_ORDER)
    return moments


def newest(hits: Sequence[Hit], at_most: int, breaks_at_most: int) -> Sequence[Hit] | None:
    """The newest hits where there are more than are counted; None where there are not.

    What is nothing but a strict funnel's break has a bound of its own.
    """
    if len(hits) <= at_most:
        return None
    breaks = sorted(hit for hit in hits if hit.steps == BREAK)
    others = sorted(hit for hit in hits if hit.steps != BREAK)
    if len(others) <= at_most and len(breaks) <= breaks_at_most:
        return None
    since = max(
        others[-at_most].time if len(others) > at_most else 0,
        breaks[-breaks_at_most].time if len(breaks) > breaks_at_most else 0,
    )
    return [hit for hit in (*others[-at_most:], *breaks[-breaks_at_most:]) if hit.time >= since]
