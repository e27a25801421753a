"""Thompson sampling: newcomers go to each arm as often as it is probably the best one.

W. R. Thompson, On the likelihood that one unknown probability exceeds another in view of the
evidence of two samples, Biometrika 25 (1933), 285-294. A draw a visitor would give another arm at
every view and in every process; to divide visitors by the probability itself, with a hash that
lasts, comes to the same in proportion, can be explained, and is equal where the same was counted.

The probability is exact up to numerical integration, no simulation: equal counts, equal weights.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from functools import cached_property
from itertools import pairwise
from math import exp, lgamma, log, log1p, sqrt

from personalize_api.experiments.outcomes import Outcome

_POINTS = 240  # of a density, within so many standard deviations
_REACH = 10.0
_LEAST = 1e-16  # as near to 0 and 1 as a logarithm may come
_DIGITS = 4  # of a weight: finer differences divide nobody


class Posterior:
    """What is known of a rate of success: Beta(1 + successes, 1 + failures), from a flat prior."""

    def __init__(self, exposed: int, converted: int) -> None:
        """Raises ValueError unless 0 <= converted <= exposed."""
        if not 0 <= converted <= exposed:
            raise ValueError(f"{converted} of {exposed}")
        self.a, self.b = 1 + converted, 1 + exposed - converted
        total = self.a + self.b
        self.mean = self.a / total
        self.deviation = sqrt(self.mean * (1 - self.mean) / (total + 1))
        self._log_scale = lgamma(total) - lgamma(self.a) - lgamma(self.b)

    def density(self, x: float) -> float:
        x = min(max(x, _LEAST), 1 - _LEAST)
        return exp(self._log_scale + (self.a - 1) * log(x) + (self.b - 1) * log1p(-x))

    def grid(self, points: int = _POINTS) -> list[float]:
        """Places to evaluate it at, dense where its mass is."""
        low = max(0.0, self.mean - _REACH * self.deviation)
        high = min(1.0, self.mean + _REACH * self.deviation)
        step = (high - low) / points
        return [low + at * step for at in range(points + 1)]

    def quantile(self, share: float) -> float:
        """The rate below which it lies with a probability of `share`."""
        places, reached = self._cumulated
        at = bisect_left(reached, share)
        if at == 0 or at == len(reached):
            return places[min(at, len(places) - 1)]
        part = (share - reached[at - 1]) / (reached[at] - reached[at - 1])
        return places[at - 1] + part * (places[at] - places[at - 1])

    @cached_property
    def _cumulated(self) -> tuple[list[float], list[float]]:
        places = self.grid(4000)
        return places, cumulated(places, [self.density(x) for x in places])


def cumulated(places: Sequence[float], densities: Sequence[float]) -> list[float]:
    """The distribution function at the places, 0 at the first and 1 at the last: trapezoids."""
    reached = [0.0]
    steps = zip(pairwise(places), pairwise(densities), strict=True)
    for (left, right), (before, after) in steps:
        reached.append(reached[-1] + (right - left) * (before + after) / 2)
    whole = reached[-1]
    return [one / whole for one in reached]


def chances_of_best(posteriors: Sequence[Posterior]) -> list[float]:
    """The probability of each to have the highest rate of all; they add up to 1."""
    if len(posteriors) == 1:
        return [1.0]
    places = sorted({x for posterior in posteriors for x in posterior.grid()})
    densities = [[posterior.density(x) for x in places] for posterior in posteriors]
    reached = [cumulated(places, mine) for mine in densities]
    chances = []
    for index, mine in enumerate(densities):
        others = [*reached[:index], *reached[index + 1 :]]
        below = [_product(column) for column in zip(*others, strict=True)]
        value = [density * chance for density, chance in zip(mine, below, strict=True)]
        chances.append(
            sum(
                (right - left) * (before + after) / 2
                for (left, right), (before, after) in zip(
                    pairwise(places), pairwise(value), strict=True
                )
            )
        )
    whole = sum(chances)
    return [chance / whole for chance in chances]


def _product(factors: Sequence[float]) -> float:
    product = 1.0
    for factor in factors:
        product *= factor
    return product


def weights(
    arms: Mapping[str, float], outcomes: Mapping[str, Outcome], floor: float
) -> dict[str, float]:
    """Shares of newcomers, which add up to 1; none below `floor`, times the arms at most 1.

    The arms' own weights are what is believed beforehand: without outcomes they are the shares.
    """
    known = [outcomes.get(arm, Outcome()) for arm in arms]
    chances = chances_of_best([Posterior(*outcome) for outcome in known])
    wanted = [chance * weight for chance, weight in zip(chances, arms.values(), strict=True)]
    whole = sum(wanted)
    left = 1 - floor * len(arms)
    shares = [round(floor + left * one / whole, _DIGITS) for one in wanted]
    return dict(zip(arms, shares, strict=True))
