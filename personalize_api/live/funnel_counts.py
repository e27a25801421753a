"""Minute counters of live funnels, added up: partitions to an hour, hours to a window.

An hour is kept as what its partitions said last. Of the hours of now, which are read every second,
the counters themselves are kept too, so that only those that changed are looked at.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Mapping
from functools import lru_cache

from schemas.redis_keys import ARRIVED
from schemas.site import Funnel

SHOWN_MINUTES = 60

_APPROXIMATE = -1
"""Stands in a field where a step's number would: a unit had more hits than are kept."""

Hash = Mapping[bytes, bytes]
Cell = tuple[int, str, str]
"""Step, by, value."""


@lru_cache(65_536)  # fields repeat in every partition and hour
def _parse(field: bytes) -> tuple[int, Cell]:
    """Minute of the hour, and what is counted. Raises ValueError."""
    minute, step, by, value = field.decode().split("|", 3)
    if not 0 <= int(minute) < 60:
        raise ValueError(f"no minute {minute}")
    if int(step) < _APPROXIMATE:
        raise ValueError(f"no step {step}")
    return int(minute), (int(step), by, value)


class HourCounts:
    """One funnel's units in one hour, over all partitions."""

    def __init__(self) -> None:
        self.minutes: dict[Cell, array[int]] = {}  # 60 each
        self.sums: dict[Cell, int] = {}
        self.garbled = 0
        self._said: dict[int, Hash] = {}  # by partition; of an hour that is read again and again

    def put(self, partition: int, counters: Hash) -> None:
        """What a partition says now, in the place of what it said before."""
        before = self._said.get(partition, {})
        for field, count in counters.items() - before.items():
            self._add(field, count, before.get(field, b"0"))
        for field in before.keys() - counters.keys():
            self._add(field, b"0", before[field])
        self._said[partition] = counters

    def settle(self) -> None:
        """It is seldom read from now on: `put` is not called any more."""
        self._said = {}

    def _add(self, field: bytes, now: bytes, before: bytes) -> None:
        try:
            minute, cell = _parse(field)
            delta = int(now) - int(before)
            by_minute = self.minutes.get(cell)
            if by_minute is None:
                by_minute = self.minutes[cell] = array("q", bytes(8 * 60))
            by_minute[minute] += delta
            self.sums[cell] = self.sums.get(cell, 0) + delta
        except (ValueError, OverflowError):
            self.garbled += 1


class Tally:
    """Counts of one funnel over a window of whole minutes since 1970, both ends included."""

    def __init__(self, funnel: Funnel, from_minute: int, to_minute: int) -> None:
        self._steps = len(funnel.steps)
        self._from = from_minute
        self._shown_from = to_minute - SHOWN_MINUTES + 1
        self.totals = [0] * self._steps
        self.by: dict[str, dict[str, list[int]]] = {}
        self.entered = [0] * SHOWN_MINUTES
        self.completed = [0] * SHOWN_MINUTES
        self.arrived = [[0] * SHOWN_MINUTES for _ in funnel.steps]
        self.approximate = False
        self.garbled = 0

    def add(self, hour: int, counts: HourCounts) -> None:
        """Adds an hour (since 1970)."""
        self.garbled += counts.garbled
        begins = max(0, self._from - hour * 60)
        if begins >= 60:
            return
        is_shown = hour * 60 + 59 >= self._shown_from
        for cell, whole in counts.sums.items():
            step, by, value = cell
            if not -1 <= step < self._steps:
                self.garbled += 1
            elif by == ARRIVED:
                if is_shown:
                    self._show(hour, counts.minutes[cell], begins, [self.arrived[step]])
            else:
                count = sum(counts.minutes[cell][begins:]) if begins else whole
                if step == _APPROXIMATE:
                    self.approximate = self.approximate or count > 0
                elif by:
                    self._add_value(by, value, step, count)
                else:
                    self.totals[step] += count
                    if is_shown:
                        rows = self._rows(step)
                        self._show(hour, counts.minutes[cell], begins, rows)

    def _add_value(self, by: str, value: str, step: int, count: int) -> None:
        if count:
            values = self.by.setdefault(by, {})
            values.setdefault(value, [0] * self._steps)[step] += count

    def _rows(self, step: int) -> list[list[int]]:
        """Who enters arrives at the first step."""
        rows = [self.entered, self.arrived[0]] if step == 0 else []
        return [*rows, self.completed] if step == self._steps - 1 else rows

    def _show(
        self, hour: int, by_minute: Iterable[int], begins: int, rows: list[list[int]]
    ) -> None:
        for minute, count in enumerate(by_minute):
            shown = hour * 60 + minute - self._shown_from
            if count and minute >= begins and 0 <= shown < SHOWN_MINUTES:
                for row in rows:
                    row[shown] += count
