"""A device's evidence as a function of the set of its events: what is kept, and for which funnels.

Of each funnel the newest hits are kept, one more than are counted, to tell that there were more.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from schemas.evidence import (
    MAX_BREAKS,
    MAX_HITS,
    Evidence,
    Layout,
    Said,
    first_time,
    pack,
    put_on,
    unpack,
    with_another,
)
from schemas.step_masks import BREAK, enters

_KEPT = MAX_HITS + 1
_KEPT_BREAKS = MAX_BREAKS + 1


def with_entry(packed: bytes, entry: Evidence, newest: bool) -> bytes:
    """`packed` with one more event's; `newest`: it is later than all others."""
    if newest and (longer := put_on(packed, entry, _KEPT)) is not None:
        return longer
    entries = {*unpack(packed)}
    with_another(entries, entry)
    return pack(_limited(sorted(entries)))


def since(packed: bytes, horizon_ms: int) -> bytes:
    """`packed` without what is before the horizon; the same object where nothing is."""
    if not packed or first_time(packed) >= horizon_ms:
        return packed
    return pack(entry for entry in unpack(packed) if entry.time >= horizon_ms)


def between(packed: bytes, spans: Sequence[tuple[int, int]]) -> bytes:
    """Only what happened within one of the spans (ms, inclusive)."""
    return pack(
        entry
        for entry in unpack(packed)
        if any(first <= entry.time <= last for first, last in spans)
    )


def moved(packed: bytes, layout: Layout, wanted: Layout) -> bytes:
    """`packed` for another layout: what it says for funnels that are in both."""
    kept = {fingerprint: position for position, fingerprint in enumerate(layout)}
    places = [kept.get(fingerprint, -1) for fingerprint in wanted]
    entries: set[Evidence] = set()
    for entry in unpack(packed):
        hits = dict(_hits(entry))
        mine = [hits.get(place, _NO_HIT) for place in places]
        if any(steps for _, steps, _ in mine):
            with_another(entries, _entry(entry.time, mine))
    return pack(sorted(entries))


def trimmed(steps: Iterable[int]) -> tuple[int, ...]:
    """Steps without the funnels at the end for which there are none."""
    found = list(steps)
    while found and not found[-1]:
        found.pop()
    return tuple(found)


_Hit = tuple[int, int, tuple[str, ...]]  # time, mask, values
_NO_HIT: _Hit = (0, 0, ())


def _limited(entries: list[Evidence]) -> list[Evidence]:
    """Sorted entries, without what is too old to be among the newest hits of its funnel."""
    if len(entries) <= _KEPT:
        return entries
    hits: dict[tuple[int, bool], set[_Hit]] = {}
    for entry in entries:
        for position, hit in _hits(entry):
            hits.setdefault((position, hit[1] == BREAK), set()).add(hit)
    oldest = {
        (position, is_break): sorted(mine)[-(_KEPT_BREAKS if is_break else _KEPT) :][0]
        for (position, is_break), mine in hits.items()
    }
    limited: set[Evidence] = set()
    for entry in entries:
        mine = {
            position: hit
            for position, hit in _hits(entry)
            if hit >= oldest[position, hit[1] == BREAK]
        }
        if mine:
            places = range(len(entry.said.steps))
            kept = [mine.get(place, _NO_HIT) for place in places]
            with_another(limited, _entry(entry.time, kept))
    return sorted(limited)


def _hits(entry: Evidence) -> list[tuple[int, _Hit]]:
    """(position of the funnel, its hit) for each that the event has."""
    values = iter(entry.said.values)
    return [
        (position, (entry.time, mask, next(values) if enters(mask) else ()))
        for position, mask in enumerate(entry.said.steps)
        if mask
    ]


def _entry(time: int, hits: Sequence[_Hit]) -> Evidence:
    """The event whose hits these are, a funnel each."""
    steps = trimmed(mask for _, mask, _ in hits)
    values = tuple(values for _, mask, values in hits if enters(mask))
    return Evidence(time, Said(steps, values))
