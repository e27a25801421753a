"""Live funnels: which steps an event satisfies, and what a set of such hits counts for.

Nothing is counted by event. A person's hits are a set; from it follows, for every step, the time
of the latest entry (first step) from which that step was reached. A person stands in the counter
of that minute, once a step, so the persons who entered in any window that ends now are a sum of
minutes. When the set changes, the difference is applied.

The walk is that of ClickHouse's windowFunnel: hits in order of time, equal times in order of
steps; a step is reached when the step before it was, within the window of that entry.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

import msgspec

from schemas.event import EnrichedEvent, Hit
from schemas.site import Funnel, Site, Step, path_pattern

MAX_HITS = 64
WITHOUT_SHIFT = 16
APPROXIMATE = -1
"""Stands where a step's number would: the unit had more hits than are kept."""

Properties = Callable[[], Mapping[str, object]]
Counted = dict[tuple[str, int, str, str], int]
"""(funnel key, step or APPROXIMATE, by, value) -> minute since 1970 of the unit's entry."""


class CompiledFunnel:
    """One funnel of the site file, ready to be asked about events and about sets of hits."""

    def __init__(self, funnel: Funnel) -> None:
        self.funnel = funnel
        self.key = funnel.key
        self._steps = [_CompiledStep(step) for step in funnel.steps]
        self._named: dict[str, list[tuple[int, _CompiledStep]]] = {}
        self._by_page: list[tuple[int, _CompiledStep]] = []
        self._paged: dict[str, tuple[tuple[int, _CompiledStep], ...]] = {}
        for index, step in enumerate(self._steps):
            if step.event:
                self._named.setdefault(step.event, []).append((index, step))
            else:
                self._by_page.append((index, step))
        self._without: dict[str, int] = {}
        for index, definition in enumerate(funnel.steps):
            if definition.without:
                bit = 1 << (WITHOUT_SHIFT + index)
                self._without[definition.without] = self._without.get(definition.without, 0) | bit

    def hit(self, event: EnrichedEvent, properties: Properties) -> Hit | None:
        """The event's evidence for this funnel, if it is any."""
        mask = self._without.get(event.name, 0)
        for index, step in self._candidates(event):
            if step.matches(event, properties):
                mask |= 1 << index
        if not mask:
            return None
        first = mask & 1
        values = tuple([_text(event, name, properties) for name in self.funnel.by]) if first else ()
        return Hit(event.event_time, mask, values)

    def _candidates(self, event: EnrichedEvent) -> Sequence[tuple[int, _CompiledStep]]:
        """The steps that may hold for an event of that name or path; few of many."""
        named = self._named.get(event.name, ())
        if event.type not in ("page", "screen"):
            return named
        paged = self._paged.get(event.path)
        if paged is None:
            if len(self._paged) > 50_000:
                self._paged.clear()
            paged = tuple(entry for entry in self._by_page if entry[1].matches_path(event.path))
            self._paged[event.path] = paged
        return (*named, *paged) if named else paged

    def count(self, hits: Sequence[Hit]) -> Counted:
        """Where one unit (a person, or a session) with these hits stands."""
        counted: Counted = {}
        if len(hits) > MAX_HITS:
            hits = sorted(hits)[-MAX_HITS:]
            counted[self.key, APPROXIMATE, "", ""] = hits[-1].time // 60_000
        moments = _moments(hits, len(self._steps))
        self._stand(counted, moments, "", "")
        for position, name in enumerate(self.funnel.by):
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
        reached: list[int | None] = [None] * len(self._steps)
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


class _CompiledStep:
    """One step's condition. What is cheap is looked at first; properties last."""

    def __init__(self, step: Step) -> None:
        self.event = step.event
        self._page = re.compile(path_pattern(step.page), re.DOTALL) if step.page else None
        self._where = [(name, frozenset(allowed)) for name, allowed in step.where.items()]

    def matches_path(self, path: str) -> bool:
        return self._page is None or self._page.match(path) is not None

    def matches(self, event: EnrichedEvent, properties: Properties) -> bool:
        """Of a candidate step: the one part that name and path do not decide each alone."""
        both = self._page is not None and self.event
        if both and (event.type not in ("page", "screen") or not self.matches_path(event.path)):
            return False
        return not self._where or all(
            _text(event, name, properties) in allowed for name, allowed in self._where
        )


_FIELDS = frozenset(EnrichedEvent.__struct_fields__) - {"properties", "notes"}


def _text(event: EnrichedEvent, name: str, properties: Properties) -> str:
    """An event field's or property's value as ClickHouse's toString would print it."""
    value: object
    if name in _FIELDS:
        value = getattr(event, name)
        if type(value) is str:
            return value
    else:
        value = properties()
        for part in name.removeprefix("properties.").split("."):
            value = value.get(part) if isinstance(value, Mapping) else None
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return value
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, int | float):
        return str(value)
    return msgspec.json.encode(value).decode()


class Funnels:
    """The funnels of a site that are counted live: the ordered ones."""

    def __init__(self, site: Site) -> None:
        live = [funnel for funnel in site.funnels.values() if funnel.order == "ordered"]
        self._funnels = {funnel.key: CompiledFunnel(funnel) for funnel in live}
        self.any_per_session = any(funnel.per == "session" for funnel in live)

    def hits(self, event: EnrichedEvent, properties: Properties) -> Iterator[tuple[str, Hit]]:
        """The event's evidence, by the funnel's key."""
        for key, funnel in self._funnels.items():
            hit = funnel.hit(event, properties)
            if hit is not None:
                yield key, hit

    def per_session(self, key: str) -> bool:
        funnel = self._funnels.get(key)
        return funnel is not None and funnel.funnel.per == "session"

    def count(self, key: str, device_hits: Mapping[str, Sequence[Hit]]) -> list[Counted]:
        """Where the units behind these devices' hits stand: one person, or all their sessions."""
        funnel = self._funnels.get(key)
        if funnel is None:
            return []
        if funnel.funnel.per == "person":
            return [funnel.count([hit for hits in device_hits.values() for hit in hits])]
        sessions: dict[tuple[str, int], list[Hit]] = {}
        for device, hits in device_hits.items():
            for hit in hits:
                sessions.setdefault((device, hit.session), []).append(hit)
        return [funnel.count(hits) for hits in sessions.values()]
