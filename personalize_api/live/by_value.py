"""How many units of each value of a breakdown stand at each step, of those who entered lately.

The numbers only grow, but for who is moved or taken back; so what they grew by since a moment is
who came to a step since then, which the minutes of entry that stand in the counters do not tell.
"""

from __future__ import annotations

from collections.abc import Iterable

from personalize_api.live.funnel_counts import HourCounts
from schemas.redis_keys import ARRIVED

ByValue = dict[tuple[str, str], list[int]]
"""(field, value) -> a number a step."""


def by_value(hours: Iterable[HourCounts | None], steps: int) -> ByValue:
    """Over these hours of entry."""
    found: ByValue = {}
    for counts in hours:
        for (step, by, value), count in counts.sums.items() if counts is not None else ():
            if by and by != ARRIVED and 0 <= step < steps:
                found.setdefault((by, value), [0] * steps)[step] += count
    return found
