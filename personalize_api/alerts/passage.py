"""How long units take from one step to the next, and so how many would arrive if all came on.

Those who left a step a moment ago have not had time to arrive at the next. The way is taken as
exponential with a mean of `delay` minutes, those of a minute as spread evenly over it. With the
arrivals at a step known minute by minute, the number that would arrive at the next if all did
follows by one recursion; times the usual share it is the mean of a Poisson number (a Poisson
stream, thinned and displaced, is one), much nearer than the arrivals of the same window are.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

DELAYS = (0.0, 1.0, 2.0, 3.0, 5.0, 8.0, 13.0)
"""Mean minutes of the way, of which a step's history says which fits best."""

MOST_OF_BEFORE = 1.5
"""`judged`: no more is due in a minute than of so many times those who left in it, and one more."""

_STEADY_MINUTES = 15
"""What came before the first minute is taken to have been as in the first so many."""


def due(left: Sequence[int], delay: float, part: float = 1.0) -> list[float]:
    """How many would arrive in each minute if all who `left` the step before came on.

    `part`: how much of the last minute is over, above 0.
    """
    if not delay:
        return [float(count) for count in left]
    if not left:
        return []
    stays = math.exp(-1 / delay)
    at_once = 1 - delay * (1 - stays)  # of those of a minute, within it
    waits = 1 - at_once  # at the end of it
    first = left[:_STEADY_MINUTES]
    waiting = waits * sum(first) / len(first) / (1 - stays)
    found = []
    for count in left[:-1]:
        found.append(at_once * count + (1 - stays) * waiting)
        waiting = waits * count + stays * waiting
    at_once = 1 - delay / part * (1 - math.exp(-part / delay))
    found.append(at_once * left[-1] + (1 - math.exp(-part / delay)) * waiting)
    return found


def judged(left: Sequence[int], delay: float, part: float) -> list[float]:
    """The same, by which a step is judged: where nobody comes to the step before, the site is away,
    and those who were on their way are no reason to say that this step is broken.
    """
    return [
        min(count, MOST_OF_BEFORE * (before + 1))
        for count, before in zip(due(left, delay, part), left, strict=True)
    ]
