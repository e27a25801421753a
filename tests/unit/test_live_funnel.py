"""A live funnel counts sets of hits as windowFunnel does, by the latest entry."""

from __future__ import annotations

from itertools import product

from hypothesis import given
from hypothesis import strategies as st

from schemas.evidence import MAX_HITS
from schemas.redis_keys import ARRIVED
from schemas.site import Funnel, Step
from schemas.step_masks import WITHOUT_SHIFT
from streams.funnels import APPROXIMATE, CompiledFunnel
from streams.walks import Hit

MINUTE = 60_000
FUNNEL = Funnel(
    name="checkout",
    within_ms=30 * MINUTE,
    by=("source",),
    steps=(
        Step(name="product", event="Viewed"),
        Step(name="cart", event="Added"),
        Step(name="order", event="Ordered", without="Emptied"),
    ),
)
VIEWED, ADDED, ORDERED = 1, 2, 4
EMPTIED = 1 << (WITHOUT_SHIFT + 2)


def minutes(*hits: Hit) -> list[int | None]:
    return minutes_by("", *hits)


def arrivals(*hits: Hit) -> list[int | None]:
    return minutes_by(ARRIVED, *hits)


def minutes_by(by: str, *hits: Hit) -> list[int | None]:
    """The minute in which the unit stands, a step."""
    found = {s.step: s.minute for s in CompiledFunnel(FUNNEL).count(hits) if s.by == by}
    return [found.get(step) for step in range(3)]


def hit(minute: int, steps: int, source: str = "a") -> Hit:
    return Hit(minute * MINUTE, steps, (source,) if steps & 1 else ())


def test_nobody_enters_without_the_first_step() -> None:
    assert minutes(hit(1, ADDED), hit(2, ORDERED)) == [None, None, None]


def test_a_person_stands_at_the_latest_entry_that_reached_the_step() -> None:
    hits = (hit(1, VIEWED), hit(2, ADDED), hit(5, VIEWED))
    assert minutes(*hits) == [5, 1, None]


def test_who_came_to_a_step_arrived_there_when_it_was_first_reached_from_that_entry() -> None:
    way = (hit(1, VIEWED), hit(2, ADDED), hit(3, ADDED), hit(5, ORDERED), hit(6, ORDERED))
    assert arrivals(*way) == [1, 2, 5]
    assert arrivals(*way, hit(7, VIEWED)) == [7, 2, 5]
    assert arrivals(*way, hit(7, VIEWED), hit(9, ADDED)) == [7, 9, 5]


def test_the_window_begins_with_the_entry() -> None:
    assert minutes(hit(0, VIEWED), hit(10, ADDED), hit(30, ORDERED)) == [0, 0, 0]
    assert minutes(hit(0, VIEWED), hit(10, ADDED), hit(31, ORDERED)) == [0, 0, None]


def test_equal_times_count_in_the_order_of_steps() -> None:
    assert minutes(hit(1, ORDERED), hit(1, ADDED), hit(1, VIEWED)) == [1, 1, 1]


def test_what_must_not_stand_between_breaks_the_way() -> None:
    way = (hit(1, VIEWED), hit(2, ADDED), hit(3, EMPTIED), hit(4, ORDERED))
    assert minutes(*way) == [1, 1, None]
    assert minutes(*way, hit(5, ADDED), hit(6, ORDERED)) == [1, 1, 1]


def test_a_breakdown_follows_the_value_of_the_entry() -> None:
    counted = CompiledFunnel(FUNNEL).count(
        [hit(1, VIEWED, "a"), hit(2, ADDED), hit(3, VIEWED, "b")]
    )
    by = {(one.value, one.step): one.minute for one in counted if one.by == "source"}
    assert by == {("a", 0): 1, ("a", 1): 1, ("b", 0): 3}


def test_more_hits_than_are_kept_say_so() -> None:
    many = [hit(minute, VIEWED) for minute in range(MAX_HITS + 1)]
    assert APPROXIMATE in {one.step for one in CompiledFunnel(FUNNEL).count(many)}
    assert APPROXIMATE not in {one.step for one in CompiledFunnel(FUNNEL).count(many[1:])}


def slow(hits: list[Hit]) -> list[int | None]:
    """Every choice of one hit a step, tried."""
    moments = sorted((h.time, step, h) for h in hits for step in range(3) if h.steps >> step & 1)
    breaks = [h.time for h in hits if h.steps & EMPTIED]
    best: list[int | None] = [None, None, None]
    for length in (1, 2, 3):
        steps = [[m for m in moments if m[1] == step] for step in range(length)]
        for way in product(*steps):
            times = [moment[0] for moment in way]
            in_order = times == sorted(times)
            in_time = times[-1] - times[0] <= FUNNEL.within_ms
            # at equal times what breaks comes before every step
            broken = length == 3 and any(times[1] < at <= times[2] for at in breaks)
            if in_order and in_time and not broken:
                best[length - 1] = max(best[length - 1] or 0, times[0] // MINUTE)
    return best


@given(
    st.lists(
        st.builds(hit, st.integers(1, 60), st.sampled_from([1, 2, 4, 3, 6, 7, EMPTIED])),
        max_size=9,
    )
)
def test_the_walk_finds_what_trying_every_way_finds(hits: list[Hit]) -> None:
    assert minutes(*hits) == slow(hits)
