"""Many simulated weeks of alarms: `python -m tests.benchmarks.alarm_weeks [SITES]`.

The figures of decision 0019; minutes on two cores. The tests run a few of these weeks.
"""

from __future__ import annotations

import statistics
import sys
from collections.abc import Iterable, Iterator

import numpy as np

from tests.alarm_world import DAY, SITE, TICKS, Break, Noise, run, simulate

_WEEKS = 4


def false_alarms(sites: int, known: int, noise: Noise, weeks: int = _WEEKS) -> int:
    """Of so many sites, each with so many weeks after `known` days of history."""
    return sum(
        len(run(simulate(shape, known + 7 * weeks, np.random.default_rng([s, p]), noise), known))
        for s in range(sites)
        for p, shape in enumerate(SITE)
    )


def minutes_to_tell(position: int, step: int, left: float, times: int) -> list[float]:
    """From a break at 14:00, which stays, to its alarm; inf where there is none in 6 hours."""
    at = 28 * DAY + 14 * 60 * TICKS
    taken = []
    for seed in range(times):
        broken = Break(step, at, 6 * 60 * TICKS, left)
        random = np.random.default_rng([77, seed])
        alarms = run(simulate(SITE[position], 29, random, broken=broken), 28)
        told = [a.tick for a in alarms if a.step == step and at <= a.tick < at + 6 * 60 * TICKS]
        taken.append((told[0] - at) / TICKS if told else float("inf"))
    return taken


def report(sites: int) -> Iterator[str]:
    for name, known, noise, weeks in (
        ("four weeks known, days differ by 6 %, hours by 3 %", 28, Noise(), _WEEKS),
        ("four weeks known, days differ by 10 %, hours by 5 %", 28, Noise(0.10, 0.05), _WEEKS),
        ("the first week", 1, Noise(), 1),
    ):
        found = false_alarms(sites, known, noise, weeks)
        yield f"{name}: {found} false alarms in {sites * weeks} weeks"
    for left in (0.0, 0.5):
        for position, shape in enumerate(SITE):
            for step in (1, 2, 3):
                taken = minutes_to_tell(position, step, left, 2 * sites)
                yield (
                    f"{shape.a_minute:g} a minute, step {step}, {left:.0%} left: {_shown(taken)}"
                )


def _shown(taken: Iterable[float]) -> str:
    times = sorted(taken)
    return f"median {statistics.median(times):.1f} min, longest {times[-1]:.1f} min"


if __name__ == "__main__":
    for line in report(int(sys.argv[1]) if len(sys.argv) > 1 else 10):
        sys.stdout.write(line + "\n")
        sys.stdout.flush()
