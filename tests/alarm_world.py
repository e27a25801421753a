"""A site whose funnels are simulated by the ten seconds, to count false alarms and missed breaks.

Traffic has the shape of a day and of a week and grows; of those at a step a share comes on after
an exponential delay; the share has a shape by hour and weekday and differs between days and between
hours. Everything is seeded.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
from scipy.signal import lfilter

from personalize_api.alerts import watch as watching
from personalize_api.alerts.change_point import BACK_MINUTES, BEGINNINGS
from personalize_api.alerts.history import History
from personalize_api.alerts.hours import Hour, StepHour
from personalize_api.alerts.passage import DELAYS, MOST_OF_BEFORE
from personalize_api.alerts.watch import Watch, judge, step_of
from personalize_api.live.funnels import NOW_MINUTES

TICKS = 6  # evaluations a minute
DAY = 1440 * TICKS
START_HOUR = 490_824  # a Monday, 0:00 UTC
FALL = 0.2

Counts = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


class Shape(NamedTuple):
    """A funnel: visitors a minute at the first step, and of each later step (share, minutes)."""

    a_minute: float
    steps: Sequence[tuple[float, float]]


_WAY = ((0.35, 2), (0.4, 4), (0.65, 3), (0.85, 2))
SITE = tuple(Shape(a_minute, _WAY) for a_minute in (200, 60, 20, 6, 2))
"""Five funnels of five steps."""


class Break(NamedTuple):
    """From this tick on, for so many ticks, only `left` of those who come to `step` get there."""

    step: int
    at: int
    ticks: int
    left: float


class Noise(NamedTuple):
    """Relative standard deviations of a share."""

    day: float = 0.06
    hour: float = 0.03


def simulate(
    shape: Shape,
    days: int,
    random: np.random.Generator,
    noise: Noise = Noise(),  # noqa: B008
    broken: Break | None = None,
) -> Counts:
    """Arrivals by step and tick."""
    ticks = np.arange(days * DAY)
    clock, day = (ticks % DAY) / DAY, ticks // DAY
    of_day = 0.15 + 0.85 * np.clip(np.sin((clock - 0.27) * np.pi * 1.25), 0, None)
    weekend = day % 7 >= 5
    traffic = shape.a_minute / TICKS * 2 * of_day * np.where(weekend, 1.3, 1.0) * 1.005**day
    a_day = np.exp(random.normal(0, 0.1, days))[day]
    arrived = [random.poisson(traffic * a_day).astype(np.int64)]
    for step, (share, minutes) in enumerate(shape.steps, 1):
        usual = share * (1 + 0.1 * np.sin(2 * np.pi * clock + step)) * np.where(weekend, 0.9, 1.0)
        usual = usual * np.exp(random.normal(0, noise.day, days))[day]
        usual = usual * np.exp(random.normal(0, noise.hour, days * 24))[ticks // (60 * TICKS)]
        going = random.binomial(arrived[-1], np.clip(usual, 0, 0.98))
        left = np.repeat(ticks, going)
        later = left + random.exponential(minutes * TICKS, len(left))
        come = np.bincount(later.astype(np.int64), minlength=len(ticks))[: len(ticks)]
        if broken is not None and broken.step == step:
            during = slice(broken.at, broken.at + broken.ticks)
            come[during] = random.binomial(come[during], broken.left)
        arrived.append(come)
    return np.array(arrived)


def measured(arrived: Counts, first_hour: int = START_HOUR) -> dict[int, Hour]:
    """What `History.measure` and `History.close` find in whole days, by numpy."""
    minutes = arrived.reshape(len(arrived), -1, TICKS).sum(axis=2)
    hours = minutes.shape[1] // 60
    shown = minutes.reshape(len(arrived), -1, NOW_MINUTES).sum(axis=2)
    middles = (np.arange(shown.shape[1]) * 2 * NOW_MINUTES + NOW_MINUTES) // 120
    by_hour = minutes.reshape(len(arrived), hours, 60)
    found = {
        first_hour + hour: Hour([StepHour() for _ in arrived[1:]], int(by_hour[0, hour].sum()))
        for hour in range(hours)
    }
    for step in range(1, len(arrived)):
        before = np.bincount(middles, shown[step - 1]).astype(int).tolist()
        after = np.bincount(middles, shown[step]).astype(int).tolist()
        came = by_hour[step].sum(axis=1)
        due = np.array([Way(minutes[step - 1], delay).due for delay in DELAYS])
        due = due.reshape(len(DELAYS), hours, 60)
        through = due.sum(axis=2)
        shares = came / np.maximum(through, 1e-9)
        misfit = ((by_hour[step] - shares[:, :, None] * due) ** 2).sum(axis=2)
        for hour in range(hours):
            found[first_hour + hour].steps[step - 1] = StepHour(
                before[hour],
                after[hour],
                int(came[hour]),
                through[:, hour].round(1).tolist(),
                misfit[:, hour].round(1).tolist(),
            )
    return found


class Way:
    """`passage.due` of all minutes, by numpy."""

    def __init__(self, left: Counts, delay: float) -> None:
        self._left, self._delay = left, delay
        if not delay:
            self.due = left.astype(float)
            return
        stays = math.exp(-1 / delay)
        waits = delay * (1 - stays)
        first = waits * left[:15].mean() / (1 - stays)
        later = lfilter([waits], [1, -stays], left[:-1], zi=[stays * first])[0]
        self.waiting = np.concatenate([[first], later])  # when a minute begins
        self.due = (1 - waits) * left + (1 - stays) * self.waiting

    def so_far(self, minute: Counts, part: Floats, left: Counts) -> Floats:
        """Of `part` of a minute in which so many have `left`."""
        if not self._delay:
            return left.astype(float)
        gone = 1 - np.exp(-part / self._delay)
        due: Floats = (1 - self._delay / part * gone) * left + gone * self.waiting[minute]
        return due


class Raised(NamedTuple):
    step: int
    tick: int
    ended: int  # tick; -1: not yet
    minutes: int  # since then


def run(arrived: Counts, known: int, history: History | None = None) -> list[Raised]:
    """Every alarm after the first `known` days, which are what the history holds at first.

    Later hours become known as they pass, as they do in the service.
    """
    history = history or History(len(arrived), ZoneInfo("UTC"))
    history.load(measured(arrived))
    alarms = []
    for step in range(1, len(arrived)):
        alarms += _run_step(step, arrived, known * DAY, history)
    return sorted(alarms, key=lambda alarm: alarm.tick)


def _run_step(step: int, arrived: Counts, first: int, history: History) -> list[Raised]:
    minutes = arrived.reshape(len(arrived), -1, TICKS)
    so_far, whole = minutes.cumsum(axis=2), minutes.sum(axis=2)
    at = _candidates(step, so_far, whole, first, history)
    watch, alarms = Watch(), []
    tick, position = first, 0
    while tick < arrived.shape[1]:
        if not (watch.since or watch.fallen):
            position = int(np.searchsorted(at, tick))
            if position == len(at):
                break
            tick = int(at[position])
        minute, second = divmod(tick, TICKS)
        at_minute = START_HOUR * 60 + minute
        expected = history.expected(step, at_minute)
        left, came = (
            [*past[max(0, minute - 2 * BACK_MINUTES) : minute].tolist(), int(now[minute, second])]
            for past, now in zip(whole[step - 1 :], so_far[step - 1 : step + 1], strict=False)
        )
        was = watch.since
        looked = step_of(left, came, (second + 1) / TICKS, expected) if expected else None
        told = judge(watch, looked, at_minute, FALL)
        if told is not None:
            alarms.append(Raised(step, tick, -1, told.minutes))
        elif was and not watch.since:
            alarms[-1] = alarms[-1]._replace(ended=tick)
        tick += 1
    return alarms


def _candidates(step: int, so_far: Counts, whole: Counts, first: int, history: History) -> Counts:
    """The ticks at which there may be an alarm: where the evidence would do if today were known to
    be as usual, since nothing then is stronger.
    """
    ticks = np.arange(first, so_far.shape[1] * TICKS)
    minute, second = ticks // TICKS, ticks % TICKS
    hours = (START_HOUR * 60 + minute - 10) // 60
    known = [history.expected(step, hour * 60 + 10) for hour in range(hours[0], hours[-1] + 1)]
    shares = np.array([each.share if each else 0.0 for each in known])[hours - hours[0]]
    delays = np.array([each.delay if each else 0.0 for each in known])[hours - hours[0]]
    left, came = so_far[step - 1, minute, second], so_far[step, minute, second]
    found = np.zeros(len(ticks), bool)
    before = np.concatenate([[0], whole[step].cumsum()])
    for delay in set(delays.tolist()):
        way = Way(whole[step - 1], delay)
        mine = np.flatnonzero(delays == delay)
        at = minute[mine]
        part = way.so_far(at, (second[mine] + 1) / TICKS, left[mine])
        part = np.minimum(part, MOST_OF_BEFORE * (left[mine] + 1))
        judged = np.minimum(way.due, MOST_OF_BEFORE * (whole[step - 1] + 1))
        due = np.concatenate([[0.0], judged.cumsum()])
        for length in BEGINNINGS:
            begin = np.maximum(at - length + 1, 0)
            count = came[mine] + before[at] - before[begin]
            usual = shares[mine] * (part + due[at] - due[begin])
            ratio = np.maximum(count, 1e-9) / np.maximum(usual, 1e-9)
            strong = count * np.log(ratio) + usual - count >= 0.9 * watching.EVIDENCE
            found[mine] |= strong & (count < (1 - FALL) * usual)
    return ticks[found]
