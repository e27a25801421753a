"""Hours as they were seen live, and which of them are like the one to be judged."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import msgspec
import numpy as np
import pytest

from personalize_api.alerts.history import LEARN_HOURS, History
from personalize_api.alerts.hours import Hour, StepHour, decode_hour, encode_hour
from personalize_api.alerts.passage import DELAYS
from personalize_api.alerts.series import KEPT_MINUTES, Series
from tests.alarm_world import START_HOUR, TICKS, Shape, measured, simulate

UTC = ZoneInfo("UTC")
MONDAY = START_HOUR


def hour(before: int, after: int) -> Hour:
    misfit = [float(after + number) for number in range(len(DELAYS))]
    due = [float(before)] * len(DELAYS)
    return Hour([StepHour(before, after, after, due, misfit)], before)


def usual_share(history: History, at: int) -> float | None:
    """Of the quarter of an hour in the middle of that hour."""
    usual = history.usual(1, at * 60 + 37)
    expected = history.expected(1, at * 60 + 37)
    assert (usual is None) == (expected is None)
    if usual is None or expected is None:
        return None
    assert usual.share == pytest.approx(expected.share)
    return round(usual.share, 3)


def test_hours_are_measured_as_they_pass() -> None:
    """What the service finds minute by minute is what the simulations take for it."""
    arrived = simulate(Shape(6, [(0.4, 3), (0.5, 1)]), 1, np.random.default_rng(1))
    minutes = np.pad(arrived.reshape(3, -1, TICKS).sum(axis=2), ((0, 0), (59, 1)))
    history, series, until = History(3, UTC), Series(), START_HOUR * 60
    for minute in range(1, 1441):
        now, last = START_HOUR * 60 + minute, minutes[:, minute : minute + 60].tolist()
        history.measure(now, last, until)
        series.see(now, last)
        if minute % 60 == 2 and minute > 120:
            assert history.close(now // 60 - 1, series, (), {})
        until = now
    expected = measured(arrived)
    for at in range(2, 23):
        found, simulated = history.hours[START_HOUR + at], expected[START_HOUR + at]
        assert found.entered == simulated.entered
        for one, other in zip(found.steps, simulated.steps, strict=True):
            assert (one.before, one.after, one.came) == (other.before, other.after, other.came)
            assert one.due == pytest.approx(other.due, rel=0.02)
            assert one.misfit == pytest.approx(other.misfit, rel=0.05, abs=1)


def test_who_begins_again_measures_nothing_twice_and_what_it_missed() -> None:
    arrived = [[10] * 60, [3] * 60]
    minute = MONDAY * 60 + 59
    once, again = History(2, UTC), History(2, UTC)
    once.measure(minute, arrived, minute - 30)
    again.measure(minute - 10, arrived, minute - 30)
    again.measure(minute - 10, arrived, minute - 10)
    again.measure(minute, arrived, minute - 10)
    assert once.hours == again.hours
    assert (once.hours[MONDAY].steps[0].before, once.hours[MONDAY].steps[0].after) == (300, 90)


def test_a_step_under_alarm_is_not_learned_from() -> None:
    series = Series(MONDAY * 60 + 59, [[10] * KEPT_MINUTES, [1] * KEPT_MINUTES, [1] * KEPT_MINUTES])
    history = History(3, UTC)
    last = [step[-60:] for step in series.steps]
    changed = history.measure(MONDAY * 60 + 59, last, MONDAY * 60 + 40, skip=[1, 2])
    assert [history.hours[hour].steps for hour in changed] == [[StepHour(), StepHour()]]
    history.measure(MONDAY * 60 + 40, last, MONDAY * 60 + 10, skip=[1])
    assert history.close(MONDAY, series, skip=[1], sources={})
    first, second = history.hours[MONDAY].steps
    assert first == StepHour()
    assert (second.before, second.after, second.came) == (30, 30, 60)
    assert second.due == pytest.approx([60.0] * len(DELAYS))


def test_an_hour_of_which_little_was_seen_is_not_learned() -> None:
    series = Series(MONDAY * 60 + 59, [[10] * 60, [1] * 60])
    assert not History(2, UTC).close(MONDAY, series, (), {})


@pytest.mark.parametrize(("minutes", "found"), [(0.2, 0.0), (2, 2.0), (4, 3.0), (9, 8.0)])
def test_how_long_the_way_takes_is_learned_from_a_day(minutes: float, found: float) -> None:
    arrived = simulate(Shape(6, [(0.4, minutes)]), 1, np.random.default_rng(4))
    history = History(2, UTC)
    history.load(measured(arrived))
    expected = history.expected(1, START_HOUR * 60 + 1439)
    assert expected is not None
    assert DELAYS.index(expected.delay) - DELAYS.index(found) in (-1, 0, 1)
    assert 1 <= expected.spread < 1.15


def test_the_same_hour_of_workdays_says_what_is_usual_on_a_workday() -> None:
    history = History(2, UTC)
    days = {}
    for day in range(21):
        weekend = day % 7 >= 5
        for clock in range(24):
            share = 10 if clock == 9 else 40
            days[MONDAY + day * 24 + clock] = hour(100, share // 2 if weekend else share)
    history.load(days)
    assert usual_share(history, MONDAY + 21 * 24 + 9) == 0.1
    assert usual_share(history, MONDAY + 21 * 24 + 10) == 0.4
    assert usual_share(history, MONDAY + 26 * 24 + 9) == 0.05


def test_an_hour_is_that_of_the_sites_own_clock() -> None:
    berlin = History(2, ZoneInfo("Europe/Berlin"))
    # until 2026-03-28 nine o'clock in Berlin is eight in UTC, from the 29th on seven
    before_change = 492_888 + 8  # 2026-03-25 08:00 UTC
    berlin.load({before_change + 24 * day: hour(1000, 100) for day in range(4)})
    berlin.load({before_change + 24 * day - 1: hour(1000, 400) for day in range(4)})
    monday = 492_888 + 5 * 24  # 2026-03-30
    assert usual_share(berlin, monday + 7) == 0.1


def test_a_holiday_is_compared_with_weekends_with_a_doubt_and_teaches_nothing() -> None:
    thursday = MONDAY + 17 * 24  # of the third week
    holiday = datetime.fromtimestamp(thursday * 3600, UTC).date().isoformat()
    hours: dict[int, Hour] = {}
    for day in range(17):
        share = 20 if day % 7 >= 5 else 40
        hours |= {MONDAY + day * 24 + clock: hour(1000, share * 10) for clock in range(24)}
    hours |= {thursday + clock: hour(1000, 250) for clock in range(24)}
    plain, told = History(2, UTC), History(2, UTC, [holiday])
    plain.load(hours)
    told.load(hours)
    assert usual_share(plain, thursday + 9) == 0.4
    assert usual_share(told, thursday + 9) == 0.2
    of_the_holiday = told.expected(1, (thursday + 9) * 60 + 37)
    assert of_the_holiday is not None
    assert of_the_holiday.size < 1 / 0.25**2
    assert usual_share(told, thursday + 57) == 0.2, "Saturday"
    assert (usual_share(told, thursday + 33) or 0) > (usual_share(plain, thursday + 33) or 0) + 0.01


def test_where_traffic_is_thin_neighbouring_hours_help() -> None:
    history = History(2, UTC)
    thin = {MONDAY + day * 24 + clock: hour(8, 3) for day in range(5) for clock in (8, 9, 10)}
    history.load(thin)
    usual = history.usual(1, (MONDAY + 7 * 24 + 9) * 60 + 37)
    assert usual is not None
    assert usual.share == pytest.approx(0.375)


def test_a_new_funnel_learns_before_it_is_judged() -> None:
    history = History(2, UTC)
    history.load({MONDAY + at: hour(100, 30) for at in range(LEARN_HOURS - 1)})
    assert usual_share(history, MONDAY + LEARN_HOURS) is None
    history.load({MONDAY + LEARN_HOURS - 1: hour(100, 30)})
    assert usual_share(history, MONDAY + LEARN_HOURS) == 0.3
    wide = history.expected(1, (MONDAY + LEARN_HOURS) * 60 + 37)
    assert wide is not None
    assert wide.size < 1 / 0.3**2


def test_settled_counts_stand_in_until_there_are_measured_ones() -> None:
    history = History(2, UTC)
    assert History(2, UTC).needs_settled
    history.load_settled({MONDAY + at: [1000, 400] for at in range(7 * 24)})
    stood_in = history.expected(1, (MONDAY + 7 * 24 + 9) * 60 + 37)
    assert stood_in is not None
    assert (round(stood_in.share, 3), stood_in.days) == (0.4, 5)
    assert stood_in.size < 1 / 0.25**2
    history.load({MONDAY + at: hour(1000, 300) for at in range(7 * 24)})
    assert not history.needs_settled
    assert usual_share(history, MONDAY + 7 * 24 + 9) == 0.3


def test_hours_of_a_month_ago_are_forgotten() -> None:
    history = History(2, UTC)
    history.load({MONDAY: hour(1, 1)})
    later = MONDAY + 37 * 24
    series = Series(later * 60 + 59, [[1] * KEPT_MINUTES] * 2)
    assert history.close(later, series, (), {})
    assert list(history.hours) == [later]


def test_counts_survive_the_codec_and_other_shapes_are_left_out() -> None:
    counts = hour(7, 3)
    assert decode_hour(encode_hour(counts)) == counts
    with pytest.raises(msgspec.MsgspecError):
        decode_hour(b"[[[7, 3], [7, 3]], [[3, 1], [3, 1]]]")  # as an older version kept it
    history = History(3, UTC)
    history.load({MONDAY: counts})  # of two steps, not three
    assert not history.hours
