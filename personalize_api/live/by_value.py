"""How many units of each value of a breakdown stand at each step, of those who entered lately.

The numbers only grow, but for who is moved or taken back; so what they grew by since a moment is
who came to a step since then, which the minutes of entry that stand in the counters do not tell.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

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


def entered(
    hours: Mapping[int, HourCounts | None], field: str, first: int, last: int
) -> dict[str, list[int]]:
    """Units by value and minute of entry, from `first` to `last` (since 1970); `hours` likewise."""
    found: dict[str, list[int]] = {}
    for hour, counts in hours.items():
        for (step, by, value), minutes in counts.minutes.items() if counts is not None else ():
            if by == field and step == 0:
                row = found.setdefault(value, [0] * (last - first + 1))
                for minute, count in enumerate(minutes, hour * 60):
                    if first <= minute <= last:
                        row[minute - first] = count
    return found
