"""Minutes as they were when they were over."""

from __future__ import annotations

from personalize_api.alerts.series import KEPT_MINUTES, Series


def test_who_comes_back_takes_nothing_from_the_minute_he_came_in_before() -> None:
    series = Series()
    series.see(100, [[5, 3], [1, 0]])
    series.see(101, [[2, 3, 6], [1, 0, 2]])
    assert series.steps == [[5, 3, 6], [1, 0, 2]]


def test_what_comes_late_is_added() -> None:
    series = Series()
    series.see(100, [[5, 3], [1, 0]])
    series.see(100, [[5, 4], [2, 1]])
    assert series.steps == [[5, 4], [2, 1]]


def test_minutes_in_which_nobody_looked_are_as_they_are_now() -> None:
    series = Series()
    series.see(100, [[5, 3, 9]])
    series.see(102, [[9, 7, 2]])
    assert series.steps == [[5, 3, 9, 7, 2]]


def test_where_the_stream_falls_behind_minutes_are_taken_back() -> None:
    series = Series()
    series.see(100, [[5, 3, 9]])
    series.see(98, [[8, 7, 4]])
    assert (series.minute, series.steps) == (98, [[5]])
    series.see(100, [[4, 4, 9]])
    assert series.steps == [[5, 4, 9]]


def test_after_a_long_time_it_begins_anew_as_with_other_steps() -> None:
    series = Series()
    series.see(100, [[5, 3]])
    series.see(200, [[1, 2]])
    assert (series.minute, series.steps) == (200, [[1, 2]])
    series.see(201, [[2, 1], [0, 0]])
    assert series.steps == [[2, 1], [0, 0]]


def test_it_does_not_grow_for_ever() -> None:
    series = Series()
    for minute in range(1000):
        series.see(minute, [[1] * 60, [0] * 60])
    assert [len(step) for step in series.steps] == [KEPT_MINUTES] * 2
