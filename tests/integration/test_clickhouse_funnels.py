"""Funnels in ClickHouse against an obvious, slow walk in Python, on random histories."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from random import Random
from typing import Any, Literal, NamedTuple

import msgspec
import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from schemas.event import EnrichedEvent
from schemas.ids import session_of
from schemas.redis_keys import ARRIVED
from schemas.settings import Settings
from schemas.site import Funnel, Step
from sinks.clickhouse.funnel_sql import levels_sql
from sinks.clickhouse.funnel_times import ways_sql
from sinks.clickhouse.funnels import compute_funnel, timed
from sinks.clickhouse.rows import EVENTS
from streams.funnels import CompiledFunnel
from streams.matching import Matcher
from streams.walks import Hit
from tests.sink_world import MINUTE, NOON, Store, event, new_device, store

WINDOW = 5
FROM, TO = NOON + 2, NOON + 9
Levels = dict[tuple[str, str], int]  # (unit, value) -> level


@pytest.fixture(scope="module")
def opened(settings: Settings) -> Iterator[Store]:
    with store(settings) as one:
        yield one


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


def check(opened: Store, funnel: Funnel, seed: int, by: str | None) -> None:
    """All histories in one insert, each its own person; compares person by person."""
    many = histories(seed)
    people = [str(uuid.uuid4()) for _ in many]
    opened.put(
        EVENTS, *(act.row(who) for who, acts in zip(people, many, strict=True) for act in acts)
    )
    expected: Levels = {
        (who, value): level
        for who, acts in zip(people, many, strict=True)
        for value, level in Walk(funnel, acts, by).levels().items()
    }
    query = levels_sql(funnel, FROM, TO, by)
    found: Levels = {
        (str(unit), value): level
        for unit, value, level in opened.client.execute(query.sql, query.parameters)
        if str(unit) in set(people)
    }
    assert found == expected


def check_times(opened: Store, funnel: Funnel, seed: int) -> None:
    many = histories(seed)
    people = {str(uuid.uuid4()): acts for acts in many}
    opened.put(EVENTS, *(act.row(who) for who, acts in people.items() for act in acts))
    expected = {who: Ways(funnel, acts, None).times() for who, acts in people.items()}
    query = ways_sql(funnel, FROM, TO)
    answer = opened.client.execute(query.sql, query.parameters)
    found = {str(unit): [at - NOON for at in times] for unit, times in answer}
    assert {who: times for who, times in found.items() if who in people} == {
        who: times for who, times in expected.items() if len(times) > 1
    }


SLOW = settings(
    max_examples=20,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # shrinking a seed shows nothing
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@SLOW
@given(
    st.lists(steps, min_size=1, max_size=4),
    st.sampled_from(["person", "session"]),
    seeds,
)
def test_plain_ordered_funnels_are_right(
    opened: Store, chosen: list[Step], per: Literal["person", "session"], seed: int
) -> None:
    funnel = Funnel(name="f", per=per, steps=tuple(chosen), within_ms=WINDOW)
    check(opened, funnel, seed, None)


@SLOW
@given(
    st.lists(steps, min_size=2, max_size=4),
    st.lists(st.sampled_from(["", "X", "A", "C"]), min_size=3, max_size=3),
    st.sampled_from([None, "country", "properties.color"]),
    seeds,
)
def test_ordered_funnels_with_breaks_and_breakdowns_are_right(
    opened: Store, chosen: list[Step], without: list[str], by: str | None, seed: int
) -> None:
    broken = [
        msgspec.structs.replace(step, without=without[at - 1] if at else "")
        for at, step in enumerate(chosen)
    ]
    check(opened, Funnel(name="f", steps=tuple(broken), within_ms=WINDOW), seed, by)


@SLOW
@given(
    st.lists(steps, min_size=1, max_size=4),
    st.sampled_from(["strict", "any"]),
    st.sampled_from([None, "country"]),
    seeds,
)
def test_strict_and_any_order_funnels_are_right(
    opened: Store,
    chosen: list[Step],
    order: Literal["strict", "any"],
    by: str | None,
    seed: int,
) -> None:
    funnel = Funnel(name="f", order=order, steps=tuple(chosen), within_ms=WINDOW)
    check(opened, funnel, seed, by)


orders = st.sampled_from(["ordered", "ordered", "strict", "any"])
PLAIN_STEPS = [Step(name=name, event=name) for name in ("A", "B", "C")]  # many come far


@SLOW
@given(
    st.lists(steps, min_size=1, max_size=4),
    st.lists(st.sampled_from(["", "", "X", "A", "C"]), min_size=3, max_size=3),
    orders,
    seeds,
)
@example(PLAIN_STEPS, ["", "", ""], "ordered", 1)
@example(PLAIN_STEPS, ["", "X", ""], "ordered", 2)
@example(PLAIN_STEPS, ["", "", ""], "strict", 3)
@example(PLAIN_STEPS, ["", "", ""], "any", 4)
def test_the_times_are_those_of_the_first_way_that_comes_furthest(
    opened: Store,
    chosen: list[Step],
    without: list[str],
    order: Literal["ordered", "strict", "any"],
    seed: int,
) -> None:
    broken = [
        msgspec.structs.replace(step, without=without[at - 1] if at and order == "ordered" else "")
        for at, step in enumerate(chosen)
    ]
    check_times(opened, Funnel(name="f", order=order, steps=tuple(broken), within_ms=WINDOW), seed)


@SLOW
@given(
    st.lists(steps, min_size=2, max_size=4),
    st.lists(st.sampled_from(["", "X", "A"]), min_size=3, max_size=3),
    orders,
    seeds,
)
def test_the_live_funnel_says_the_same(
    opened: Store,
    chosen: list[Step],
    without: list[str],
    order: Literal["ordered", "strict", "any"],
    seed: int,
) -> None:
    broken = [
        msgspec.structs.replace(step, without=without[at - 1] if at and order == "ordered" else "")
        for at, step in enumerate(chosen)
    ]
    steps = tuple(broken)
    funnel = Funnel(name="f", order=order, steps=steps, within_ms=WINDOW, by=("country",))
    live, matcher = CompiledFunnel(funnel), Matcher([funnel])
    expected: dict[str, Levels] = {"": {}, "country": {}}
    people = {str(uuid.uuid4()): acts for acts in histories(seed)}
    opened.put(EVENTS, *(act.row(who) for who, acts in people.items() for act in acts))
    for who, acts in people.items():
        found = [matcher.evidence(act.row(who)) for act in acts]
        hits = [
            Hit(one.time, one.said.steps[0], next(iter(one.said.values), ()))
            for one in found
            if one
        ]
        for step, by, value, *_ in live.count(hits):
            if by != ARRIVED:
                level = expected[by].get((who, value), 0)
                expected[by][who, value] = max(level, step + 1)
    for by, levels in expected.items():
        query = levels_sql(funnel, NOON, NOON + 100, by or None)
        answer = opened.client.execute(query.sql, query.parameters)
        assert {(str(u), v): level for u, v, level in answer if str(u) in people} == levels


SHOP = Funnel(
    name="checkout",
    by=("referrer_source",),
    steps=(
        Step(name="product", page="/p/*"),
        Step(name="cart", event="Product Added"),
        Step(name="checkout", event="Checkout Started", without="Cart Emptied"),
        Step(name="order", event="Order Completed", where={"currency": ("EUR",)}),
    ),
)


def shop_visit(opened: Store, at: int, acts: Sequence[str], **fields: Any) -> None:
    device = new_device()
    named = {"Product": {"path": "/p/1"}, "Order Completed": {"currency": "EUR"}}
    for number, act in enumerate(acts):
        more: dict[str, Any] = {**named.get(act, {}), **fields}
        is_page = act == "Product"
        kind = {} if is_page else {"type": "track", "name": act}
        opened.put(EVENTS, event(device, at + number * 1000, **kind, **more))


def test_the_answer_has_the_contracts_shape(opened: Store) -> None:
    start = 400 * 86_400_000  # a day no other test touches
    everything = ["Product", "Product Added", "Checkout Started", "Order Completed"]
    shop_visit(opened, start, everything, referrer_source="Encyclopedia")
    shop_visit(opened, start, everything[:2], referrer_source="Google")
    shop_visit(opened, start, ["Product", "Product Added", "Cart Emptied", "Checkout Started"])
    shop_visit(opened, start, everything[1:])
    shop_visit(opened, start, everything, is_bot=True, person_id=None, session_id=None)
    shop_visit(opened, start, everything, person_id=None)
    answer = compute_funnel(opened.client, SHOP, NOON + start, NOON + start + 60_000)
    assert msgspec.to_builtins(answer) == {
        "name": "checkout",
        "per": "person",
        "order": "ordered",
        "within_s": 86400,
        "from": "2027-10-26T14:20:00.000Z",
        "to": "2027-10-26T14:21:00.000Z",
        "steps": [
            {"name": "product", "count": 3, "share": 1.0, "from_previous": None},
            {"name": "cart", "count": 3, "share": 1.0, "from_previous": 1.0},
            {"name": "checkout", "count": 1, "share": 0.333333, "from_previous": 0.333333},
            {"name": "order", "count": 1, "share": 0.333333, "from_previous": 1.0},
        ],
        "by": msgspec.to_builtins(answer.by),
    }
    counts = {
        value: [step.count for step in found]
        for value, found in answer.by["referrer_source"].items()
    }
    assert counts == {"": [1, 1, 0, 0], "Encyclopedia": [1, 1, 1, 1], "Google": [1, 1, 0, 0]}


def test_nobody_gives_zeros_and_no_shares(opened: Store) -> None:
    answer = compute_funnel(opened.client, SHOP, 946_684_800_000, 946_684_900_000, [])
    assert [(s.count, s.share, s.from_previous) for s in answer.steps] == [(0, None, None)] * 4
    assert answer.by == {}


def test_times_are_told_by_step_with_how_many_took_them(opened: Store) -> None:
    start = 410 * 86_400_000
    everything = ["Product", "Product Added", "Checkout Started", "Order Completed"]
    for number in range(5):
        shop_visit(opened, start + number * 10_000, everything[: 2 + number // 2])
    shop_visit(opened, start + 60_000, ["Product", "Product Added", *everything[1:3]])
    window = (NOON + start, NOON + start + 600_000)
    counted = compute_funnel(opened.client, SHOP, *window)
    answer = msgspec.to_builtins(timed(opened.client, SHOP, counted, window))
    one, three = ({"median": s, "p90": s} for s in (1.0, 3.0))
    assert answer["times"] == [
        {"step": "cart", "n": 6, "from_previous_s": one, "from_first_s": one},
        {
            "step": "checkout",
            "n": 4,  # one put something into the cart twice, and that one's way is the longest
            "from_previous_s": {"median": 1.0, "p90": 1.7},
            "from_first_s": {"median": 2.0, "p90": 2.7},
        },
        {"step": "order", "n": 1, "from_previous_s": one, "from_first_s": three},
    ]
    assert [step["count"] for step in answer["steps"][1:]] == [one["n"] for one in answer["times"]]


def test_a_breakdown_by_the_session_takes_its_entry(opened: Store) -> None:
    start = 420 * 86_400_000
    search = Funnel(
        name="deep",
        per="session",
        by=("referrer_source", "session.referrer_source", "session.entry_path"),
        steps=(Step(name="product", page="/p/*"), Step(name="cart", event="Product Added")),
    )
    for number, source in enumerate(["Encyclopedia", "Encyclopedia", "Google", ""]):
        device = new_device()
        own = {"session_id": session_of(device, NOON + start)}
        entry = {"referrer_source": source, "referrer_medium": "referral" if source else "direct"}
        rows = [
            event(device, start - MINUTE, path="/", **own, **entry),
            event(device, start, path="/p/1", referrer_medium="internal", **own),
        ]
        if number:
            rows.append(event(device, start + 1000, type="track", name="Product Added", **own))
        opened.put(EVENTS, *rows)
    answer = compute_funnel(opened.client, search, NOON + start, NOON + start + MINUTE)
    counts = {
        field: {value: [step.count for step in found] for value, found in values.items()}
        for field, values in answer.by.items()
    }
    assert counts == {
        "referrer_source": {"": [4, 3]},
        "session.referrer_source": {"Encyclopedia": [2, 1], "": [1, 1], "Google": [1, 1]},
        "session.entry_path": {"/": [4, 3]},
    }
