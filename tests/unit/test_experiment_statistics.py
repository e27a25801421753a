"""Statistics of experiments, against scipy, gbstats, and experiments made up by the thousand."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from infra.reports.experiment_statistics import (
    Sums,
    chance_to_beat,
    chi_square_tail,
    credible,
    half_width,
    mean_interval,
    sample_ratio,
    sequence,
    standardized,
)
from infra.reports.intervals import verdict
from personalize_api.experiments.outcomes import Outcome


@pytest.mark.parametrize("freedom", [1, 2, 3, 4, 7, 10])
@pytest.mark.parametrize("square", [0.0, 0.4, 3.84, 11.0, 40.0])
def test_the_tail_of_chi_square_is_scipys(square: float, freedom: int) -> None:
    assert chi_square_tail(square, freedom) == pytest.approx(stats.chi2.sf(square, freedom))


def test_a_split_that_was_not_asked_for_is_improbable() -> None:
    weights = {"holdout": 0.1, "a": 0.45, "b": 0.45}
    assert sample_ratio({"a": 460, "b": 440, "holdout": 100}, weights) == pytest.approx(
        stats.chisquare([460, 440, 100], [450, 450, 100]).pvalue
    )
    # gbstats 0.8.0: check_srm([5200, 4800, 1010], [0.45, 0.45, 0.1])
    found = sample_ratio({"a": 5200, "b": 4800, "holdout": 1010}, weights)
    assert found == pytest.approx(4.775589493326026e-06)
    assert sample_ratio({"a": 900, "holdout": 100}, weights) == pytest.approx(0, abs=1e-50)
    assert sample_ratio({"a": 9, "b": 9, "holdout": 2}, weights) is None


@pytest.mark.parametrize(
    ("one", "base", "alpha", "variance", "low", "high"),
    [  # gbstats 0.8.0, SequentialTwoSidedTTest, sequential_tuning_parameter 5000
        ((5000, 190), (5000, 150), 0.05, 1.31312e-05, -0.003093874284112919, 0.019093874284112917),
        ((900, 52), (400, 10), 0.05, 0.00012142584, -0.0030261545304819393, 0.06858171008603749),
        (
            (90_000, 3300),
            (10_000, 300),
            0.025,
            3.302469135802469e-06,
            1.9125908592e-4,
            0.0131420742,
        ),
    ],
)
def test_the_sequence_is_that_of_gbstats(
    one: tuple[int, int],
    base: tuple[int, int],
    alpha: float,
    variance: float,
    low: float,
    high: float,
) -> None:
    half = half_width(variance, one[0] + base[0], alpha)
    difference = one[1] / one[0] - base[1] / base[0]
    assert (difference - half, difference + half) == pytest.approx((low, high), rel=1e-5)
    found = sequence(Outcome(*one), Outcome(*base), 1 - alpha)
    assert found == pytest.approx((low, high), abs=(high - low) * 0.02)  # its variance is smoothed


@pytest.mark.parametrize("counts", [(30, 0), (30, 30), (400, 13), (50_000, 1600)])
def test_credible_intervals_are_the_beta_distributions(counts: tuple[int, int]) -> None:
    n, s = counts
    low, high = credible(Outcome(n, s))
    beta = stats.beta(1 + s, 1 + n - s)
    assert low == pytest.approx(0 if s == 0 else beta.ppf(0.025), abs=0.003 * beta.std())
    assert high == pytest.approx(1 if s == n else beta.ppf(0.975), abs=0.003 * beta.std())


def test_the_chance_to_beat_is_that_of_draws() -> None:
    random = np.random.default_rng(3)
    one, other = random.beta(61, 941, 400_000), random.beta(46, 956, 400_000)
    exact = chance_to_beat(Outcome(1000, 60), Outcome(1000, 45))
    assert exact == pytest.approx((one > other).mean(), abs=0.003)
    assert chance_to_beat(Outcome(900_000, 60_000), Outcome(900_000, 10)) == 0.9999  # never certain


def test_the_interval_of_a_mean_is_welchs() -> None:
    random = np.random.default_rng(5)
    one, base = random.exponential(30, 4000), random.exponential(28, 900)
    sums = [Sums(len(x), float(x.sum()), float((x * x).sum())) for x in (one, base)]
    welch = stats.ttest_ind(one, base, equal_var=False).confidence_interval(0.95)
    assert mean_interval(sums[0], sums[1]) == pytest.approx((welch.low, welch.high), rel=0.02)
    assert mean_interval(Sums(1, 5.0, 25.0)) == (float("-inf"), float("inf"))


def made_up(
    rates: tuple[float, float], days: int, a_day: tuple[int, int], times: int, seed: int
) -> list[list[tuple[Outcome, Outcome]]]:
    """So many experiments, each looked at every day: what was seen of arm and base until then."""
    random = np.random.default_rng(seed)
    arms = [
        random.binomial(n, rate, (times, days)).cumsum(axis=1)
        for n, rate in zip(a_day, rates, strict=True)
    ]
    return [
        [
            (
                Outcome(a_day[0] * (day + 1), int(arms[0][one][day])),
                Outcome(a_day[1] * (day + 1), int(arms[1][one][day])),
            )
            for day in range(days)
        ]
        for one in range(times)
    ]


@pytest.mark.parametrize(
    ("rate", "a_day"),
    [(0.03, (200, 200)), (0.03, (450, 100)), (0.005, (40, 10)), (0.3, (20, 20))],
)
def test_who_looks_every_day_is_misled_by_no_more_than_one_in_twenty(
    rate: float, a_day: tuple[int, int]
) -> None:
    looked = made_up((rate, rate), 60, a_day, 1000, seed=11)
    stopped = sum(
        any(
            verdict(sequence(one, base), one.exposed, base.exposed) in ("higher", "lower")
            for one, base in days
        )
        for days in looked
    )
    assert stopped / len(looked) <= 0.05
    if a_day == (200, 200):  # what happens to who looks every day at intervals made for one look
        misled = sum(any(z(one, base) > 1.96 for one, base in days) for days in looked)
        assert misled / len(looked) > 0.15


def z(one: Outcome, base: Outcome) -> float:
    """The plain test of two rates."""
    pooled = (one.converted + base.converted) / (one.exposed + base.exposed)
    spread = (pooled * (1 - pooled) * (1 / one.exposed + 1 / base.exposed)) ** 0.5
    gap = abs(one.converted / one.exposed - base.converted / base.exposed)
    return gap / spread if spread else 0.0


def test_a_true_lift_is_in_the_sequence_at_every_look_and_is_found() -> None:
    looked = made_up((0.045, 0.03), 60, (225, 225), 500, seed=12)
    missed = found = 0
    for days in looked:
        intervals = [sequence(one, base) for one, base in days]
        missed += any(not low <= 0.015 <= high for low, high in intervals)
        found += any(low > 0 for low, _ in intervals)
    assert missed / len(looked) <= 0.05
    assert found / len(looked) > 0.9


def test_credible_intervals_hold_what_they_say() -> None:
    random = np.random.default_rng(13)
    intervals = [credible(Outcome(200, converted)) for converted in range(201)]
    held = 0
    for rate in random.uniform(0, 1, 1500):
        low, high = intervals[int(random.binomial(200, rate))]
        held += low <= rate <= high
    assert held / 1500 == pytest.approx(0.95, abs=0.015)


def test_a_mixture_of_visitors_is_not_taken_for_an_effect() -> None:
    """Both arms are equal; but the second was sent those who buy anyway."""
    strata = {
        "search": {"a": Outcome(9000, 180), "b": Outcome(1000, 20), "holdout": Outcome(1000, 20)},
        "email": {"a": Outcome(1000, 100), "b": Outcome(9000, 900), "holdout": Outcome(1000, 100)},
        "ai": {"a": Outcome(3, 3), "b": Outcome(0, 0)},
    }
    plain = {"a": 280 / 10_000, "b": 920 / 10_000}
    told = standardized(strata, "holdout", 30)
    assert plain["b"] > 3 * plain["a"]
    assert told["a"].rate == told["b"].rate == told["holdout"].rate == pytest.approx(0.06)
    for arm in ("a", "b"):
        assert told[arm].lift == pytest.approx(0)
        assert told[arm].lift_interval.low < 0 < told[arm].lift_interval.high
        assert told[arm].beats == pytest.approx(0.5, abs=0.06)
    random = np.random.default_rng(1)
    draws = sum(random.beta(1 + s, 1 + n - s, 200_000) / 2 for n, s in ((9000, 180), (1000, 100)))
    exact = np.quantile(draws, [0.025, 0.975])
    assert told["a"].interval == pytest.approx(exact, rel=0.02)
