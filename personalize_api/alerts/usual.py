"""What share of a step is usual, and how surprising a smaller one is.

The statistic. In a window of some minutes n units arrived at the step before and k at this one.
k is taken as negative binomial,

    k ~ NB(mean = m, size = r),   m = (n + 1/2) share,   1/r = 1/(n + 1/2) + cv2

that is: a Poisson number whose mean is uncertain for two reasons, each a gamma distribution.
First, those who arrive now left the step before some minutes ago, so n only estimates how many
were on their way: a rate seen as n is Gamma(n + 1/2) (Jeffreys; the comparison of two Poisson
rates in Przyborowski and Wilenski, Biometrika 1940). A binomial k of n would be too narrow: where
the way takes longer than the window, its variance is off by (1 + share) / (1 - share). Second,
days differ: `cv2` is the relative variance of a new day's share, estimated from past days by the
method of moments (Kleinman, JASA 1973), shrunk towards a prior since days are few, with the
uncertainty of the mean itself added. That a count is alarming below a far quantile of a negative
binomial fitted to the same hours of the past is Noufaily et al., Statistics in Medicine 2013.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence

import msgspec

PRIOR_CV = 0.10
PRIOR_DAYS = 3.0
"""How much the days of a step differ where nothing is known, and how many days that is worth."""

HALF_LIFE_DAYS = 14.0
"""A day of this age weighs half of yesterday: shares drift, and sites are changed."""

_ACCIDENT_DAYS = 5
_ACCIDENT_FACTOR = 2.0
"""With that many days, one that far from their median is an accident, and is not usual."""

_NEGLIGIBLE = 1e-12


class Day(msgspec.Struct, frozen=True):
    """What one past day says: `after` arrived at the step, `before` at the step before."""

    age: float  # days
    before: float
    after: float


class Usual(msgspec.Struct, frozen=True):
    """`share` of the units of the step before; `cv2`: its relative variance on a new day."""

    share: float
    cv2: float
    days: int


def usual_of(days: Sequence[Day], doubt: float = 0.0) -> Usual | None:
    """None where the days do not say anything. `doubt`: a further relative deviation, for days
    that are no like of the one to be judged.
    """
    days = _without_accidents([day for day in days if day.before > 0])
    weights = [0.5 ** (day.age / HALF_LIFE_DAYS) for day in days]
    before = sum(w * day.before for w, day in zip(weights, days, strict=True))
    after = sum(w * day.after for w, day in zip(weights, days, strict=True))
    if not after:
        return None
    share = min(after / before, 1.0)
    worth = sum(weights) ** 2 / sum(w * w for w in weights)  # in days of equal weight
    between = _between_days(days, weights, share, worth)
    cv2 = (PRIOR_DAYS * PRIOR_CV**2 + (worth - 1) * between) / (PRIOR_DAYS + worth - 1)
    of_the_mean = cv2 / worth + 1 / (after + 0.5)
    return Usual(share, cv2 + of_the_mean + doubt**2, len(days))


def _without_accidents(days: list[Day]) -> list[Day]:
    if len(days) < _ACCIDENT_DAYS:
        return days
    middle = statistics.median(day.after / day.before for day in days)
    low, high = middle / _ACCIDENT_FACTOR, middle * _ACCIDENT_FACTOR
    return [day for day in days if low * day.before <= day.after <= high * day.before]


def _between_days(
    days: Sequence[Day], weights: Sequence[float], share: float, worth: float
) -> float:
    """Relative variance of the days' shares beyond what counting explains, by moments.

    Counting is taken as binomial, the least it can be: what is left is rather too large.
    """
    if worth <= 1:
        return 0.0
    beyond = expected = 0.0
    for weight, day in zip(weights, days, strict=True):
        mean = day.before * share
        beyond += weight * ((day.after - mean) ** 2 - mean * (1 - share))
        expected += weight * mean**2
    return max(0.0, beyond / expected * worth / (worth - 1))


def lower_tail(before: float, after: int, usual: Usual) -> float:
    """How probable it is that at most `after` arrive where `before` did at the step before."""
    mean, size = _parameters(before, usual)
    if after >= mean:
        # nobody asks how probable the probable is: the upper half is not added up
        return 1.0
    term = math.exp(_log_probability(after, mean, size))
    total, odds = term, (size + mean) / mean
    for count in range(after, 0, -1):
        term *= odds * count / (count - 1 + size)
        total += term
        if term < total * _NEGLIGIBLE:
            break
    return min(total, 1.0)


def quantile(before: float, usual: Usual, probability: float) -> int:
    """The smallest number of arrivals that is not exceeded with this probability."""
    mean, size = _parameters(before, usual)
    term = math.exp(_log_probability(0, mean, size))
    if not term:  # so far from none that Wilson and Hilferty's cube is exact enough
        return _far_quantile(mean, size, probability)
    count, total, odds = 0, term, mean / (size + mean)
    while total < probability and count < 10 * mean + 100:
        term *= odds * (count + size) / (count + 1)
        count += 1
        total += term
    return count


def _far_quantile(mean: float, size: float, probability: float) -> int:
    variance = mean + mean**2 / size
    shape = mean**2 / variance
    z = statistics.NormalDist().inv_cdf(probability)
    return max(0, round(mean * (1 - 1 / (9 * shape) + z / (3 * math.sqrt(shape))) ** 3))


def _parameters(before: float, usual: Usual) -> tuple[float, float]:
    seen = before + 0.5
    return seen * usual.share, 1 / (1 / seen + usual.cv2)


def _log_probability(count: int, mean: float, size: float) -> float:
    return (
        math.lgamma(count + size)
        - math.lgamma(size)
        - math.lgamma(count + 1)
        + size * math.log(size / (size + mean))
        + count * math.log(mean / (size + mean))
    )
