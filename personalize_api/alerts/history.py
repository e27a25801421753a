"""What a funnel's steps usually say at this hour: past hours as this very statistic saw them.

Not the settled counts of those hours: who comes back later is moved from an older minute to a newer
one, and who stays at a step for longer than a window stands in its last minute, so a settled count
is no like of a live one, nor a long window of a short one. Hence each window is measured by itself,
end to end, when it closes, and kept by the hour of its middle. Only until that has been done for
some days the stream's settled counts stand in, for the long windows, with a doubt of their own.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

import msgspec

from personalize_api.alerts.usual import Day, Usual, usual_of

WINDOWS = (2, 5, 15, 60)
"""Minutes. A hard break shows in the short ones, a soft one, or little traffic, in the long."""

KEPT_DAYS = 36
LEARN_HOURS = 6
"""With fewer measured hours nothing is called usual."""

_SETTLED_FROM = 2  # among WINDOWS
_SETTLED_DOUBT = 0.25

_LEAST_DAYS = 3
_LEAST_ARRIVALS = 30
_EVERYTHING = 12

Pair = tuple[int, int]
"""(arrivals at the step before, arrivals at the step)."""

HourCounts = list[list[Pair]]
"""By step, from the second on; by window, as in WINDOWS."""

_encode = msgspec.json.encode
_decoder = msgspec.json.Decoder(HourCounts)


def encode_hour(counts: HourCounts) -> bytes:
    return _encode(counts)


def decode_hour(blob: bytes) -> HourCounts:
    """Raises msgspec.MsgspecError."""
    return _decoder.decode(blob)


def no_counts(steps: int) -> HourCounts:
    return [[(0, 0) for _ in WINDOWS] for _ in range(steps - 1)]


class Pool(msgspec.Struct, frozen=True):
    """A choice of past hours: how far from this hour, and what it costs in certainty."""

    spread: int  # hours to either side
    same_kind: bool  # only workdays for a workday, only weekends for a weekend
    doubt: float


_POOLS = (
    Pool(0, True, 0.0),
    Pool(0, False, 0.05),
    Pool(1, True, 0.05),
    Pool(2, False, 0.10),
    Pool(_EVERYTHING, False, 0.30),
)
"""The first that has enough days and arrivals is taken; the last needs neither three days."""


class History:
    """The measured hours of one funnel."""

    def __init__(self, steps: int, zone: ZoneInfo) -> None:
        self.steps = steps
        self._zone = zone
        self.hours: dict[int, HourCounts] = {}  # by hours since 1970
        self._local: dict[int, tuple[int, int, bool]] = {}
        self._by_clock: list[set[int]] = [set() for _ in range(24)]
        self._known: dict[tuple[int, int, int], Usual | None] = {}
        self._settled: History | None = None

    def load(self, hours: Mapping[int, HourCounts]) -> None:
        """Takes what was measured before; what has another number of steps is left out."""
        for hour, counts in hours.items():
            if len(counts) == self.steps - 1 and all(len(c) == len(WINDOWS) for c in counts):
                self._at(hour)
                self.hours[hour] = counts
        self._known.clear()

    @property
    def needs_settled(self) -> bool:
        """Whether there are too few days to do without settled counts."""
        return len({self._place(hour)[0] for hour in self.hours}) <= _LEAST_DAYS

    def load_settled(self, hours: Mapping[int, Sequence[int]]) -> None:
        """Arrivals by step, by hours since 1970, as the stream has counted them."""
        self._settled = History(self.steps, self._zone)
        self._settled.load(
            {
                hour: [[pair] * len(WINDOWS) for pair in pairwise(arrived)]
                for hour, arrived in hours.items()
            }
        )
        self._known.clear()

    def measure(
        self, minute: int, arrived: Sequence[Sequence[int]], until: int, skip: Iterable[int] = ()
    ) -> set[int]:
        """Adds the windows that closed after minute `until`, up to the beginning of `minute`.

        `arrived`: by step, arrivals of the last 60 minutes, oldest first, `minute` the last.
        `skip`: steps (from 1) that are not as usual now. Returns the hours that have changed.
        """
        wanted = [step for step in range(1, self.steps) if step not in set(skip)]
        changed: set[int] = set()
        for closed in range(max(until + 1, minute - 59), minute + 1):
            for position, window in enumerate(WINDOWS):
                first = max(closed - window - minute + 59, 0)
                if closed % window or closed - window < minute - 60:
                    continue
                hour = (closed * 2 - window) // 120
                counts = self._at(hour)
                changed.add(hour)
                for step in wanted:
                    before, after = counts[step - 1][position]
                    seen = slice(first, closed - minute + 59)
                    counts[step - 1][position] = (
                        before + sum(arrived[step - 1][seen]),
                        after + sum(arrived[step][seen]),
                    )
        self._forget(minute // 60)
        return changed

    def usual(self, step: int, window: int, minute: int) -> Usual | None:
        """Of a window (an index of WINDOWS) that ends in `minute`; None: still learning."""
        hour = (minute * 2 + 1 - WINDOWS[window]) // 120
        key = (step, window, hour)
        if key not in self._known:
            if len(self._known) > 4 * self.steps * len(WINDOWS):
                self._known.clear()
            usual = self._usual(step, window, hour)
            if usual is None and self._settled is not None and window >= _SETTLED_FROM:
                usual = self._settled._usual(step, window, hour, _SETTLED_DOUBT)
            self._known[key] = usual
        return self._known[key]

    def _at(self, hour: int) -> HourCounts:
        counts = self.hours.get(hour)
        if counts is None:
            counts = self.hours[hour] = no_counts(self.steps)
            self._by_clock[self._place(hour)[1]].add(hour)
        return counts

    def _usual(self, step: int, window: int, now: int, doubt: float = 0.0) -> Usual | None:
        for pool in _POOLS:
            days = self._days(step, window, now, pool)
            enough = len(days) >= _LEAST_DAYS
            if pool is _POOLS[-1]:
                enough = len(self.hours) >= LEARN_HOURS
            if enough and sum(day.after for day in days) >= _LEAST_ARRIVALS:
                return usual_of(days, math.hypot(pool.doubt, doubt))
        return None

    def _days(self, step: int, window: int, now: int, pool: Pool) -> list[Day]:
        """The pooled hours by local day. Of everything, the hours of today count too."""
        today, clock, weekend = self._place(now)
        clocks = {(clock + apart) % 24 for apart in range(-pool.spread, pool.spread + 1)}
        found: dict[int, tuple[int, int]] = {}
        for hour in (hour for at in clocks for hour in self._by_clock[at]):
            day, _, kind = self._place(hour)
            if hour >= now or (pool.same_kind and kind != weekend):
                continue
            if day == today and pool.spread < _EVERYTHING:
                continue
            before, after = self.hours[hour][step - 1][window]
            if before:
                total = found.get(day, (0, 0))
                found[day] = (total[0] + before, total[1] + after)
        return [Day(max(today - day, 0), *counts) for day, counts in sorted(found.items())]

    def _place(self, hour: int) -> tuple[int, int, bool]:
        """(local day, hour of it, whether it is a weekend's) of an hour since 1970."""
        place = self._local.get(hour)
        if place is None:
            local = datetime.fromtimestamp(hour * 3600, UTC).astimezone(self._zone)
            place = (local.toordinal(), local.hour, local.weekday() >= 5)
            self._local[hour] = place
        return place

    def _forget(self, now: int) -> None:
        for hour in [hour for hour in self.hours if hour < now - KEPT_DAYS * 24]:
            self._by_clock[self._place(hour)[1]].discard(hour)
            del self.hours[hour], self._local[hour]
