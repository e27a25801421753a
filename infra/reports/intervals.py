"""Intervals of rates, and of differences of rates, that hold for few trials and rates near 0.

An interval is `(low, high)`. Both are for independent trials.
"""

from __future__ import annotations

from math import sqrt
from statistics import NormalDist
from typing import Literal, NamedTuple

MIN_N = 30
"""Below this many trials on either side no report gives a verdict."""

Verdict = Literal["higher", "lower", "no difference seen", "too few"]


class Interval(NamedTuple):
    low: float
    high: float


def wilson(successes: int, n: int, confidence: float = 0.95) -> Interval:
    """Where the true rate lies: Wilson's score interval, without continuity correction.

    E. B. Wilson, Probable inference, the law of succession, and statistical inference,
    JASA 22 (1927), 209-212; method 3 in R. G. Newcombe, Statistics in Medicine 17 (1998), 857-872.
    No trials tell nothing: (0, 1). Raises ValueError unless 0 <= successes <= n.
    """
    if not 0 <= successes <= n:
        raise ValueError(f"{successes} successes of {n}")
    if n == 0:
        return Interval(0.0, 1.0)
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    rate = successes / n
    centre = rate + z * z / (2 * n)
    reach = z * sqrt(rate * (1 - rate) / n + z * z / (4 * n * n))
    scale = 1 + z * z / n
    # the ends are exact, and rounding must not move them
    low = 0.0 if successes == 0 else (centre - reach) / scale
    high = 1.0 if successes == n else (centre + reach) / scale
    return Interval(low, high)


def newcombe(
    successes: int, n: int, base_successes: int, base_n: int, confidence: float = 0.95
) -> Interval:
    """Where the difference of two independent true rates, the first less the base, lies.

    Newcombe's hybrid score interval, without continuity correction: method 10 in R. G. Newcombe,
    Interval estimation for the difference between independent proportions, Statistics in
    Medicine 17 (1998), 873-890. Without trials on a side it is as wide as the other side allows.
    Raises ValueError as `wilson`.
    """
    low, high = wilson(successes, n, confidence)
    base_low, base_high = wilson(base_successes, base_n, confidence)
    if n == 0 or base_n == 0:
        return Interval(low - base_high, high - base_low)
    rate, base_rate = successes / n, base_successes / base_n
    difference = rate - base_rate
    return Interval(
        difference - sqrt((rate - low) ** 2 + (base_high - base_rate) ** 2),
        difference + sqrt((high - rate) ** 2 + (base_rate - base_low) ** 2),
    )


def verdict(difference: Interval, n: int, base_n: int) -> Verdict:
    """What the interval of a difference lets one say; nothing below MIN_N on either side."""
    if min(n, base_n) < MIN_N:
        return "too few"
    if difference.low > 0:
        return "higher"
    return "lower" if difference.high < 0 else "no difference seen"
