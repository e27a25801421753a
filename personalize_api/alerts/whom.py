"""For whom a step broke: values of a breakdown that lost it while the others did not.

Of a field, each value's arrivals since the step fell are Poisson numbers, each with as many
expected as its share of the day says. Sorted by what was kept, the values fall in two groups where
that explains the numbers best; those of the first are named if they kept less than half of what the
others did, by a likelihood ratio that is no accident.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import NamedTuple

from personalize_api.live.by_value import ByValue
from schemas.funnel_result import StepResult

MOST_TOLD = 2
_LEAST_EXPECTED = 3.0
_APART = 0.5
"""Those concerned keep at most this part of what the others keep of their usual share."""

_EVIDENCE = 5.0
"""Natural logarithm of the likelihood ratio, and as much more as there are ways to part them."""


class Kept(NamedTuple):
    value: str
    came: float
    expected: float


def counts_of(by: Mapping[str, Mapping[str, Sequence[StepResult]]]) -> ByValue:
    """A funnel's breakdowns as counts."""
    return {
        (field, value): [step.count for step in steps]
        for field, values in by.items()
        for value, steps in values.items()
    }


def whom(now: ByValue, day: ByValue, step: int) -> list[str]:
    """Sentences, those of the clearest difference first; none where all are concerned alike.

    `now`: of those who came lately; `day`: of all, who say what would be expected.
    """
    found = []
    for field in sorted({field for field, _ in now}):
        lost, evidence = _parted(_kept(field, now, day, step))
        if lost:
            names = ", ".join(each.value or "none" for each in lost)
            found.append((evidence, f"where {field} is {names}; not for others"))
    return [text for _, text in sorted(found, reverse=True)[:MOST_TOLD]]


def _kept(field: str, now: ByValue, day: ByValue, step: int) -> list[Kept]:
    """The values of which enough were expected."""
    kept = []
    for key, row in now.items():
        before, after = day[key][step - 1 : step + 1] if key in day else (0, 0)
        expected = row[step - 1] * after / before if before else 0.0
        if key[0] == field and expected >= _LEAST_EXPECTED:
            kept.append(Kept(key[1], row[step], expected))
    return kept


def _parted(kept: Sequence[Kept]) -> tuple[list[Kept], float]:
    """(those that lost it, the most expected first, and how sure that is); ([], 0) if none."""
    if len(kept) < 2:
        return [], 0.0
    order = sorted(kept, key=lambda each: each.came / each.expected)
    came = list(accumulate(each.came for each in order))
    expected = list(accumulate(each.expected for each in order))
    best, at = 0.0, 0
    for first in range(1, len(order)):
        low = came[first - 1] / expected[first - 1]
        rest = (came[-1] - came[first - 1], expected[-1] - expected[first - 1])
        if low >= _APART * rest[0] / rest[1]:
            continue
        gain = (
            _likelihood(came[first - 1], expected[first - 1])
            + _likelihood(*rest)
            - _likelihood(came[-1], expected[-1])
        )
        if gain > best:
            best, at = gain, first
    if best < _EVIDENCE + math.log(len(order) - 1):
        return [], 0.0
    return sorted(order[:at], key=lambda each: -each.expected), best


def _likelihood(came: float, expected: float) -> float:
    return came * math.log(came / expected) if came else 0.0
