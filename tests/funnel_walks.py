"""Funnels as an obvious, slow walk, and the random histories that it walks."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from random import Random
from typing import Any, NamedTuple

import msgspec
from hypothesis import strategies as st

from schemas.event import EnrichedEvent
from schemas.site import Funnel, Step
from tests.sink_world import NOON, event

WINDOW = 5
FROM, TO = NOON + 2, NOON + 9
Levels = dict[tuple[str, str], int]  # (unit, value) -> level


class Act(NamedTuple):
    """One event of a history, reduced to what the funnels here look at."""

    at: int
    name: str
    path: str
    country: str
    properties: dict[str, Any]

    def row(self, person: str) -> EnrichedEvent:
        return event(
            f"device-of-{person}",
            self.at,
            type="page" if self.path else "track",
            name=self.name,
            path=self.path,
            country=self.country,
            person_id=person,
            session_id=person,
            properties=msgspec.Raw(json.dumps(self.properties).encode()),
        )


steps = st.builds(
    Step,
    name=st.uuids().map(str),
    event=st.sampled_from(["A", "B", "C"]),
    where=st.sampled_from(
        [
            {},
            {},
            {"country": ("DE", "")},
            {"properties.color": ("red", "it's")},
            {"properties.size.eu": ("10", "true")},
            {"color": ("",)},
            {"country": ("*",)},
            {"properties.color": ("*", "blue")},
        ]
    ),
) | st.builds(
    Step, name=st.uuids().map(str), page=st.sampled_from(["/p/*", "/", "*1"]), event=st.just("")
)
PROPERTIES: list[dict[str, Any]] = [
    {},
    {"color": "red"},
    {"color": "it's"},
    {"size": {"eu": 10.0}},
    {"size": {"eu": True}},
]


def histories(seed: int) -> list[list[Act]]:
    """A hundred units' events; drawn here, since Hypothesis keeps what it draws itself small."""
    random = Random(seed)
    return [
        [
            Act(
                at=random.randrange(15),
                name=random.choice(["A", "B", "C", "X", "Other"]),
                path=random.choice(["", "", "/", "/p/1", "/p/2/x"]),
                country=random.choice(["DE", "FR", ""]),
                properties=random.choice(PROPERTIES),
            )
            for _ in range(random.randrange(10))
        ]
        for _ in range(100)
    ]


seeds = st.integers(0, 10**6)


def text(act: Act, field: str) -> str:
    """A field or property as text, '' where it is missing."""
    if field == "country":
        return act.country
    value: Any = act.properties
    for part in field.removeprefix("properties.").split("."):
        value = value.get(part, {}) if isinstance(value, dict) else {}
    if value == {} and not isinstance(value, bool):
        return ""
    return {True: "true", 10.0: "10"}.get(value, value) if not isinstance(value, str) else value


def is_allowed(said: str, allowed: Sequence[str]) -> bool:
    return said in allowed or ("*" in allowed and said != "")


def fulfils(act: Act, step: Step) -> bool:
    return (
        (not step.event or act.name == step.event)
        and (not step.page or (act.path != "" and fnmatchcase(act.path, step.page)))
        and all(is_allowed(text(act, field), allowed) for field, allowed in step.where.items())
    )


class Walk:
    """How far one unit came from entries with one value, tried out in every way there is."""

    def __init__(self, funnel: Funnel, history: Sequence[Act], by: str | None) -> None:
        self.funnel = funnel
        self.by = by
        self.history = history
        last = len(funnel.steps)
        self.masks = [{k for k in range(last) if fulfils(a, funnel.steps[k])} for a in history]

    def enters(self, index: int) -> bool:
        return self.history[index].at < TO - NOON

    def value(self, index: int) -> str:
        return text(self.history[index], self.by) if self.by else ""

    def levels(self) -> dict[str, int]:
        usable = [i for i in range(len(self.history)) if self.history[i].at >= FROM - NOON]
        found: dict[str, int] = {}
        for value in {self.value(index) for index in usable}:
            walk = {"ordered": self.ordered, "strict": self.strict, "any": self.any_order}
            level = walk[self.funnel.order](usable, value)
            if level:
                found[value] = level
        return found

    def ordered(self, usable: list[int], value: str) -> int:
        moments = [(self.history[i].at, k, i) for i in usable for k in self.masks[i]]
        for i in usable:
            for k, step in enumerate(self.funnel.steps):
                if step.without and self.history[i].name == step.without:
                    moments.append((self.history[i].at, -1, k))
        moments.sort()

        def onwards(position: int, step: int, until: int) -> int:
            """Steps reached beyond `step`, which was reached at this position."""
            best = 0
            for later in range(position + 1, len(moments)):
                at, kind, what = moments[later]
                if at > until or (kind == -1 and what == step + 1):
                    break
                if kind == step + 1:
                    best = max(best, 1 + onwards(later, step + 1, until))
            return best

        return max(
            (
                1 + onwards(position, 0, at + WINDOW)
                for position, (at, kind, i) in enumerate(moments)
                if kind == 0 and self.enters(i) and self.value(i) == value
            ),
            default=0,
        )

    def strict(self, usable: list[int], value: str) -> int:
        def bits(i: int) -> set[int]:
            return self.masks[i] if self.enters(i) else self.masks[i] - {0}

        def place(i: int) -> tuple[int, int, int, str]:
            mask = bits(i)
            return (
                self.history[i].at,
                min(mask, default=-1),
                sum(1 << k for k in mask),
                self.value(i),
            )

        order = sorted(usable, key=place)

        def onwards(position: int, step: int, until: int) -> int:
            best = 0
            for later in (position, position + 1):
                there = order[later : later + 1]
                if there and self.history[there[0]].at <= until and step + 1 in bits(there[0]):
                    best = max(best, 1 + onwards(later, step + 1, until))
            return best

        return max(
            (
                1 + onwards(position, 0, self.history[i].at + WINDOW)
                for position, i in enumerate(order)
                if 0 in bits(i) and self.value(i) == value
            ),
            default=0,
        )

    def any_order(self, usable: list[int], value: str) -> int:
        moments = sorted(
            (self.history[i].at, k, self.value(i)) for i in usable for k in self.masks[i]
        )
        return max(
            (
                len({k for t, k, _ in moments[position:] if t <= at + WINDOW})
                for position, (at, _, its) in enumerate(moments)
                if at < TO - NOON and its == value
            ),
            default=0,
        )


class Ways(Walk):
    """All ways there are of a unit, each as (position, time) of its steps."""

    def times(self) -> list[int]:
        """Of the ways that come furthest the one of the kind's choice; [] where nobody entered."""
        usable = [i for i in range(len(self.history)) if self.history[i].at >= FROM - NOON]
        if self.funnel.order == "any":
            return self.any_times(usable)
        ways = list(self.all_ways(usable))
        furthest = max(map(len, ways), default=0)
        best = [way for way in ways if len(way) == furthest]

        def choice(way: list[tuple[int, int]]) -> tuple[Any, ...]:
            """The first to arrive, the latest entry, then the first event of every step."""
            arrival, entry = way[-1][0], way[0][1]
            return (arrival, -entry, *[position for position, _ in reversed(way)])

        return [at for _, at in min(best, key=choice, default=[])]

    def all_ways(self, usable: list[int]) -> Iterator[list[tuple[int, int]]]:
        if self.funnel.order == "strict":
            moments = self.strict_moments(usable)
        else:
            moments = [(self.history[i].at, {k}, set()) for i in usable for k in self.masks[i]]
            moments += [
                (self.history[i].at, set(), {k})
                for i in usable
                for k, step in enumerate(self.funnel.steps)
                if step.without and self.history[i].name == step.without
            ]
            moments.sort(key=lambda m: (m[0], min(m[1], default=-1)))

        def onwards(way: list[tuple[int, int]]) -> Iterator[list[tuple[int, int]]]:
            yield way
            (position, _), step = way[-1], len(way)
            strict = self.funnel.order == "strict"
            for later in range(position + (not strict), len(moments)):
                at, steps, breaks = moments[later]
                if at > way[0][1] + WINDOW or step in breaks or (strict and later > position + 1):
                    break
                if step in steps:
                    yield from onwards([*way, (later, at)])

        for position, (at, steps, _) in enumerate(moments):
            if 0 in steps and at < TO - NOON:
                yield from onwards([(position, at)])

    def strict_moments(self, usable: list[int]) -> list[tuple[int, set[int], set[int]]]:
        inside = [(self.history[i].at, self.masks[i], self.enters(i)) for i in usable]
        masks = [(at, mask if enters else mask - {0}) for at, mask, enters in inside]
        masks.sort(key=lambda m: (m[0], min(m[1], default=-1), sum(1 << k for k in m[1])))
        return [(at, mask, set()) for at, mask in masks]

    def any_times(self, usable: list[int]) -> list[int]:
        moments = sorted((self.history[i].at, k) for i in usable for k in self.masks[i])
        ways = []
        for position, (at, _) in enumerate(moments):
            if at < TO - NOON:
                first: dict[int, int] = {}
                for later, step in moments[position:]:
                    if later <= at + WINDOW:
                        first.setdefault(step, later)
                ways.append(sorted(first.values()))
        return min(ways, key=lambda way: (-len(way), way[-1], -way[0]), default=[])
