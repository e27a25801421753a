"""What outcomes of an experiment allow one to say, however often one looks.

Pure functions of counts; intervals are `(low, high)`. Checked against scipy and GrowthBook's
gbstats, and by simulation, in tests/unit/test_experiment_statistics.py.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import erfc, exp, gamma, inf, log, sqrt
from random import Random
from statistics import NormalDist
from typing import NamedTuple

from infra.reports.intervals import Interval
from personalize_api.experiments.outcomes import Outcome
from personalize_api.experiments.thompson import Posterior, chances_of_best

LEAST_SAMPLE_RATIO_P = 0.001
"""Below it the split is not the one that was asked for, and no arm is judged."""

_TUNED_FOR = 5000  # persons at which the sequence is narrowest; gbstats has the same
_LEAST_EXPECTED = 5  # persons in every cell of a chi-square test
_DRAWS = 4000


def credible(outcome: Outcome, confidence: float = 0.95) -> Interval:
    """Where the rate lies with this probability, equally likely above and below, from a flat prior.

    Holds whenever one looks, and however arms were allocated.
    """
    posterior = Posterior(*outcome)
    tail = (1 - confidence) / 2
    low = 0.0 if outcome.converted == 0 else posterior.quantile(tail)
    high = 1.0 if outcome.converted == outcome.exposed else posterior.quantile(1 - tail)
    return Interval(low, high)


def chance_to_beat(one: Outcome, other: Outcome) -> float:
    """The probability that the rate of the first is the higher one, from flat priors."""
    return chances([one, other])[0]


def chances(outcomes: Sequence[Outcome]) -> list[float]:
    """The probability of each to be the best of all, never told as certain."""
    told = chances_of_best([Posterior(*outcome) for outcome in outcomes])
    return [min(max(round(chance, 4), 0.0001), 0.9999) for chance in told]


def sequence(one: Outcome, base: Outcome, confidence: float = 0.95) -> Interval:
    """Where the rate of the first less the base's lies, at all times at once.

    With the probability `confidence` none of the intervals that one ever looks at misses it: so one
    may stop as soon as 0 lies outside, which with intervals for one look alone would happen by
    chance before long. An asymptotic confidence sequence: I. Waudby-Smith, D. Arbour, R. Sinha,
    E. H. Kennedy, A. Ramdas, Time-uniform central limit theory and asymptotic confidence sequences,
    Annals of Statistics 52 (2024), 2613-2640, theorem 2.2 (arXiv 2103.06476). For outcomes of
    independent persons, who were allocated at random and in proportions that do not change.
    Without anybody on a side it is everything.
    """
    if not one.exposed or not base.exposed:
        return Interval(-1.0, 1.0)
    difference = one.converted / one.exposed - base.converted / base.exposed
    half = half_width(_variance(one) + _variance(base), one.exposed + base.exposed, 1 - confidence)
    return Interval(max(-1.0, difference - half), min(1.0, difference + half))


def half_width(variance: float, n: int, alpha: float) -> float:
    """Half of the sequence's width when the difference of two means of n persons together has this
    variance.
    """
    tuned = (-2 * log(alpha) + log(-2 * log(alpha) + 1)) / _TUNED_FOR
    grown = n * tuned + 1
    return sqrt(variance * n) * sqrt(2 * grown * log(sqrt(grown) / alpha) / (n * n * tuned))


def sample_ratio(seen: Mapping[str, int], weights: Mapping[str, float]) -> float | None:
    """How probable a split at least so far from the weights is: Pearson's chi-square test.

    None where that cannot be told: fewer than two arms, or too few persons.
    """
    total, whole = sum(seen.get(arm, 0) for arm in weights), sum(weights.values())
    if len(weights) < 2 or not total or not whole:
        return None
    expected = {arm: total * weight / whole for arm, weight in weights.items()}
    if min(expected.values()) < _LEAST_EXPECTED:
        return None
    square = sum((seen.get(arm, 0) - n) ** 2 / n for arm, n in expected.items())
    return chi_square_tail(square, len(weights) - 1)


def chi_square_tail(square: float, freedom: int) -> float:
    """The probability of at least `square`, by the recurrence over degrees of freedom."""
    half = square / 2
    odd = freedom % 2
    tail = erfc(sqrt(half)) if odd else exp(-half)
    for lower in range(1 if odd else 2, freedom, 2):
        tail += half ** (lower / 2) * exp(-half) / gamma(lower / 2 + 1)
    return min(1.0, tail)


class Sums(NamedTuple):
    """What n persons paid: the sum, and the sum of its squares."""

    n: int
    total: float
    squares: float

    @property
    def mean(self) -> float:
        return self.total / self.n

    @property
    def variance_of_mean(self) -> float:
        """Infinite for one person."""
        if self.n < 2:
            return inf
        return max(0.0, self.squares - self.total**2 / self.n) / (self.n - 1) / self.n


def mean_interval(one: Sums, base: Sums | None = None, confidence: float = 0.95) -> Interval:
    """Where the mean, or with a base its difference from the base's, lies: for one look, by the
    normal approximation. A person is a unit, so no ratio has to be approximated.
    """
    difference = one.mean - (base.mean if base else 0.0)
    variance = one.variance_of_mean + (base.variance_of_mean if base else 0.0)
    half = NormalDist().inv_cdf((1 + confidence) / 2) * sqrt(variance)
    return Interval(difference - half, difference + half)


class Standardized(NamedTuple):
    """Of one arm. The lift is over the base; `beats` the probability that it is above 0."""

    rate: float
    interval: Interval
    lift: float
    lift_interval: Interval
    beats: float


def standardized(
    strata: Mapping[str, Mapping[str, Outcome]], base: str, least_n: int, confidence: float = 0.95
) -> dict[str, Standardized]:
    """Rates of arms as if each had been shown to the same mixture of visitors.

    `strata`: medium -> arm -> outcome. Where arms are allocated by what works, by medium, an arm's
    plain rate tells who was sent to it as much as how it did. Of each medium in which every arm was
    shown to `least_n` persons the rate counts by that medium's share of all of them. Credible
    intervals by draws of the posteriors, equal for equal counts. {} where there is no such medium.
    """
    arms = sorted({arm for outcomes in strata.values() for arm in outcomes})
    used = [
        outcomes
        for _, outcomes in sorted(strata.items())
        if all(outcomes.get(arm, Outcome()).exposed >= least_n for arm in arms)
    ]
    if base not in arms or not used:
        return {}
    sizes = [sum(outcome.exposed for outcome in outcomes.values()) for outcomes in used]
    shares = [size / sum(sizes) for size in sizes]
    draws = {arm: _draws(arm, [each[arm] for each in used], shares) for arm in arms}
    rates = {
        arm: sum(
            share * each[arm].converted / each[arm].exposed
            for share, each in zip(shares, used, strict=True)
        )
        for arm in arms
    }
    found = {}
    for arm in arms:
        lifts = sorted(a - b for a, b in zip(draws[arm], draws[base], strict=True))
        found[arm] = Standardized(
            rates[arm],
            _middle(sorted(draws[arm]), confidence),
            rates[arm] - rates[base],
            _middle(lifts, confidence),
            sum(lift > 0 for lift in lifts) / len(lifts),
        )
    return found


def _draws(arm: str, outcomes: Sequence[Outcome], shares: Sequence[float]) -> list[float]:
    random = Random(arm)
    mixed = [0.0] * _DRAWS
    for outcome, share in zip(outcomes, shares, strict=True):
        posterior = Posterior(*outcome)
        for at in range(_DRAWS):
            mixed[at] += share * random.betavariate(posterior.a, posterior.b)
    return mixed


def _middle(ordered: Sequence[float], confidence: float) -> Interval:
    tail = round(len(ordered) * (1 - confidence) / 2)
    return Interval(ordered[tail], ordered[-tail - 1])


def _variance(outcome: Outcome) -> float:
    """Of an arm's rate; never none for want of conversions: with one more of each, as A. Agresti
    and B. Caffo, The American Statistician 54 (2000), 280-288.
    """
    rate = (outcome.converted + 1) / (outcome.exposed + 2)
    return rate * (1 - rate) / outcome.exposed
