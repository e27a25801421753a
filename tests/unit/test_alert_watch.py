"""When an alarm begins, what it says, and when it ends."""

from __future__ import annotations

import msgspec

from personalize_api.alerts.change_point import Expected, Fall
from personalize_api.alerts.watch import RAISE_AFTER, RESOLVE_AFTER, Step, Watch, judge, step_of

USUAL = Expected(share=0.3, size=200.0, spread=1.0, delay=0.0, days=20)
FALL = 0.2
NOW = 600


def step(*came: int, left: int = 100, before: int = 48) -> Step:
    """Usual minutes, and then these; `left` a minute at the step before."""
    every = [round(0.3 * left)] * before + list(came)
    return step_of([left] * len(every), every, 1.0, USUAL)


def raised(watch: Watch, seen: Step, times: int = RAISE_AFTER, fall: float = FALL) -> Fall | None:
    """What the last of so many equal evaluations returns."""
    told = None
    for _ in range(times):
        told = judge(watch, seen, NOW, fall)
    return told


def test_a_step_that_has_fallen_twice_in_a_row_is_told_with_the_minute_since_when() -> None:
    watch, broken = Watch(), step(*[2] * 12)
    assert raised(watch, broken, 1) is None
    told = raised(watch, broken, 1)
    assert told is not None
    assert (told.minutes, told.came, told.due) == (12, 24, 1200.0)
    assert (watch.since, watch.raised) == (NOW - 11, NOW)


def test_one_evaluation_that_is_well_begins_the_count_anew() -> None:
    watch = Watch()
    raised(watch, step(0, 0), 1)
    judge(watch, step(30, 30), NOW, FALL)
    assert raised(watch, step(0, 0), 1) is None


def test_a_small_fall_is_not_told_however_sure_it_is() -> None:
    sure = msgspec.structs.replace(USUAL, size=10_000.0)
    a_little = msgspec.structs.replace(step(*[8_500] * 60, left=34_000), expected=sure)
    assert raised(Watch(), a_little) is None
    assert raised(Watch(), a_little, fall=0.1) is not None


def test_few_visitors_are_no_evidence() -> None:
    assert raised(Watch(), step(*[0] * 3, left=10)) is None
    assert raised(Watch(), step(*[0] * 5, left=10)) is not None


def test_more_than_usual_is_no_alarm() -> None:
    assert raised(Watch(), step(*[90] * 12)) is None


def test_while_nothing_is_known_to_be_usual_nothing_is_told() -> None:
    watch = Watch()
    raised(watch, step(0, 0), 1)
    assert judge(watch, None, NOW, FALL) is None
    assert raised(watch, step(0, 0), 1) is None, "not twice in a row"


def test_it_ends_when_the_shortest_window_that_could_show_the_fall_shows_none() -> None:
    watch = Watch()
    raised(watch, step(0, 0))
    for _ in range(11):  # two minutes, less ten seconds
        judge(watch, step(0, 0, 0, 27, 30), NOW + 30, FALL)
        assert watch.since
    judge(watch, step(0, 0, 0, 27, 30), NOW + 30, FALL)
    assert not watch.since
    assert watch.floor == NOW + 29
    assert raised(watch, step(0, 0, 0, 27, 30)) is None, "what was told is not told again"


def test_a_longer_window_takes_longer_to_say_that_it_is_over() -> None:
    watch, thin = Watch(), step(*[1] * 15, left=5, before=60)
    raised(watch, step(*[0] * 20, left=5))
    for _ in range(15 * 6 // 2 - 1):
        judge(watch, thin, NOW + 30, FALL)
    assert watch.since
    judge(watch, thin, NOW + 30, FALL)
    assert not watch.since


def test_it_does_not_end_while_the_step_flickers() -> None:
    watch = Watch()
    raised(watch, step(0, 0))
    for _ in range(5):
        for _ in range(RESOLVE_AFTER - 1):
            judge(watch, step(30, 30), NOW + 30, FALL)
        judge(watch, step(15, 15), NOW + 30, FALL)
    assert watch.since


def test_it_does_not_end_because_nobody_comes() -> None:
    watch, nobody = Watch(), step_of([0] * 60, [0] * 60, 1.0, USUAL)
    raised(watch, step(0, 0))
    for _ in range(100):
        judge(watch, nobody, NOW + 30, FALL)
    assert watch.since
