"""For whom a step broke."""

from __future__ import annotations

from personalize_api.alerts.whom import whom

DAY = {
    ("device_class", "phone"): [10_000, 3000],
    ("device_class", "desktop"): [5000, 2000],
    ("referrer_medium", "search"): [9000, 3000],
    ("referrer_medium", ""): [6000, 2000],
}


def test_those_who_lost_the_step_are_named() -> None:
    now = {
        ("device_class", "phone"): [200, 1],
        ("device_class", "desktop"): [100, 38],
        ("referrer_medium", "search"): [180, 24],
        ("referrer_medium", ""): [120, 15],
    }
    assert whom(now, DAY, 1) == ["where device_class is phone; not for others"]


def test_some_dozen_visitors_are_enough_to_know() -> None:
    now = {("device_class", "phone"): [30, 0], ("device_class", "desktop"): [30, 12]}
    assert whom(now, DAY, 1) == ["where device_class is phone; not for others"]


def test_nobody_is_named_where_all_are_concerned_or_too_few_came() -> None:
    alike = {("device_class", "phone"): [200, 2], ("device_class", "desktop"): [100, 1]}
    assert whom(alike, DAY, 1) == []
    few = {("device_class", "phone"): [9, 0], ("device_class", "desktop"): [8, 3]}
    assert whom(few, DAY, 1) == []
    new = {("device_class", "watch"): [500, 0], ("device_class", "desktop"): [100, 38]}
    assert whom(new, DAY, 1) == []


def test_who_kept_most_of_it_is_not_named_however_sure_the_difference_is() -> None:
    now = {("device_class", "phone"): [9000, 1900], ("device_class", "desktop"): [9000, 3600]}
    assert whom(now, DAY, 1) == []


def test_all_values_that_lost_it_are_named_together() -> None:
    names = ("phone", "tablet", "tv", "desktop")
    day = {("device_class", name): [1000, 400] for name in names}
    now = {("device_class", name): [50, 20 if name == "desktop" else 0] for name in names}
    assert whom(now, day, 1) == ["where device_class is phone, tablet, tv; not for others"]


def test_an_empty_value_has_a_name() -> None:
    now = {("referrer_medium", "search"): [180, 60], ("referrer_medium", ""): [120, 0]}
    assert whom(now, DAY, 1) == ["where referrer_medium is none; not for others"]
