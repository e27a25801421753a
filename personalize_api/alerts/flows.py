"""Who came to each step in each minute, by the values of the breakdowns: for whom a step broke.

Counters of a breakdown stand in the minute of entry; what they grew by from one evaluation to the
next is who came meanwhile. It is known as long as one process leads, and is lost with it.
"""

from __future__ import annotations

from personalize_api.live.by_value import ByValue

KEPT_MINUTES = 120
ENTERED_HOURS = 1
"""Who entered before the hour that was so many hours ago and comes on now is not seen here: only
these hours are read at every evaluation.
"""


class Flows:
    """One funnel's."""

    def __init__(self, steps: int) -> None:
        self._steps = steps
        self._minutes: dict[int, ByValue] = {}
        self._before: ByValue | None = None
        self._first_hour = 0

    def see(self, minute: int, first_hour: int, counts: ByValue) -> None:
        """`counts`: now, of those who entered in `first_hour` or later."""
        before, self._before = self._before, counts
        if before is None or first_hour != self._first_hour:
            # what is counted now is not what was counted before: the next difference says more
            self._first_hour = first_hour
            self._minutes.setdefault(minute, {})
            return
        came = self._minutes.setdefault(minute, {})
        for key, now in counts.items():
            known = before.get(key)
            grown = [a - b for a, b in zip(now, known, strict=True)] if known else list(now)
            if any(grown):
                row = came.setdefault(key, [0] * self._steps)
                for step, count in enumerate(grown):
                    row[step] += count
        for old in [old for old in self._minutes if old <= minute - KEPT_MINUTES]:
            del self._minutes[old]

    @property
    def since(self) -> int:
        """The first minute (since 1970) of which something is known."""
        return min(self._minutes, default=0)

    def of(self, key: tuple[str, str], step: int, until: int) -> list[int]:
        """Arrivals at a step a minute, up to `until`, oldest first."""
        nobody = [0] * self._steps
        return [
            max(0, self._minutes.get(minute, {}).get(key, nobody)[step])
            for minute in range(self.since, until + 1)
        ]

    def sums(self, first: int) -> ByValue:
        """Of the minutes from `first` on."""
        found: ByValue = {}
        for minute, came in self._minutes.items():
            if minute >= first:
                for key, row in came.items():
                    total = found.setdefault(key, [0] * self._steps)
                    for step, count in enumerate(row):
                        total[step] += count
        return found
