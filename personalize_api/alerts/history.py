"""What a funnel's steps usually say at this hour: past hours as they were seen live.

Not the settled counts of those hours: who comes back later is moved from an older minute to a newer
one, so a settled count is no like of a live one. Two things are kept of an hour. The windows that
the page shows are measured as they close. And when the hour is over: how many came to each step,
how many were due there if all came on, for each delay that the way may take, and how well that
delay explains the single minutes. Only until that has been done for some days the stream's settled
counts stand in, with a doubt of their own.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from itertools import pairwise
from typing import TypeVar, cast
from zoneinfo import ZoneInfo

import msgspec

from personalize_api.alerts.change_point import Expected
from personalize_api.alerts.hours import Hour, StepHour
from personalize_api.alerts.passage import DELAYS, due
from personalize_api.alerts.series import Series
from personalize_api.alerts.usual import Day, Usual, usual_of
from personalize_api.live.funnels import NOW_MINUTES

KEPT_DAYS = 36
LEARN_HOURS = 2
"""With fewer measured hours nothing is called usual."""

_SETTLED_DOUBT = 0.25
_SETTLED_DELAY = 2.0
_SETTLED_SPREAD = 1.2

_LEAST_DAYS = 3
_LEAST_ARRIVALS = 30
_EVERYTHING = 12
_AT_LEAST_MINUTES = 90
"""An hour is measured where that many minutes up to its end were seen: those due in it left before
it began.
"""

_WAY_HOURS = 168
_MANY = 1e6
"""As many as could arrive in an hour, of whom some do: a share so small is a Poisson number's."""

_HOLIDAYS_DOUBT = 0.25
_MOST_REMEMBERED = 512
_SPREAD_WORTH = 100.0
_MOST_SPREAD = 5.0


class Pool(msgspec.Struct, frozen=True):
    """A choice of past hours: how far from this hour, and what it costs in certainty."""

    spread: int  # hours to either side
    same_kind: bool  # only workdays for a workday, only weekends for a weekend
    doubt: float


POOLS = (
    Pool(0, True, 0.0),
    Pool(0, False, 0.05),
    Pool(1, True, 0.05),
    Pool(2, False, 0.10),
    Pool(_EVERYTHING, False, 0.30),
)
"""The first that has enough days and arrivals is taken; the last needs neither three days."""

T = TypeVar("T")
Pair = tuple[float, float]
Of = Callable[[Hour], Pair]
"""(as many as could come, as many as came) of an hour."""


class History:
    """The measured hours of one funnel."""

    def __init__(self, steps: int, zone: ZoneInfo, holidays: Collection[str] = ()) -> None:
        """`holidays`: ISO dates."""
        self.steps = steps
        self.holidays = frozenset(holidays)
        self._holidays = {date.fromisoformat(day).toordinal() for day in self.holidays}
        self._zone = zone
        self.hours: dict[int, Hour] = {}  # by hours since 1970
        self._local: dict[int, tuple[int, int, bool]] = {}
        self._by_clock: list[set[int]] = [set() for _ in range(24)]
        self._known: dict[tuple[object, ...], object] = {}
        self._settled: History | None = None

    def load(self, hours: Mapping[int, Hour]) -> None:
        """Takes what was measured before; what has another number of steps is left out."""
        for hour, measured in hours.items():
            if len(measured.steps) == self.steps - 1:
                self._by_clock[self._place(hour)[1]].add(hour)
                self.hours[hour] = measured
        self._known.clear()

    @property
    def needs_settled(self) -> bool:
        """Whether there are too few days to do without settled counts."""
        return len({self._place(hour)[0] for hour in self.hours}) <= _LEAST_DAYS

    def load_settled(self, hours: Mapping[int, Sequence[int]]) -> None:
        """Arrivals by step, by hours since 1970, as the stream has counted them."""
        self._settled = History(self.steps, self._zone, self.holidays)
        self._settled.load(
            {
                hour: Hour(
                    [StepHour(b, a, a, [float(b)] * len(DELAYS)) for b, a in pairwise(arrived)],
                    arrived[0],
                )
                for hour, arrived in hours.items()
            }
        )
        self._known.clear()

    def measure(
        self, minute: int, arrived: Sequence[Sequence[int]], until: int, skip: Iterable[int] = ()
    ) -> set[int]:
        """Adds the shown windows that closed after minute `until`, up to the beginning of `minute`.

        `arrived`: by step, arrivals of the last minutes, oldest first, `minute` the last.
        `skip`: steps (from 1) that are not as usual now. Returns the hours that have changed.
        """
        wanted = [step for step in range(1, self.steps) if step not in set(skip)]
        changed: set[int] = set()
        first = minute - len(arrived[0]) + 1
        for closed in range(max(until + 1, first + NOW_MINUTES), minute + 1):
            if closed % NOW_MINUTES:
                continue
            hour = (closed * 2 - NOW_MINUTES) // 120
            changed.add(hour)
            measured = self._at(hour)
            seen = slice(closed - NOW_MINUTES - first, closed - first)
            for step in wanted:
                counts = measured.steps[step - 1]
                counts.before += sum(arrived[step - 1][seen])
                counts.after += sum(arrived[step][seen])
        return changed

    def close(
        self, hour: int, series: Series, skip: Collection[int], sources: Mapping[str, int]
    ) -> bool:
        """Measures an hour that is over; `skip` as in `measure`, 0 being the first step. Returns
        whether enough of it was seen.
        """
        beyond = series.minute - (hour * 60 + 59)
        first = len(series.steps[0]) - beyond - _AT_LEAST_MINUTES
        if first < 0:
            return False
        seen = slice(first, len(series.steps[0]) - beyond)
        measured = self._at(hour)
        measured.entered = -1 if 0 in skip else sum(series.steps[0][seen][-60:])
        measured.sources = dict(sources)
        for step in set(range(1, self.steps)) - set(skip):
            left, came = series.steps[step - 1][seen], series.steps[step][seen][-60:]
            counts = measured.steps[step - 1]
            counts.came, counts.due, counts.misfit = sum(came), [], []
            for delay in DELAYS:
                expected = due(left, delay)[-60:]
                counts.due.append(round(sum(expected), 1))
                counts.misfit.append(round(_misfit(came, expected), 1))
        self._forget(hour)
        self._known.clear()
        return True

    def usual(self, step: int, minute: int) -> Usual | None:
        """Of the shown window that ends in `minute`; None: still learning."""
        hour = (minute * 2 + 1 - NOW_MINUTES) // 120

        def shown(measured: Hour) -> Pair:
            return measured.steps[step - 1].before, measured.steps[step - 1].after

        return self._remembered(("usual", step, hour), lambda: self._of_hour(hour, shown))

    def expected(self, step: int, minute: int) -> Expected | None:
        """Of those who are due at a step; None: still learning."""
        hour = (minute - 10) // 60  # the minutes that count most are some minutes ago
        return self._remembered(("due", step, hour), lambda: self._expected(step, hour))

    def entering(self, hour: int, source: str | None = None) -> Usual | None:
        """Arrivals at the first step in a minute of that hour as the `share`; None: not known."""

        def entered(measured: Hour) -> Pair:
            count = measured.entered
            if source is not None and count >= 0:
                count = measured.sources.get(source, 0)
            return (0.0, 0.0) if count < 0 else (_MANY, count)

        return self._remembered(("in", source, hour), lambda: self._entering(hour, entered))

    def sources(self, hour: int) -> set[str]:
        """Where visitors came from in that hour of the days before."""
        days = (self.hours.get(hour - 24 * day) for day in range(1, 8))
        return {source for measured in days if measured is not None for source in measured.sources}

    def _entering(self, hour: int, of: Of) -> Usual | None:
        for pool in POOLS[:-1]:
            days = self._days(hour, pool, of)
            if len(days) >= _LEAST_DAYS and sum(day.after for day in days) >= _LEAST_ARRIVALS:
                usual = usual_of(days, math.hypot(pool.doubt, self._doubt_of_day(hour)))
                return usual and msgspec.structs.replace(usual, share=usual.share * _MANY / 60)
        return None

    def _expected(self, step: int, hour: int) -> Expected | None:
        day = hour // 24
        delay, spread = self._remembered(("way", step, day), lambda: self._way(step, day * 24))
        at = DELAYS.index(delay)

        def coming(measured: Hour) -> Pair:
            counts = measured.steps[step - 1]
            return (counts.due[at], counts.came) if counts.due else (0.0, 0.0)

        usual = self._of_hour(hour, coming)
        if usual is None:
            return None
        return Expected(usual.share, 1 / usual.cv2, spread, delay, usual.days)

    def _way(self, step: int, now: int) -> tuple[float, float]:
        """(the delay that explains the minutes best, how much more they spread than Poisson's)."""
        misfit, came = [0.0] * len(DELAYS), 0
        for hour in range(now - _WAY_HOURS, now + 24):
            if hour not in self.hours:
                continue
            counts = self.hours[hour].steps[step - 1]
            if len(counts.misfit) == len(DELAYS):
                came += counts.came
                misfit = [a + b for a, b in zip(misfit, counts.misfit, strict=True)]
        if not came:
            return _SETTLED_DELAY, _SETTLED_SPREAD
        best = misfit.index(min(misfit))
        spread = (misfit[best] + _SPREAD_WORTH) / (came + _SPREAD_WORTH)
        return DELAYS[best], min(max(spread, 1.0), _MOST_SPREAD)

    def _of_hour(self, hour: int, of: Of) -> Usual | None:
        usual = self._usual(hour, of)
        if usual is None and self._settled is not None:
            usual = self._settled._usual(hour, of, _SETTLED_DOUBT)
        return usual

    def _usual(self, now: int, of: Of, doubt: float = 0.0) -> Usual | None:
        for pool in POOLS:
            days = self._days(now, pool, of)
            enough = len(days) >= _LEAST_DAYS
            if pool is POOLS[-1]:
                enough = len(self.hours) >= LEARN_HOURS
            if enough and sum(day.after for day in days) >= _LEAST_ARRIVALS:
                return usual_of(days, math.hypot(pool.doubt, doubt, self._doubt_of_day(now)))
        return None

    def _doubt_of_day(self, hour: int) -> float:
        return _HOLIDAYS_DOUBT if self._place(hour)[0] in self._holidays else 0.0

    def _days(self, now: int, pool: Pool, of: Of) -> list[Day]:
        """The pooled hours by local day. Of everything, the hours of today count too."""
        today, clock, weekend = self._place(now)
        clocks = {(clock + apart) % 24 for apart in range(-pool.spread, pool.spread + 1)}
        found: dict[int, Pair] = {}
        for hour in (hour for at in clocks for hour in self._by_clock[at]):
            day, _, kind = self._place(hour)
            if hour >= now or (pool.same_kind and kind != weekend):
                continue
            if day in self._holidays and today not in self._holidays:
                continue
            if day == today and pool.spread < _EVERYTHING:
                continue
            before, after = of(self.hours[hour])
            if before:
                total = found.get(day, (0.0, 0.0))
                found[day] = (total[0] + before, total[1] + after)
        return [Day(max(today - day, 0), *counts) for day, counts in sorted(found.items())]

    def _at(self, hour: int) -> Hour:
        if hour not in self.hours:
            self.hours[hour] = Hour([StepHour() for _ in range(1, self.steps)])
            self._by_clock[self._place(hour)[1]].add(hour)
        return self.hours[hour]

    def _remembered(self, key: tuple[object, ...], work_out: Callable[[], T]) -> T:
        if key not in self._known:
            if len(self._known) > _MOST_REMEMBERED:
                self._known.clear()
            self._known[key] = work_out()
        return cast(T, self._known[key])

    def _place(self, hour: int) -> tuple[int, int, bool]:
        """(local day, hour of it, whether it is a weekend's or a holiday's) of an hour."""
        place = self._local.get(hour)
        if place is None:
            local = datetime.fromtimestamp(hour * 3600, UTC).astimezone(self._zone)
            place = (
                local.toordinal(),
                local.hour,
                local.weekday() >= 5 or local.toordinal() in self._holidays,
            )
            self._local[hour] = place
        return place

    def _forget(self, now: int) -> None:
        for hour in [hour for hour in self.hours if hour < now - KEPT_DAYS * 24]:
            self._by_clock[self._place(hour)[1]].discard(hour)
            del self.hours[hour], self._local[hour]


def _misfit(came: Sequence[int], expected: Sequence[float]) -> float:
    through = sum(expected)
    share = sum(came) / through if through else 0.0
    return sum((a - share * d) ** 2 for a, d in zip(came, expected, strict=True))
