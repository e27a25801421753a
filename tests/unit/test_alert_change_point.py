"""The evidence that fewer come on: what it is, and what it promises."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import integrate, stats

from personalize_api.alerts.change_point import LEFT, Expected, evidence, strongest
from personalize_api.alerts.passage import DELAYS, due, judged

SURE = Expected(share=0.4, size=1e9, spread=1.0, delay=0.0, days=20)


@pytest.mark.parametrize(("came", "usual", "size"), [(3, 12.0, 50.0), (0, 30.0, 11.0), (40, 60, 9)])
def test_it_is_the_likelihood_ratio_with_the_days_factor_integrated_out(
    came: int, usual: float, size: float
) -> None:
    day = stats.gamma(size, scale=1 / size)

    def likelihood(left: float) -> float:
        found, _ = integrate.quad(
            lambda f: stats.poisson.pmf(came, left * f * usual) * day.pdf(f), 0, 6, limit=200
        )
        return float(found)

    assert sum(LEFT.values()) == pytest.approx(1.0)
    mixed = sum(weight * likelihood(left) for left, weight in LEFT.items())
    assert evidence(came, usual, size) == pytest.approx(math.log(mixed / likelihood(1.0)), abs=1e-5)


def test_where_nothing_has_changed_it_is_seldom_ever_strong() -> None:
    """Ville: from any beginning on, e to the h is exceeded with a probability below e to the -h."""
    random = np.random.default_rng(5)
    ever = 0
    for _ in range(2000):
        factor = random.gamma(100, 1 / 100)
        came = random.poisson(4 * factor, 60).cumsum()
        ever += any(evidence(int(x), 4.0 * n, 100.0) > math.log(20) for n, x in enumerate(came, 1))
    assert ever / 2000 < 1 / 20


def test_a_day_that_is_less_sure_needs_more_to_be_told() -> None:
    assert evidence(0, 20.0, 10.0) < evidence(0, 20.0, 100.0) < evidence(0, 20.0, 1e6)


def test_it_began_where_the_evidence_is_strongest() -> None:
    left, came = [10] * 120, [4] * 110 + [1] * 10
    found = strongest(came, [float(n) for n in left], SURE, 0.2)
    assert found is not None
    assert (found.minutes, found.came) == (10, 10)
    assert found.expected == pytest.approx(40.0)


def test_what_came_before_today_says_how_this_day_differs() -> None:
    """A day of half the share is not told for as long as its own past says that it is so."""
    unsure = Expected(share=0.4, size=16.0, spread=1.0, delay=0.0, days=2)
    left = [20] * 120
    usual, low = [8] * 110 + [0] * 10, [4] * 110 + [4] * 10
    told = strongest(usual, [float(n) for n in left], unsure, 0.2)
    quiet = strongest(low, [float(n) for n in left], unsure, 0.2)
    assert told is not None
    assert told.evidence > 30
    assert quiet is None or quiet.evidence < 7


def test_where_nobody_comes_to_the_step_before_nobody_is_missed() -> None:
    """Not even those who were on their way: the site is away, not the step."""
    left = [30] * 50 + [0] * 10
    came = [12] * 50 + [0] * 10
    found = strongest(came, judged(left, 8.0, 1.0), SURE, 0.2)
    assert found is None or found.evidence < 7


def test_counts_that_spread_more_weigh_less() -> None:
    left, came = [10.0] * 120, [4] * 110 + [1] * 10
    wild = Expected(share=0.4, size=1e9, spread=2.0, delay=0.0, days=20)
    calm = strongest(came, left, SURE, 0.2)
    found = strongest(came, left, wild, 0.2)
    assert calm is not None
    assert found is not None
    assert found.evidence < 0.6 * calm.evidence


@pytest.mark.parametrize("delay", DELAYS)
def test_all_who_left_are_due_and_when_is_exponential(delay: float) -> None:
    left = [0] * 20 + [1000] + [0] * 200
    found = due(left, delay)
    assert sum(found) == pytest.approx(1000)
    if delay:
        way = stats.expon(scale=delay)
        within = integrate.quad(lambda u: way.cdf(1 - u), 0, 1)[0]
        assert found[20] == pytest.approx(1000 * within)
        later = integrate.quad(lambda u: way.cdf(4 - u) - way.cdf(3 - u), 0, 1)[0]
        assert found[23] == pytest.approx(1000 * later)


def test_of_a_minute_that_is_not_over_only_what_had_time_is_due() -> None:
    steady = [60] * 200
    assert due(steady, 3.0)[-1] == pytest.approx(60)
    assert due([*steady, 30], 3.0, 0.5)[-1] == pytest.approx(30, rel=1e-6)
    assert due([0] * 99 + [30], 3.0, 0.5)[-1] == pytest.approx(
        30 * (1 - 6 * (1 - math.exp(-1 / 6)))
    )
