"""Live funnels: what a set of hits counts for, and how counts change when the set does.

Nothing is counted by event. A unit's (a person's or a session's) hits are a set; from it follows,
for every step, the latest entry (first step) from which that step was reached, and when that was.
A unit stands in the counter of the entry's minute, once a step, so the units that entered in any
window that ends now are a sum of minutes; and it stands in the minute of the step itself, as one
that arrived. When the set changes, the difference is applied.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import msgspec

from schemas.evidence import MAX_BREAKS, MAX_HITS, Layout, unpack
from schemas.redis_keys import ARRIVED
from schemas.site import Funnel, Site
from schemas.step_masks import enters
from streams import walks
from streams.known_layouts import KnownLayouts
from streams.matching import Matcher
from streams.walks import Hit, Only, Ways

APPROXIMATE = -1
"""Stands where a step's number would: the unit had more hits than are kept."""

Hits = dict[int, list[Hit]]
"""A device's hits by Funnel.fingerprint."""


class Standing(NamedTuple):
    """One unit in one counter. Minutes are since 1970."""

    step: int  # or APPROXIMATE
    by: str  # a field, '' for the total, or ARRIVED
    value: str
    minute: int  # of the entry; where it says ARRIVED, of the step
    entered: int  # minute of the entry: what entered before the live horizon is not touched


class CompiledFunnel:
    """One funnel that is counted live, ready to be asked about sets of hits."""

    def __init__(self, funnel: Funnel) -> None:
        self.funnel = funnel
        self.key = funnel.key
        self._steps = len(funnel.steps)

    def count(self, hits: Sequence[Hit]) -> set[Standing]:
        """Where one unit (a person, or a session) with these hits stands."""
        found: set[Standing] = set()
        if not hits:
            return found
        if (cut := walks.newest(hits, MAX_HITS, MAX_BREAKS)) is not None:
            hits = cut
            minute = max(hits).time // 60_000
            found.add(Standing(APPROXIMATE, "", "", minute, minute))
        walk = self._walk_of(hits)
        ways = walk(None)
        for step, way in enumerate(ways):
            if way is not None:
                entered, arrived = way.entry // 60_000, way.arrival // 60_000
                found.add(Standing(step, "", "", entered, entered))
                found.add(Standing(step, ARRIVED, "", arrived, entered))
        entries = [hit for hit in hits if hit.values] if self.funnel.live_by else ()
        for position, name in enumerate(self.funnel.live_by):
            values = {hit.values[position] for hit in entries}
            for value in values:
                mine = ways if len(values) == 1 else walk(Only(position, value))
                for step, way in enumerate(mine):
                    if way is not None:
                        entered = way.entry // 60_000
                        found.add(Standing(step, name, value, entered, entered))
        return found

    def _walk_of(self, hits: Sequence[Hit]) -> Callable[[Only | None], Ways]:
        """How far they came, of all entries or of those with one value."""
        count, within = self._steps, self.funnel.within_ms
        if self.funnel.order == "strict":
            return lambda only: walks.strict(hits, count, within, only)
        moments = walks.moments_of(hits)
        if self.funnel.order == "any":
            return lambda only: walks.in_any_order(moments, count, within, only)
        return lambda only: walks.ordered(moments, count, within, only)


class Funnels:
    """The funnels of a site that are counted live."""

    def __init__(self, site: Site) -> None:
        live = list(site.live_funnels.values())
        self._funnels = {funnel.fingerprint: CompiledFunnel(funnel) for funnel in live}
        self.matcher = Matcher(live)
        self.layout: Layout = tuple(self._funnels)
        self.layouts = KnownLayouts(self.layout)
        self.any_per_session = any(funnel.per == "session" for funnel in live)

    def hits(self, layout: Layout, starts: Sequence[int], packed: bytes) -> Hits:
        """What packed evidence says, by funnel; sorted. `starts`: session starts (ms), sorted."""
        found: Hits = {}
        wanted = [(fingerprint, fingerprint in self._funnels) for fingerprint in layout]
        for entry in unpack(packed):
            at = bisect_right(starts, entry.time)
            session = starts[at - 1] if at else entry.time
            values = iter(entry.said.values)
            for (fingerprint, live), mask in zip(wanted, entry.said.steps, strict=False):
                entered = next(values) if enters(mask) else ()
                if mask and live:
                    hit = Hit(entry.time, mask, entered, session)
                    found.setdefault(fingerprint, []).append(hit)
        return found

    def changes(self, before: Told, after: Told) -> Iterator[tuple[str, Standing, int]]:
        """(funnel key, standing, -1 or 1) of each counter that a unit left or entered.

        A unit is the person, or each session of the person's devices.
        """
        known = before.hits.keys() | after.hits.keys()
        devices = [d for d in known if before.hits.get(d) is not after.hits.get(d)]
        for fingerprint, funnel in self._funnels.items():
            if funnel.funnel.per == "session":
                old = _sessions(fingerprint, before, devices)
                new = _sessions(fingerprint, after, devices)
            else:
                old, new = _person(fingerprint, before), _person(fingerprint, after)
            for unit in old.keys() | new.keys():
                was, now = old.get(unit, []), new.get(unit, [])
                if was != now:
                    left, come = funnel.count(was), funnel.count(now)
                    for standing in left - come:
                        yield funnel.key, standing, -1
                    for standing in come - left:
                        yield funnel.key, standing, 1


class Told(msgspec.Struct, frozen=True):
    """What the devices of a person say; `counted`: see `Register`."""

    counted: bool
    hits: Mapping[str, Hits]  # by device


def _person(fingerprint: int, told: Told) -> dict[tuple[str, int], list[Hit]]:
    if not told.counted:
        return {}
    return {("", 0): [hit for hits in told.hits.values() for hit in hits.get(fingerprint, ())]}


def _sessions(
    fingerprint: int, told: Told, devices: Iterable[str]
) -> dict[tuple[str, int], list[Hit]]:
    sessions: dict[tuple[str, int], list[Hit]] = {}
    for device in devices:
        for hit in told.hits.get(device, {}).get(fingerprint, ()):
            sessions.setdefault((device, hit.session), []).append(hit)
    return sessions
