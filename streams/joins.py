"""Whose the log lines of a pseudonym are, and when: identity rule 5 of design.md section 4.

A pure function of the set of lines about the pseudonym, so their order and repetition cannot
matter. A line joins a device where that device alone was seen within WINDOW_MS, and nobody without
consent was. Where a span's end is known only to STEP_MS, a device counts as there as long as it
must have been when it would be joined, and as long as it may have been when it is in the way: what
is not sure is not joined.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from schemas.sightings import (
    STEP_MS,
    WINDOW_MS,
    Logged,
    Seen,
    SightedState,
    Sighting,
    SightingLine,
)

MAX_DEVICES = 16
"""Of more devices behind one address and agent on one day, nobody is told from the others."""

Span = tuple[int, int]  # ms, both inclusive


class Joined(msgspec.Struct, frozen=True):
    """Log lines from `since` to `until` (ms, inclusive) are of this person, by this device."""

    since: int
    until: int
    person_id: str
    device_id: str


def with_line(state: SightedState | None, line: SightingLine) -> SightedState:
    """The pseudonym's state with this line; the same object where the line says nothing new."""
    held = state or SightedState()
    match line:
        case Logged():
            logged = _merged([*held.logged, *line.spans], 1)
            return held if logged == held.logged else msgspec.structs.replace(held, logged=logged)
        case Sighting():
            return held if held.crowded else _with_sighting(held, line)
        case _:
            blocked = _merged([*held.blocked, (line.at, line.at)], WINDOW_MS)
            if held.crowded or blocked == held.blocked:
                return held
            return msgspec.structs.replace(held, blocked=blocked)


def joined(state: SightedState | None) -> list[Joined]:
    """The joined spans in which log lines lie, in order of device; none overlap."""
    if state is None or not state.logged or state.crowded:
        return []
    blocked = [(first - WINDOW_MS, last + STEP_MS - 1 + WINDOW_MS) for first, last in state.blocked]
    there = {
        device: [(first - WINDOW_MS, last + STEP_MS - 1 + WINDOW_MS) for first, last in seen.spans]
        for device, seen in state.devices.items()
    }
    found: list[Joined] = []
    for device in sorted(there):
        seen = state.devices[device]
        others = [span for other, spans in there.items() if other != device for span in spans]
        sure = [(max(first - WINDOW_MS, 0), last + WINDOW_MS) for first, last in seen.spans]
        lines = _within(_merged(sure, 0), state.logged)
        for since, until in _without(lines, _merged([*others, *blocked], 0)):
            found += _by_owner(since, until, seen, device)
    return found


def _with_sighting(held: SightedState, line: Sighting) -> SightedState:
    known = held.devices.get(line.device_id)
    if known is not None and known.version >= line.version:
        return held
    seen = Seen(line.version, line.spans, line.owners)
    devices = {**held.devices, line.device_id: seen}
    if len(devices) > MAX_DEVICES:
        return SightedState(logged=held.logged, crowded=True)
    return msgspec.structs.replace(held, devices=devices)


def _by_owner(since: int, until: int, seen: Seen, device: str) -> Iterable[Joined]:
    """The span, cut where the device's owner changes."""
    for number, (begins, person) in enumerate(seen.owners):
        ends = seen.owners[number + 1][0] - 1 if number + 1 < len(seen.owners) else until
        first, last = max(since, begins), min(until, ends)
        if first <= last:
            yield Joined(first, last, person, device)


def _merged(spans: Iterable[Span], gap_ms: int) -> tuple[Span, ...]:
    """Sorted, those that overlap or are at most `gap_ms` apart being one."""
    merged: list[Span] = []
    for first, last in sorted(spans):
        if merged and first <= merged[-1][1] + gap_ms:
            merged[-1] = (merged[-1][0], max(merged[-1][1], last))
        else:
            merged.append((first, last))
    return tuple(merged)


def _within(spans: Sequence[Span], others: Sequence[Span]) -> list[Span]:
    """What of the spans is in one of the others."""
    both = [(max(a[0], b[0]), min(a[1], b[1])) for a in spans for b in others]
    return [span for span in both if span[0] <= span[1]]


def _without(spans: Sequence[Span], holes: Sequence[Span]) -> list[Span]:
    """What of the spans is in no hole; both sorted, without overlaps."""
    left: list[Span] = []
    for first, last in spans:
        for begins, ends in holes:
            if ends < first or begins > last:
                continue
            if begins > first:
                left.append((first, begins - 1))
            first = ends + 1
        if first <= last:
            left.append((first, last))
    return left
