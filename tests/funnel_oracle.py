"""Live funnels, slowly: from the whole set of events, by trying every way there is.

Knows nothing of states, registers or evidence: whose an event is, which visit it belongs to and
what it counts for follows from all events at once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from typing import NamedTuple

import msgspec

from schemas.event import Event
from schemas.identity import LOGOUT
from schemas.ids import person_of_device, person_of_user
from schemas.site import Funnel, Step
from streams.alias_stage import alias_of
from tests.unit.test_aliases import oracle as root_oracle
from tests.unit.test_identity import oracle as owner_oracle

MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
ARRIVED = "@"

Counts = Counter[tuple[int, int, str, str]]
"""(minute since 1970, step, by, value) -> units; by ARRIVED the minute is that of the step."""

ORIGINS = {
    "": ("direct", ""),
    "https://www.google.com/": ("search", "Google"),
    "https://duckduckgo.com/": ("search", "DuckDuckGo"),
    "https://toyhouse.example/": ("internal", ""),
}


class Act(NamedTuple):
    """One event as funnels see it."""

    time: int
    fields: dict[str, str]
    path: str  # '' of what is no page


class World:
    """`aliases`: what was said of user ids; `too_many`: events a minute that make a bot."""

    def __init__(self, history: Sequence[Event], too_many: int) -> None:
        self._history = history
        self._too_many = too_many
        said = [alias for one in history if (alias := alias_of(one, one.event_time)) is not None]
        self._roots = root_oracle(said, 64)

    def counts(self, funnel: Funnel) -> Counts:
        found = Counts()
        for acts in self._units(funnel.per == "person").values():
            found.update(_standings(funnel, acts))
        return found

    def _units(self, per_person: bool) -> dict[object, list[Act]]:
        units: dict[object, list[Act]] = {}
        for device in {one.device_id for one in self._history}:
            for session, one in self._visits(device):
                if self._is_bot(one):
                    continue
                unit: object = (device, session)
                if per_person:
                    if device.startswith("p_"):
                        continue
                    unit = self._person(device, one.event_time)
                units.setdefault(unit, []).append(_act(one))
        return units

    def _visits(self, device: str) -> Iterator[tuple[int, Event]]:
        """The device's on-time events, each with the number of its visit."""
        mine = [e for e in self._history if e.device_id == device and not _is_crawler(e)]
        mine = [e for e in mine if e.received_at - e.event_time <= DAY]
        mine.sort(key=lambda e: e.event_time)
        number, source = 0, ""
        before: Event | None = None
        for one in mine:
            medium, name = ORIGINS[one.referrer]
            mark = name if medium == "search" else ""
            if before is None or one.event_time - before.event_time > 30 * MINUTE:
                number, source = number + 1, mark
            elif self._owner(device, before.event_time) != self._owner(device, one.event_time):
                number, source = number + 1, mark or source
            elif mark and mark != source:
                # who came from nowhere and then from outside has arrived anew
                number, source = number + 1, mark
            before = one
            yield number, one

    def _owner(self, device: str, time: int) -> tuple[str, int]:
        """User, or '' and the logout since which nobody is known."""
        if device.startswith("user:"):
            return device.removeprefix("user:"), 0
        if device.startswith("p_"):
            return "", 0
        hours: dict[tuple[int, str], list[int]] = {}
        until: dict[str, int] = {}
        for one in self._history:
            if one.device_id != device:
                continue
            if one.revoke:
                until[one.user_id] = max(one.event_time, until.get(one.user_id, 0))
            elif one.user_id or one.name == "Logged Out":
                key = (one.event_time // HOUR, one.user_id or LOGOUT)
                hours.setdefault(key, []).append(one.event_time)
        marks = [(at, user) for (_, user), told in hours.items() for at in (min(told), max(told))]
        return owner_oracle([mark for mark in marks if mark[0] > until.get(mark[1], -1)], time)

    def _person(self, device: str, time: int) -> str:
        user, logout = self._owner(device, time)
        if not user:
            return person_of_device(device, logout)
        return person_of_user(self._roots.get(user, user))

    def _is_bot(self, one: Event) -> bool:
        if one.server or one.device_id.startswith("user:"):
            return False
        minutes = Counter(
            each.event_time // MINUTE
            for each in self._history
            if each.device_id == one.device_id and not each.server and not _is_crawler(each)
        )
        day = one.event_time // DAY
        return any(
            count > self._too_many
            for minute, count in minutes.items()
            if minute * MINUTE // DAY == day
        )


def _is_crawler(one: Event) -> bool:
    return "bot" in one.user_agent.lower()


def _act(one: Event) -> Act:
    medium, source = ORIGINS[one.referrer]
    told = msgspec.json.decode(one.properties)
    fields = {
        "name": one.name,
        "referrer_medium": medium,
        "referrer_source": source,
        "variant": one.variant,
        "device_class": "desktop",
        "properties.color": told.get("color", ""),
    }
    path = "/" + one.url.partition(".example/")[2] if one.type == "page" else ""
    return Act(one.event_time, fields, path)


def _fulfils(act: Act, step: Step) -> bool:
    return (
        (not step.event or act.fields["name"] == step.event)
        and (not step.page or (act.path != "" and fnmatchcase(act.path, step.page)))
        and all(
            act.fields[field] in allowed or ("*" in allowed and act.fields[field] != "")
            for field, allowed in step.where.items()
        )
    )


Way = tuple[int, int]  # entry, arrival (ms)


def _standings(funnel: Funnel, acts: Sequence[Act]) -> Counts:
    """Where one unit stands."""
    found = Counts()
    ways = {"ordered": _ordered, "strict": _strict, "any": _any}[funnel.order]
    for step, (entry, arrival) in _best(ways(funnel, acts, "", "")).items():
        found[entry // MINUTE, step, "", ""] += 1
        found[arrival // MINUTE, step, ARRIVED, ""] += 1
    for by in funnel.by:
        for value in {act.fields[by] for act in acts}:
            for step, (entry, _) in _best(ways(funnel, acts, by, value)).items():
                found[entry // MINUTE, step, by, value] += 1
    return found


def _best(ways: Iterator[tuple[int, Way]]) -> dict[int, Way]:
    """Of each step the latest entry, and the first arrival from there."""
    best: dict[int, Way] = {}
    for step, (entry, arrival) in ways:
        known = best.get(step)
        if known is None or (entry, -arrival) > (known[0], -known[1]):
            best[step] = (entry, arrival)
    return best


def _ordered(funnel: Funnel, acts: Sequence[Act], by: str, value: str) -> Iterator[tuple[int, Way]]:
    moments = _moments(funnel, acts, by)

    def onwards(position: int, step: int, entry: int) -> Iterator[tuple[int, Way]]:
        yield step, (entry, moments[position][0])
        for later in range(position + 1, len(moments)):
            at, kind, what, _ = moments[later]
            if at > entry + funnel.within_ms or (kind == -1 and what == step + 1):
                return
            if kind == step + 1:
                yield from onwards(later, step + 1, entry)

    for position, (at, kind, _, its) in enumerate(moments):
        if kind == 0 and its == value:
            yield from onwards(position, 0, at)


def _moments(funnel: Funnel, acts: Sequence[Act], by: str) -> list[tuple[int, int, int, str]]:
    """(time, step, 0, value), or (time, -1, step to which the way breaks, '')."""
    moments = []
    for act in acts:
        for number, step in enumerate(funnel.steps):
            if _fulfils(act, step):
                moments.append((act.time, number, 0, act.fields.get(by, "")))
            if step.without and act.fields["name"] == step.without:
                moments.append((act.time, -1, number, ""))
    return sorted(moments, key=lambda moment: moment[:2])


def _strict(funnel: Funnel, acts: Sequence[Act], by: str, value: str) -> Iterator[tuple[int, Way]]:
    masks = [{n for n, step in enumerate(funnel.steps) if _fulfils(act, step)} for act in acts]

    def place(index: int) -> tuple[int, int, int, str]:
        act, mask = acts[index], masks[index]
        value = act.fields.get(by, "")
        return act.time, min(mask, default=-1), sum(1 << n for n in mask), value

    order = sorted(range(len(acts)), key=place)

    def onwards(position: int, step: int, entry: int) -> Iterator[tuple[int, Way]]:
        yield step, (entry, acts[order[position]].time)
        for later in (position, position + 1):
            there = order[later : later + 1]
            if (
                there
                and step + 1 in masks[there[0]]
                and acts[there[0]].time <= entry + funnel.within_ms
            ):
                yield from onwards(later, step + 1, entry)

    for position, index in enumerate(order):
        if 0 in masks[index] and acts[index].fields.get(by, "") == value:
            yield from onwards(position, 0, acts[index].time)


def _any(funnel: Funnel, acts: Sequence[Act], by: str, value: str) -> Iterator[tuple[int, Way]]:
    moments = sorted(
        (act.time, number, act.fields.get(by, ""))
        for act in acts
        for number, step in enumerate(funnel.steps)
        if _fulfils(act, step)
    )
    for position, (entry, _, its) in enumerate(moments):
        if its == value:
            first: dict[int, int] = {}
            for at, number, _ in moments[position:]:
                if at <= entry + funnel.within_ms:
                    first.setdefault(number, at)
            for nth, arrival in enumerate(sorted(first.values())):
                yield nth, (entry, arrival)
