"""For whom a step broke."""

from __future__ import annotations

from personalize_api.alerts.whom import whom
from schemas.funnel_result import StepResult


def steps(*counts: int) -> list[StepResult]:
    return [
        StepResult(
            name=str(at),
            count=count,
            share=None,
            from_previous=count / counts[at - 1] if at and counts[at - 1] else None,
        )
        for at, count in enumerate(counts)
    ]


DAY = {
    "device_class": {"phone": steps(10_000, 3000), "desktop": steps(5000, 2000)},
    "referrer_medium": {"search": steps(9000, 3000), "": steps(6000, 2000)},
}


def test_those_who_lost_the_step_are_named() -> None:
    now = {
        "device_class": {"phone": steps(200, 1), "desktop": steps(100, 38)},
        "referrer_medium": {"search": steps(180, 24), "": steps(120, 15)},
    }
    assert whom(now, DAY, 1) == ["where device_class is phone; not for others"]


def test_nobody_is_named_where_all_are_concerned_or_too_few_came() -> None:
    alike = {"device_class": {"phone": steps(200, 2), "desktop": steps(100, 1)}}
    assert whom(alike, DAY, 1) == []
    few = {"device_class": {"phone": steps(9, 0), "desktop": steps(8, 3)}}
    assert whom(few, DAY, 1) == []
    new = {"device_class": {"watch": steps(500, 0), "desktop": steps(100, 38)}}
    assert whom(new, DAY, 1) == []


def test_an_empty_value_has_a_name() -> None:
    now = {"referrer_medium": {"search": steps(180, 60), "": steps(120, 0)}}
    assert whom(now, DAY, 1) == ["where referrer_medium is none; not for others"]
