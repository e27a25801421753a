"""Which homepages and which sources lead to orders: rates with intervals, from live funnels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import sqrt
from typing import NamedTuple

from personalize_api.live.funnels import LiveFunnel
from personalize_api.live.view import ReferrerRate, VariantRate
from schemas.funnel_result import StepResult

SHOWN = 8
FEW = 30  # below, no report gives a verdict (design.md, section 5)
_Z = 1.959963984540054  # 95 %, both sides


class Rate(NamedTuple):
    value: str
    n: int
    ordered: int
    rate: float
    low: float
    high: float


def variants(homepages: LiveFunnel) -> list[VariantRate]:
    return [
        VariantRate(
            value=r.value, shown=r.n, ordered=r.ordered, rate=r.rate, low=r.low, high=r.high
        )
        for r in rates(homepages.by.get("variant", {}))
    ]


def referrers(visits: LiveFunnel) -> list[ReferrerRate]:
    return [
        ReferrerRate(
            value=r.value, entered=r.n, ordered=r.ordered, rate=r.rate, low=r.low, high=r.high
        )
        for r in rates(visits.by.get("referrer_source", {}))
    ]


def rates(by: Mapping[str, Sequence[StepResult]]) -> list[Rate]:
    """Of the values with most units, from the first step to the last, best rate first; after them
    those with too few for a verdict.
    """
    counts = {value: (steps[0].count, steps[-1].count) for value, steps in by.items()}
    largest = sorted(counts.items(), key=lambda item: (-item[1][0], item[0]))[:SHOWN]
    found = [
        Rate(value, n, ordered, round(ordered / n, 6), *wilson(ordered, n))
        for value, (n, ordered) in largest
        if 0 <= ordered <= n and n
    ]
    return sorted(found, key=lambda rate: (rate.n < FEW, -rate.rate, -rate.n, rate.value))


def wilson(successes: int, n: int) -> tuple[float, float]:
    """Wilson's score interval of 95 %, as infra/reports/intervals.py has it. `n` is not 0."""
    rate, spread = successes / n, _Z * _Z / n
    centre = rate + spread / 2
    reach = _Z * sqrt(rate * (1 - rate) / n + spread / (4 * n))
    low = 0.0 if successes == 0 else (centre - reach) / (1 + spread)
    high = 1.0 if successes == n else (centre + reach) / (1 + spread)
    return round(low, 6), round(high, 6)
