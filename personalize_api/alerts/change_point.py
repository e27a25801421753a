"""Whether fewer come on than usual since some moment, judged at every moment: an e-process.

A step's arrivals are Poisson numbers with the means `due * share * factor`: `due` of `passage`,
the usual share, and how this day differs, a gamma number of mean 1 and variance 1 / `size`. The
hypothesis "since minute k only the part theta comes on" has, with x arrivals of m expected since k
and y of n before, and the factor integrated out of both hypotheses, the likelihood ratio

    theta^x ((mean m + r) / (theta mean m + r))^(x + r),   r = size + y,   mean = r / (size + n)

so what came before k today says how this day differs. Mixed over theta it is a test martingale
from each k on: over all time it exceeds e^h with a probability below e^-h (Ville). The greatest
over k is an e-detector (Shin, Ramdas and Rinaldo, 2023), of the family of Page's CUSUM and of
Lai's window-limited likelihood ratio: over T minutes fewer than T e^-h alarms are expected where
nothing has changed, however often one looks.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import msgspec

LEFT = {0.02: 0.4, 0.25: 0.15, 0.5: 0.15, 0.7: 0.15, 0.85: 0.15}
"""The parts that may have been left, next to nothing to a little less than usual, and how probable
each is beforehand: what breaks mostly breaks altogether.
"""

BACK_MINUTES = 120
SURE = 1 / 0.06**2
"""Minutes of today say no more than a gamma number of this size: an hour is not like the next."""

BEGINNINGS = (*range(1, 16), *range(16, 41, 2), *range(45, BACK_MINUTES + 1, 5))
"""Minutes ago: each of late, every few minutes longer ago."""

_LOOKED_AT = frozenset(BEGINNINGS)


class Expected(msgspec.Struct, frozen=True):
    """What is usual of a step, as `History.expected` says it."""

    share: float
    size: float  # of the gamma distribution
    spread: float  # variance of the counts by that of Poisson numbers, 1 or more
    delay: float  # minutes
    days: int


class Fall(msgspec.Struct, frozen=True):
    """That fewer come on, since `minutes` ago, the present one included."""

    minutes: int
    came: int
    due: float  # as many as would have arrived if all came on
    expected: float  # of them
    evidence: float  # natural logarithm of the likelihood ratio


def strongest(
    came: Sequence[int], due: Sequence[float], expected: Expected, fall: float
) -> Fall | None:
    """The strongest evidence for a fall by the part `fall` at least. By minute, oldest first, the
    last being the present one: `came`, arrivals at the step; `due`, see `passage`. Twice
    BACK_MINUTES are enough.
    """
    best: Fall | None = None
    all_came, all_due = sum(came), sum(due)
    for minutes, count, through in _since(came, due):
        mean, size = _today(expected, all_came - count, all_due - through)
        usual = mean * expected.share * through
        if count >= (1 - fall) * usual:
            continue
        found = evidence(count / expected.spread, usual / expected.spread, size)
        if best is None or found > best.evidence:
            best = Fall(minutes, count, through, usual, found)
    return best


def evidence(came: float, usual: float, size: float) -> float:
    """Logarithm of the likelihood ratio, mixed over LEFT."""
    known = came + size
    whole = math.log(usual + size)
    terms = [
        came * math.log(part) + known * (whole - math.log(part * usual + size)) + math.log(weight)
        for part, weight in LEFT.items()
    ]
    most = max(terms)
    return most + math.log(sum(math.exp(term - most) for term in terms))


def _today(expected: Expected, came: float, due: float) -> tuple[float, float]:
    """(mean of today's factor, size), after what came before. More than usual is never expected."""
    of = expected.size + came / expected.spread
    mean = of / (expected.size + due * expected.share / expected.spread)
    return min(mean, 1.0), min(of, max(SURE, expected.size))


def _since(came: Sequence[int], due: Sequence[float]) -> Iterator[tuple[int, int, float]]:
    """(minutes, came, due) of the last minutes, for each of BEGINNINGS."""
    count, through = 0, 0.0
    for minutes in range(1, min(BACK_MINUTES, len(came)) + 1):
        count += came[-minutes]
        through += due[-minutes]
        if minutes in _LOOKED_AT:
            yield minutes, count, through
