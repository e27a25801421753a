"""What is kept of a device's activity is a function of the set of its events."""

from __future__ import annotations

import random
from functools import reduce

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas import activity as activities
from schemas.activity import (
    BITS,
    EXPOSURE,
    GOAL,
    INTEREST,
    TOUCH,
    Activity,
    Exposure,
    Touch,
    bits_of,
    exposure_name,
    first_exposures,
    goal_name,
    interest_name,
    interests,
    reached,
    touch_name,
    touches,
    with_cell,
    within,
)

HOUR = 3_600_000
Said = tuple[str, int, int]  # name, ms, bits

SLOTS = {INTEREST: HOUR, TOUCH: HOUR, EXPOSURE: 1000, GOAL: 1}
NEWEST = {INTEREST: 96, TOUCH: 8, EXPOSURE: 16, GOAL: 64}

names = st.sampled_from(
    [
        interest_name("trains"),
        interest_name("dolls"),
        touch_name("search", "Google", ""),
        touch_name("search", "Goggle", ""),
        touch_name("email", "newsletter", "spring"),
        exposure_name("hero:1", "big"),
        exposure_name("hero:1", "small"),
        exposure_name("other:1", "big"),
        goal_name("Order Completed"),
        goal_name("Signed Up"),
    ]
)
times = st.one_of(st.integers(0, 200 * HOUR), st.integers(0, 30).map(lambda n: n * HOUR // 20))
sayings = st.lists(st.tuples(names, times, st.integers(0, 2**BITS - 1)), max_size=150)


def kept(said: list[Said]) -> Activity:
    return reduce(lambda activity, one: with_cell(activity, *one), said, Activity())


def oracle(said: list[Said]) -> Activity:
    """Slowly: all slots of each group, then the newest, and the first where that is wanted."""
    slots: dict[str, dict[tuple[int, str], tuple[int, int]]] = {}
    for name, time, bits in said:
        letter = name[0]
        group = name if letter == GOAL else name.split("\x1f")[0] if letter == EXPOSURE else letter
        mine = slots.setdefault(group, {})
        at = time // SLOTS[letter], name
        first, set_before = mine.get(at, (time, 0))
        mine[at] = min(first, time), set_before | bits
    found: dict[str, list[int]] = {}
    for group, mine in slots.items():
        chosen = sorted(mine)[-NEWEST[group[0]] :]
        if group[0] in (TOUCH, EXPOSURE):
            chosen = sorted({*chosen, min(mine)})
        for at in chosen:
            time, bits = mine[at]
            found.setdefault(at[1], []).append(time << BITS | bits)
    return {name: tuple(sorted(cells)) for name, cells in found.items()}


@given(sayings, st.randoms(use_true_random=False))
def test_any_order_and_repetition_keeps_the_same(said: list[Said], chance: random.Random) -> None:
    mixed = said + said[:20]
    chance.shuffle(mixed)
    assert kept(mixed) == oracle(said)


@given(sayings)
def test_what_is_known_already_changes_nothing(said: list[Said]) -> None:
    activity = kept(said)
    for one in said:
        assert with_cell(activity, *one) is activity


def test_the_first_touch_stays_however_many_come_after() -> None:
    first = (touch_name("search", "Google", ""), 0, 0)
    later = [(touch_name("email", "Newsletter", str(n)), n * HOUR, 0) for n in range(1, 50)]
    told = sorted(touches(kept([*later, first])))
    assert told[0] == Touch(0, "search", "Google", "")
    assert told[-1] == Touch(49 * HOUR, "email", "Newsletter", "49")
    assert len(told) == 9


def test_the_earliest_exposure_of_each_experiment_stays() -> None:
    said = [(exposure_name("a", "left"), 5, 0), (exposure_name("b", "right"), 7, 0)]
    said += [(exposure_name("a", "right"), n * HOUR, 0) for n in range(1, 99)]
    assert first_exposures([kept(said)]) == {"a": Exposure(5, "left"), "b": Exposure(7, "right")}
    other = kept([(exposure_name("a", "right"), 3, 0)])
    assert first_exposures([kept(said), other])["a"] == Exposure(3, "right")


def test_a_goal_counts_from_its_exposure_on() -> None:
    activity = kept([(goal_name("Order Completed"), 1000, 0)])
    assert reached([activity], "Order Completed", 1000)
    assert not reached([activity], "Order Completed", 1001)
    assert not reached([activity], "Order", 0)
    assert reached([activity], "Order Completed", 400, within_ms=600)
    assert not reached([activity], "Order Completed", 399, within_ms=600)


def test_only_what_was_done_within_a_span_is_its_owners() -> None:
    activity = kept([(interest_name("trains"), n * HOUR, 1) for n in range(5)])
    mine = within(activity, [(HOUR, 2 * HOUR), (4 * HOUR, 4 * HOUR)])
    assert [time for _, time, _ in interests(mine)] == [HOUR, 2 * HOUR, 4 * HOUR]
    assert within(activity, [(9 * HOUR, 10 * HOUR)]) == {}


@pytest.mark.parametrize("events", [1, 3, 10, 20])
def test_about_as_many_events_are_counted_as_there_were(events: int) -> None:
    chance = random.Random(events)
    found = []
    for _ in range(300):
        digests = [chance.randbytes(6) for _ in range(events)]
        said = [(interest_name("trains"), 1, bits_of(digest, 1)) for digest in digests]
        found += [amount for _, _, amount in interests(kept(said + said))]
    assert sum(found) / len(found) == pytest.approx(events, rel=0.1)


def test_a_time_that_no_clock_can_mean_is_left_out() -> None:
    assert kept([(interest_name("trains"), -1, 1), (interest_name("trains"), 2**41, 1)]) == {}


@given(
    st.lists(st.tuples(st.sampled_from(["/a", "/b", "/c", "/d"]), st.integers(0, 20)), max_size=25)
)
def test_letting_the_oldest_go_is_keeping_the_newest(seen: list[tuple[str, int]]) -> None:
    kind = activities._KINDS[activities.PAGE]
    one: activities.Activity = {}
    other: activities.Activity = {}
    for path, minute in seen:
        name, time = activities.page_name(path), minute * 40_000
        one = with_cell(one, name, time)
        grown = {**other, name: activities._joined(other.get(name, ()), time, 0, kind.slot_ms)}
        other = activities._limited(grown, activities.PAGE, kind)
        assert one == other
