"""Thompson's weights: the probability to be the best arm, against scipy and against draws."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import integrate, stats

from personalize_api.experiments.outcomes import Outcome, without
from personalize_api.experiments.thompson import Posterior, chances_of_best, weights

CASES = [
    [(0, 0), (0, 0), (0, 0)],
    [(10, 0), (1_000_000, 30_000)],
    [(5000, 150), (5000, 190), (800, 31)],
    [(1, 1), (40, 2), (3, 0)],
    [(200, 200), (200, 0)],
    [(300_000, 9_000), (300_000, 9_150), (300_000, 9_100), (20, 1)],
]


def told(counts: list[tuple[int, int]]) -> list[Posterior]:
    return [Posterior(*count) for count in counts]


@pytest.mark.parametrize("counts", CASES)
def test_chances_of_best_are_those_of_a_million_draws(counts: list[tuple[int, int]]) -> None:
    random = np.random.default_rng(1)
    n = 1_000_000
    draws = np.stack([random.beta(1 + s, 1 + n_ - s, n) for n_, s in counts])
    seen = np.bincount(draws.argmax(axis=0), minlength=len(counts)) / n
    assert chances_of_best(told(counts)) == pytest.approx(seen, abs=0.002)


@pytest.mark.parametrize(("one", "other"), [((300, 30), (280, 40)), ((9, 0), (50_000, 1500))])
def test_the_chance_of_two_is_the_integral(one: tuple[int, int], other: tuple[int, int]) -> None:
    first, second = (stats.beta(1 + s, 1 + n - s) for n, s in (one, other))
    places = sorted(float(d.ppf(q)) for d in (first, second) for q in (1e-9, 0.5, 1 - 1e-9))
    exact, _ = integrate.quad(
        lambda x: first.pdf(x) * second.cdf(x), 0, 1, points=places, limit=500
    )
    assert chances_of_best(told([one, other]))[0] == pytest.approx(exact, abs=1e-3)


@pytest.mark.parametrize("count", [(0, 0), (30, 0), (30, 30), (1000, 31), (2_000_000, 40_000)])
def test_quantiles_are_those_of_the_beta_distribution(count: tuple[int, int]) -> None:
    n, s = count
    beta = stats.beta(1 + s, 1 + n - s)
    for share in (0.025, 0.5, 0.975):
        found = Posterior(n, s).quantile(share)
        assert abs(found - beta.ppf(share)) < 0.003 * beta.std() + 1e-12


def test_without_outcomes_the_files_weights_hold() -> None:
    assert weights({"a": 3, "b": 1}, {}, 0.0) == {"a": 0.75, "b": 0.25}
    assert weights({"a": 3, "b": 1}, {}, 0.3) == {"a": 0.6, "b": 0.4}


def test_what_works_gets_more_and_nothing_less_than_the_floor() -> None:
    shares = weights(
        {"a": 1, "b": 1, "c": 1}, {"a": Outcome(9000, 300), "b": Outcome(9000, 9)}, 0.1
    )
    assert shares["b"] == 0.1
    assert shares["a"] < shares["c"]  # of which nothing is known yet: it is tried
    assert sum(shares.values()) == pytest.approx(1)
    shares = weights({"a": 1, "b": 1}, {"a": Outcome(900, 60), "b": Outcome(900, 20)}, 0.05)
    assert shares == {"a": 0.95, "b": 0.05}


def test_young_outcomes_are_taken_away_and_never_leave_less_than_nothing() -> None:
    total = {"search": {"a": Outcome(10, 4), "b": Outcome(3, 3)}, "email": {"a": Outcome(2, 1)}}
    young = {"search": {"a": Outcome(4, 1), "b": Outcome(5, 1)}}
    assert without(total, young) == {
        "search": {"a": Outcome(6, 3), "b": Outcome(0, 0)},
        "email": {"a": Outcome(2, 1)},
    }


def test_learning_sells_more_than_a_fixed_split_also_where_conversions_take_days() -> None:
    """Forty days of 500 visitors; whoever converts does so two days later, in every arm.

    The guard waits for them; what nobody could know yet is not held against the arm that has many
    young visitors.
    """
    random = np.random.default_rng(7)
    rates = {"a": 0.03, "b": 0.06}
    sold = {"thompson": 0, "fixed": 0}
    for _ in range(20):
        days: list[dict[str, tuple[int, int]]] = []
        for _day in range(40):
            ripe = days[: max(0, len(days) - 2)]
            known = {
                arm: Outcome(sum(d[arm][0] for d in ripe), sum(d[arm][1] for d in ripe))
                for arm in rates
            }
            share = weights({"a": 1, "b": 1}, known, 0.05)["a"]
            shown = {"a": int(random.binomial(500, share))}
            shown["b"] = 500 - shown["a"]
            days.append({arm: (n, int(random.binomial(n, rates[arm]))) for arm, n in shown.items()})
        sold["thompson"] += sum(bought for day in days for _, bought in day.values())
        sold["fixed"] += sum(int(random.binomial(250 * 40, rate)) for rate in rates.values())
    best, half = 20 * 40 * 500 * 0.06, 20 * 40 * 500 * 0.045
    assert sold["fixed"] == pytest.approx(half, rel=0.03)
    assert sold["thompson"] > half + 0.8 * (best - half)
