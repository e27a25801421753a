"""Funnels in ClickHouse against an obvious, slow walk in Python, on random histories."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Literal

import msgspec
import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from schemas.redis_keys import ARRIVED
from schemas.settings import Settings
from schemas.site import Funnel, Step
from sinks.clickhouse.funnel_sql import levels_sql
from sinks.clickhouse.funnel_times import ways_sql
from sinks.clickhouse.rows import EVENTS
from streams.funnels import CompiledFunnel
from streams.matching import Matcher
from streams.walks import Hit
from tests.funnel_walks import (
    FROM,
    TO,
    WINDOW,
    Levels,
    Walk,
    Ways,
    histories,
    seeds,
    steps,
)
from tests.sink_world import NOON, Store, store


@pytest.fixture(scope="module")
def opened(settings: Settings) -> Iterator[Store]:
    with store(settings) as one:
        yield one


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
