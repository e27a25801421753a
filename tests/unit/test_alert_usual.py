"""What is usual of a step, and how surprising a smaller count is."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from personalize_api.alerts.usual import (
    PRIOR_CV,
    Day,
    Usual,
    lower_tail,
    quantile,
    usual_of,
)


@pytest.mark.parametrize(
    ("before", "share", "cv"),
    [(40, 0.3, 0.1), (400, 0.85, 0.05), (9, 0.5, 0.3), (100_000, 0.2, 0.06)],
)
def test_the_tail_is_that_of_scipys_negative_binomial(before: int, share: float, cv: float) -> None:
    usual = Usual(share, cv**2, 20)
    mean, size = (before + 0.5) * share, 1 / (1 / (before + 0.5) + cv**2)
    for part in (0.0, 0.3, 0.6, 0.9):
        count = int(mean * part)
        exact = stats.nbinom.cdf(count, size, size / (size + mean))
        assert lower_tail(before, count, usual) == pytest.approx(exact, rel=1e-6, abs=1e-300)


def test_the_tail_of_a_huge_count_is_no_zero_divided_by_zero() -> None:
    usual = Usual(0.4, 0.0025, 20)
    assert 0 < lower_tail(1_000_000, 330_000, usual) < 1e-3
    assert lower_tail(1_000_000, 0, usual) == 0.0
    assert lower_tail(1_000_000, 400_001, usual) == 1.0


@pytest.mark.parametrize("before", [30, 3_000, 3_000_000])
def test_a_quantile_is_where_the_tail_reaches_it(before: int) -> None:
    usual = Usual(0.3, 0.01, 20)
    low = quantile(before, usual, 0.05)
    assert lower_tail(before, low, usual) >= 0.0499 > lower_tail(before, low - 1, usual) - 0.0005
    assert quantile(before, usual, 0.95) > 0.3 * before > low


def test_the_share_is_of_all_who_came_and_older_days_weigh_less() -> None:
    even = usual_of([Day(1, 1000, 300), Day(2, 3000, 900)])
    assert even is not None
    assert even.share == pytest.approx(0.3)
    drifting = usual_of([Day(1, 1000, 200), Day(29, 1000, 400)])
    assert drifting is not None
    assert 0.2 < drifting.share < 0.25


def test_days_that_differ_make_the_range_wide() -> None:
    random = np.random.default_rng(3)

    def estimated(cv: float) -> float:
        shares = 0.3 * np.exp(random.normal(0, cv, 28))
        days = [Day(1 + d, 5000, int(random.binomial(5000, s))) for d, s in enumerate(shares)]
        usual = usual_of(days)
        assert usual is not None
        return math.sqrt(usual.cv2)

    assert estimated(0.02) < 0.06
    assert 0.12 < estimated(0.2) < 0.3


def test_of_one_day_the_prior_says_how_days_differ() -> None:
    usual = usual_of([Day(1, 100_000, 30_000)])
    assert usual is not None
    assert math.sqrt(usual.cv2) == pytest.approx(PRIOR_CV * math.sqrt(2), rel=0.01)
    doubted = usual_of([Day(1, 100_000, 30_000)], doubt=0.3)
    assert doubted is not None
    assert math.sqrt(doubted.cv2) > 0.3


def test_a_day_on_which_the_step_was_broken_is_not_usual() -> None:
    good = [Day(age, 1000, 300) for age in range(1, 8)]
    assert usual_of([*good, Day(8, 1000, 20)]) == usual_of(good)


def test_nobody_says_nothing() -> None:
    assert usual_of([]) is None
    assert usual_of([Day(1, 0, 0), Day(2, 50, 0)]) is None
