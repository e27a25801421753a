"""When an alarm begins, what it says, and when it ends."""

from __future__ import annotations

from personalize_api.alerts.usual import Usual
from personalize_api.alerts.watch import (
    RAISE_AFTER,
    RESOLVE_AFTER,
    Seen,
    Watch,
    fell_at,
    judge,
)

USUAL = Usual(0.3, 0.005, 20)
FALL = 0.2


def window(after: int, before: int = 1000, minutes: int = 5) -> Seen:
    return Seen(minutes, before, after, USUAL)


def raised(watch: Watch, seen: Seen, times: int = RAISE_AFTER) -> Seen | None:
    """What the last of so many equal evaluations returns."""
    told = None
    for _ in range(times):
        told = judge(watch, [seen], 100, FALL)
    return told


def test_a_step_that_has_fallen_three_times_in_a_row_is_told() -> None:
    watch = Watch()
    assert raised(watch, window(100), 2) is None
    assert raised(watch, window(100), 1) == window(100)
    assert (watch.since, watch.raised) == (100, 100)


def test_one_evaluation_that_is_well_begins_the_count_anew() -> None:
    watch = Watch()
    raised(watch, window(100), 2)
    judge(watch, [window(300)], 100, FALL)
    assert raised(watch, window(100), 2) is None


def test_a_small_fall_is_not_told_however_sure_it_is() -> None:
    sure = Seen(60, 1_000_000, 250_000, Usual(0.3, 1e-6, 30))
    assert not sure.has_fallen(FALL)
    assert sure.has_fallen(0.1)


def test_few_visitors_are_no_evidence() -> None:
    assert not window(0, before=20).has_fallen(FALL)
    assert window(0, before=100).has_fallen(FALL)


def test_more_than_usual_is_no_alarm() -> None:
    assert not window(900).has_fallen(FALL)


def test_it_ends_when_the_shortest_window_that_could_show_the_fall_shows_none() -> None:
    watch = Watch()
    raised(watch, window(20))
    short, long = window(120, before=400, minutes=2), window(100, minutes=60)
    for _ in range(11):  # two minutes, less ten seconds
        judge(watch, [short, long], 130, FALL)
        assert watch.since
    judge(watch, [short, long], 130, FALL)
    assert not watch.since
    assert watch.floor == 129  # longer windows, which hold what was told, wait


def test_a_longer_window_takes_longer_to_say_that_it_is_over() -> None:
    watch = Watch()
    raised(watch, window(20))
    for _ in range(15 * 6 // 2 - 1):
        judge(watch, [window(300, minutes=15)], 130, FALL)
    assert watch.since
    judge(watch, [window(300, minutes=15)], 130, FALL)
    assert not watch.since


def test_it_does_not_end_while_the_step_flickers() -> None:
    watch = Watch()
    raised(watch, window(20))
    for _ in range(5):
        for _ in range(RESOLVE_AFTER - 1):
            judge(watch, [window(300)], 130, FALL)
        judge(watch, [window(200)], 130, FALL)
    assert watch.since


def test_it_does_not_end_because_nobody_comes() -> None:
    watch = Watch()
    raised(watch, window(20))
    for _ in range(100):
        judge(watch, [window(3, before=9)], 130, FALL)
        judge(watch, [], 130, FALL)
    assert watch.since


def test_it_began_where_a_smaller_share_explains_the_hour_best() -> None:
    arrived = [[100] * 60, [30] * 48 + [2] * 12]
    assert fell_at(1, 600, arrived, USUAL, 5) == 600 - 11
    assert fell_at(1, 600, [[100] * 60, [30] * 60], USUAL, 5) == 596  # nothing: the window's
