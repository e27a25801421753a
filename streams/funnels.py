"""Live funnels: which steps an event satisfies, and what a set of such hits counts for.

Nothing is counted by event. A person's hits are a set; from it follows, for every step, the time
of the latest entry (first step) from which that step was reached. A person stands in the counter
of that minute, once a step, so the persons who entered in any window that ends now are a sum of
minutes. When the set changes, the difference is applied.

The walk is that of ClickHouse's windowFunnel: hits in order of time, equal times in order of
steps; a step is reached when the step before it was, within the window of that entry.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import msgspec

from schemas.evidence import MAX_HITS, Layout, unpack
from schemas.site import Funnel, Site
from streams.matching import WITHOUT_SHIFT, Matcher

APPROXIMATE = -1
"""Stands where a step's number would: the unit had more hits than are kept."""


class Hit(msgspec.Struct, frozen=True, order=True, gc=False):
    """One event's evidence for one funnel."""

    time: int  # ms
    steps: int  # a mask, see `schemas.evidence.Evidence`
    values: tuple[str, ...] = ()  # one a `by` field; only where it satisfies the first step
    session: int = 0  # ms: start of the session it belongs to


Hits = dict[int, list[Hit]]
"""A device's hits by Funnel.fingerprint."""

Counted = dict[tuple[str, int, str, str], int]
"""(funnel key, step or APPROXIMATE, by, value) -> minute since 1970 of the unit's entry."""


class CompiledFunnel:
    """One funnel of the site file, ready to be asked about events and about sets of hits."""

    def __init__(self, funnel: Funnel) -> None:
        self.funnel = funnel
        self.key = funnel.key
        self._steps = len(funnel.steps)

    def count(self, hits: Sequence[Hit]) -> Counted:
        """Where one unit (a person, or a session) with these hits stands."""
        counted: Counted = {}
        if len(hits) > MAX_HITS:
            hits = sorted(set(hits))[-MAX_HITS:]
            counted[self.key, APPROXIMATE, "", ""] = hits[-1].time // 60_000
        moments = _moments(hits, self._steps)
        self._stand(counted, moments, "", "")
        for position, name in enumerate(self.funnel.live_by):
            for value in {hit.values[position] for hit in hits if hit.steps & 1}:
                entering = [m for m in moments if m.step != 0 or m.hit.values[position] == value]
                self._stand(counted, entering, name, value)
        return counted

    def _stand(self, counted: Counted, moments: list[_Moment], by: str, value: str) -> None:
        for step, entry in enumerate(self._entries(moments)):
            if entry is not None:
                counted[self.key, step, by, value] = entry // 60_000

    def _entries(self, moments: list[_Moment]) -> list[int | None]:
        """For each step the time (ms) of the latest entry from which it was reached."""
        reached: list[int | None] = [None] * self._steps
        alive = reached.copy()
        for moment in moments:
            if moment.breaks:
                alive[moment.breaks - 1] = None
                continue
            entry: int | None = moment.hit.time
            if moment.step > 0:
                entry = alive[moment.step - 1]
                if entry is None or moment.hit.time > entry + self.funnel.within_ms:
                    continue
            alive[moment.step] = reached[moment.step] = entry
        return reached


class _Moment(NamedTuple):
    """One hit's say about one step, in windowFunnel's order: what breaks a step comes first."""

    time: int
    step: int  # -1: it breaks the way to step `breaks`
    breaks: int
    hit: Hit


def _moments(hits: Sequence[Hit], steps: int) -> list[_Moment]:
    moments = []
    for hit in hits:
        for step in range(steps):
            if hit.steps >> step & 1:
                moments.append(_Moment(hit.time, step, 0, hit))
            if step and hit.steps >> (WITHOUT_SHIFT + step) & 1:
                moments.append(_Moment(hit.time, -1, step, hit))
    return sorted(moments, key=lambda moment: moment[:3])


class Funnels:
    """The funnels of a site that are counted live: the ordered ones."""

    def __init__(self, site: Site) -> None:
        live = [funnel for funnel in site.funnels.values() if funnel.order == "ordered"]
        self._funnels = {funnel.fingerprint: CompiledFunnel(funnel) for funnel in live}
        self.matcher = Matcher(live)
        self.layout: Layout = tuple(self._funnels)
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
                entered = next(values) if mask & 1 else ()
                if mask and live:
                    hit = Hit(entry.time, mask, entered, session)
                    found.setdefault(fingerprint, []).append(hit)
        return found

    def changes(self, before: Told, after: Told) -> Iterator[tuple[Counted, int]]:
        """(where a unit stands, -1 or 1) before and after, for each unit whose hits changed.

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
                    yield funnel.count(was), -1
                    yield funnel.count(now), 1


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
