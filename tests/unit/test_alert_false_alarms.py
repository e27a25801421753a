"""Alarms over simulated weeks: hardly any without a break, soon where there is one.

Decision 0019 has the figures of many more weeks, and how to run them.
"""

from __future__ import annotations

import numpy as np
import pytest

from tests.alarm_world import DAY, SITE, TICKS, Break, Noise, Raised, run, simulate


def alarms(seed: int, known: int, weeks: int, noise: Noise) -> list[Raised]:
    """Of a site with five funnels of four watched steps, from 400 visitors a minute to 4."""
    found = []
    for position, shape in enumerate(SITE):
        random = np.random.default_rng([seed, position])
        found += run(simulate(shape, known + 7 * weeks, random, noise), known)
    return found


def test_less_than_one_false_alarm_a_week() -> None:
    assert len(alarms(1, known=28, weeks=1, noise=Noise())) <= 1


def test_nor_where_days_and_hours_differ_much() -> None:
    assert len(alarms(2, known=28, weeks=1, noise=Noise(day=0.10, hour=0.05))) <= 1


def test_nor_in_the_first_week_of_a_site() -> None:
    assert len(alarms(3, known=1, weeks=1, noise=Noise())) <= 1


@pytest.mark.parametrize(
    ("position", "step", "left", "minutes"),
    [
        (0, 2, 0.0, 0.8),  # about 100 a minute at the step before, 40 at the step
        (1, 2, 0.0, 1.5),  # 35
        (2, 2, 0.0, 3.5),  # 10
        (3, 2, 0.0, 14.0),  # 3
        (0, 2, 0.5, 10.0),
        (1, 2, 0.5, 20.0),
        (2, 1, 0.5, 40.0),
    ],
)
def test_a_break_is_told_in_time_and_when_it_is_over(
    position: int, step: int, left: float, minutes: float
) -> None:
    at, ticks = 28 * DAY + 14 * 60 * TICKS, 60 * TICKS
    taken = []
    for seed in range(2):
        broken = Break(step, at, ticks, left)
        arrived = simulate(SITE[position], 29, np.random.default_rng([9, seed]), broken=broken)
        found = [alarm for alarm in run(arrived, 28) if alarm.step == step and alarm.tick >= at]
        assert len(found) == 1, "one break is one alarm"
        taken.append((found[0].tick - at) / TICKS)
        assert at + ticks < found[0].ended < at + ticks + 60 * TICKS
    assert max(taken) <= minutes, taken
