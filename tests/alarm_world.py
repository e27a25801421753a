"""A site whose funnels are simulated by the ten seconds, to count false alarms and missed breaks.

Traffic has the shape of a day and of a week and grows; of those at a step a share comes on after
an exponential delay; the share has a shape by hour and weekday and differs between days and between
hours. Everything is seeded.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

from personalize_api.alerts.history import WINDOWS, History, HourCounts
from personalize_api.alerts.watch import Seen, Watch, judge

TICKS = 6  # evaluations a minute
DAY = 1440 * TICKS
START_HOUR = 490_824  # a Monday, 0:00 UTC
FALL = 0.2

Counts = npt.NDArray[np.int64]


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


def measured(arrived: Counts, first_hour: int = START_HOUR) -> dict[int, HourCounts]:
    """What `History.measure` finds in whole days, by numpy; the hour by the window's middle."""
    minutes = arrived.reshape(len(arrived), -1, TICKS).sum(axis=2)
    hours = minutes.shape[1] // 60
    found: dict[int, HourCounts] = {
        first_hour + hour: [[(0, 0)] * len(WINDOWS) for _ in arrived[1:]] for hour in range(hours)
    }
    for position, window in enumerate(WINDOWS):
        minutes_seen = minutes.copy()
        if window == 60:
            minutes_seen[:, ::60] = 0  # of the last 60 minutes one is not over
        sums = minutes_seen.reshape(len(arrived), -1, window).sum(axis=2)
        middles = (np.arange(sums.shape[1]) * 2 * window + window) // 120
        for step in range(1, len(arrived)):
            before = np.bincount(middles, sums[step - 1]).astype(int).tolist()
            after = np.bincount(middles, sums[step]).astype(int).tolist()
            for hour, pair in enumerate(zip(before, after, strict=True)):
                found[first_hour + hour][step - 1][position] = pair
    return found


class Raised(NamedTuple):
    step: int
    tick: int
    ended: int  # tick; -1: not yet
    window: int


def run(arrived: Counts, known: int, history: History | None = None) -> list[Raised]:
    """Every alarm after the first `known` days, which are what the history holds at first.

    Later hours become known as they pass, as they do in the service.
    """
    history = history or History(len(arrived), ZoneInfo("UTC"))
    history.load(measured(arrived))
    sums = np.concatenate([np.zeros((len(arrived), 1), np.int64), arrived.cumsum(axis=1)], axis=1)
    alarms = []
    for step in range(1, len(arrived)):
        alarms += _run_step(step, sums, known * DAY, history)
    return sorted(alarms, key=lambda alarm: alarm.tick)


def _run_step(step: int, sums: Counts, first: int, history: History) -> list[Raised]:
    ticks = np.arange(first, sums.shape[1] - 1)
    minutes = START_HOUR * 60 + ticks // TICKS
    seen: list[tuple[Counts, Counts]] = []
    fallen = np.zeros(len(ticks), bool)
    for position, window in enumerate(WINDOWS):
        begin = np.clip((ticks // TICKS - window + 1) * TICKS, 0, None)
        before = sums[step - 1][ticks + 1] - sums[step - 1][begin]
        after = sums[step][ticks + 1] - sums[step][begin]
        seen.append((before, after))
        middles = (minutes * 2 + 1 - window) // 120
        shares = np.array(
            [_share(history, step, position, hour) for hour in range(middles[0], middles[-1] + 1)]
        )
        mean = before * shares[middles - middles[0]]
        # what lies less than three of Poisson's deviations below is never that rare
        fallen |= (after < (1 - FALL) * mean) & ((mean - after) ** 2 >= 9 * mean)
    watch, alarms = Watch(), []
    at = 0
    candidates = np.flatnonzero(fallen)
    while at < len(ticks):
        if not (watch.since or watch.fallen):
            later = np.searchsorted(candidates, at)
            if later == len(candidates):
                break
            at = int(candidates[later])
        minute = int(minutes[at])
        windows = []
        for position, window in enumerate(WINDOWS):
            usual = history.usual(step, position, minute)
            before, after = int(seen[position][0][at]), int(seen[position][1][at])
            if usual is not None and before and minute - window + 1 >= watch.floor:
                windows.append(Seen(window, before, after, usual))
        was = watch.since
        telling = judge(watch, windows, minute, FALL)
        if telling is not None:
            alarms.append(Raised(step, first + at, -1, telling.minutes))
        elif was and not watch.since:
            alarms[-1] = alarms[-1]._replace(ended=first + at)
        at += 1
    return alarms


def _share(history: History, step: int, position: int, hour: int) -> float:
    """Of the window whose middle lies in that hour."""
    usual = history.usual(step, position, (hour * 120 + WINDOWS[position]) // 2)
    return usual.share if usual is not None else 0.0
