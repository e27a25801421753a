"""Order rates of the live page."""

from __future__ import annotations

import pytest

from infra.reports.intervals import wilson as wilson_of_reports
from personalize_api.live.order_rates import SHOWN, rates, wilson
from schemas.funnel_result import StepResult


def steps(*counts: int) -> list[StepResult]:
    return [StepResult(name="s", count=n, share=None, from_previous=None) for n in counts]


@pytest.mark.parametrize(("successes", "n"), [(0, 1), (1, 1), (3, 40), (30, 100), (0, 5000)])
def test_the_interval_is_that_of_the_reports(successes: int, n: int) -> None:
    assert wilson(successes, n) == pytest.approx(wilson_of_reports(successes, n), abs=1e-6)


def test_the_best_come_first_and_those_with_few_last() -> None:
    found = rates({"few": steps(3, 3), "low": steps(100, 50, 5), "high": steps(90, 40, 30)})
    assert [rate.value for rate in found] == ["high", "low", "few"]
    assert (found[0].n, found[0].ordered, found[0].rate) == (90, 30, 0.333333)
    assert found[0].low < found[0].rate < found[0].high


def test_only_the_largest_are_told() -> None:
    found = rates({f"source {n}": steps(100 + n, 1) for n in range(50)})
    assert {rate.value for rate in found} == {f"source {n}" for n in range(50 - SHOWN, 50)}


def test_counts_between_two_corrections_make_no_rate() -> None:
    assert rates({"none": steps(0, 0), "more": steps(2, 3), "minus": steps(5, -1)}) == []
