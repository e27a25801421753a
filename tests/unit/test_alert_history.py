"""Hours as they were seen live, and which of them are like the one to be judged."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import numpy as np
import pytest

from personalize_api.alerts.history import (
    LEARN_HOURS,
    WINDOWS,
    History,
    HourCounts,
    decode_hour,
    encode_hour,
)
from tests.alarm_world import START_HOUR, TICKS, Shape, measured, simulate

UTC = ZoneInfo("UTC")
MONDAY = START_HOUR


def hour(before: int, after: int) -> HourCounts:
    return [[(before, after)] * len(WINDOWS)]


def usual_share(history: History, at: int) -> float | None:
    """Of the quarter of an hour in the middle of that hour."""
    usual = history.usual(1, WINDOWS.index(15), at * 60 + 37)
    return None if usual is None else round(usual.share, 3)


def test_windows_are_measured_end_to_end_as_they_close() -> None:
    arrived = simulate(Shape(6, [(0.4, 3), (0.5, 1)]), 1, np.random.default_rng(1))
    minutes = np.pad(arrived.reshape(3, -1, TICKS).sum(axis=2), ((0, 0), (59, 1)))
    history, until = History(3, UTC), START_HOUR * 60
    for minute in range(1, 1441):
        last = minutes[:, minute : minute + 60].tolist()
        history.measure(START_HOUR * 60 + minute, last, until)
        until = START_HOUR * 60 + minute
    assert history.hours == measured(arrived)


def test_who_begins_again_measures_nothing_twice_and_what_it_missed() -> None:
    arrived = [[10] * 60, [3] * 60]
    minute = MONDAY * 60 + 59
    once, again = History(2, UTC), History(2, UTC)
    once.measure(minute, arrived, minute - 30)
    again.measure(minute - 10, arrived, minute - 30)
    again.measure(minute - 10, arrived, minute - 10)
    again.measure(minute, arrived, minute - 10)
    assert once.hours == again.hours
    assert once.hours[MONDAY][0][WINDOWS.index(15)] == (300, 90)


def test_a_step_under_alarm_is_not_learned_from() -> None:
    arrived = [[10] * 60, [0] * 60, [0] * 60]
    history = History(3, UTC)
    history.measure(MONDAY * 60 + 30, arrived, 0, skip=[1])
    first, second = history.hours[MONDAY]
    assert first == [(0, 0)] * len(WINDOWS)
    assert second == [(0, 0)] * len(WINDOWS)  # nobody at its first step either
    history.measure(MONDAY * 60 + 31, [[10] * 60] * 3, MONDAY * 60 + 30)
    history.measure(MONDAY * 60 + 32, [[10] * 60] * 3, MONDAY * 60 + 31, skip=[1])
    assert history.hours[MONDAY][0][0] == (0, 0)
    assert history.hours[MONDAY][1][0] == (20, 20)


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


def test_where_traffic_is_thin_neighbouring_hours_help() -> None:
    history = History(2, UTC)
    thin = {MONDAY + day * 24 + clock: hour(8, 3) for day in range(5) for clock in (8, 9, 10)}
    history.load(thin)
    usual = history.usual(1, WINDOWS.index(15), (MONDAY + 7 * 24 + 9) * 60 + 37)
    assert usual is not None
    assert usual.share == pytest.approx(0.375)


def test_a_new_funnel_learns_before_it_is_judged() -> None:
    history = History(2, UTC)
    history.load({MONDAY + at: hour(100, 30) for at in range(LEARN_HOURS - 1)})
    assert usual_share(history, MONDAY + LEARN_HOURS) is None
    history.load({MONDAY + LEARN_HOURS - 1: hour(100, 30)})
    assert usual_share(history, MONDAY + LEARN_HOURS) == 0.3
    wide = history.usual(1, WINDOWS.index(15), (MONDAY + LEARN_HOURS) * 60 + 37)
    assert wide is not None
    assert wide.cv2 > 0.3**2


def test_settled_counts_stand_in_for_long_windows_until_there_are_measured_ones() -> None:
    history = History(2, UTC)
    assert History(2, UTC).needs_settled
    history.load_settled({MONDAY + at: [1000, 400] for at in range(7 * 24)})
    at = (MONDAY + 7 * 24 + 9) * 60 + 37
    assert history.usual(1, WINDOWS.index(5), at) is None
    stood_in = history.usual(1, WINDOWS.index(15), at)
    assert stood_in is not None
    assert (round(stood_in.share, 3), stood_in.days) == (0.4, 5)
    assert stood_in.cv2 > 0.25**2
    history.load({MONDAY + at: hour(1000, 300) for at in range(7 * 24)})
    assert not history.needs_settled
    assert usual_share(history, MONDAY + 7 * 24 + 9) == 0.3


def test_hours_of_a_month_ago_are_forgotten() -> None:
    history = History(2, UTC)
    history.load({MONDAY: hour(1, 1)})
    history.measure((MONDAY + 37 * 24) * 60, [[0] * 60] * 2, (MONDAY + 37 * 24) * 60 - 1)
    assert MONDAY not in history.hours


def test_counts_survive_the_codec_and_other_shapes_are_left_out() -> None:
    counts = hour(7, 3)
    assert decode_hour(encode_hour(counts)) == counts
    history = History(3, UTC)
    history.load({MONDAY: counts})  # of two steps, not three
    assert not history.hours
