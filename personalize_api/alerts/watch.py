"""Whether a step has fallen out of its usual range: one decision every ten seconds.

An alarm is raised when, twice in a row, the evidence that fewer come on (`change_point`) exceeds
`EVIDENCE`, and by at least the fall that is worth an alarm. It ends with hysteresis: when the
shortest window that would surely show this fall shows none, not even at the 5 % level, for two
minutes and for half of its own length; what is judged later begins after it. Decision 0019 has the
simulations by which `EVIDENCE` was chosen.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import msgspec

from personalize_api.alerts.change_point import BACK_MINUTES, Expected, Fall, strongest
from personalize_api.alerts.passage import judged
from personalize_api.alerts.usual import Usual, lower_tail

EVIDENCE = 11.0
RAISE_AFTER = 2
RESOLVE_AFTER = 12
"""Evaluations in a row, one every ten seconds."""

ENDING_WINDOWS = (2, 5, 15, 60)
"""Minutes."""

_A_MINUTE = 6
_BACK = 0.05
_POWER = 0.001
_LOOKED_AT_MINUTES = 2 * BACK_MINUTES


class Seen(msgspec.Struct, frozen=True):
    """One window: how many were due in it if all came on, how many came, and what is usual."""

    minutes: int
    due: float
    came: int
    usual: Usual

    def would_show(self, share: float) -> bool:
        """Whether it is long enough to tell a share so small from the usual one."""
        return lower_tail(self.due, math.floor(share * self.due), self.usual) < _POWER

    def is_back(self) -> bool:
        return lower_tail(self.due, self.came, self.usual) > _BACK


class Watch(msgspec.Struct):
    """What is remembered of one step between evaluations."""

    fallen: int = 0  # evaluations in a row
    back: int = 0
    since: int = 0  # the minute in which it fell; 0: all is well
    share: float = 0.0  # when it was raised
    floor: int = 0  # what lay before this minute was told, and is mended
    raised: int = 0  # the minute in which the alarm was raised
    whom: bool = False  # whether it was told for whom


class Step(msgspec.Struct, frozen=True):
    """What is to be judged: arrivals of the last minutes, oldest first, and what is usual."""

    came: Sequence[int]
    due: Sequence[float]
    expected: Expected


def step_of(left: Sequence[int], came: Sequence[int], part: float, expected: Expected) -> Step:
    """`part`: how much of the last minute is over, above 0."""
    left, came = left[-_LOOKED_AT_MINUTES:], came[-_LOOKED_AT_MINUTES:]
    return Step(came, judged(left, expected.delay, part), expected)


def judge(
    watch: Watch, step: Step | None, minute: int, fall: float, evidence: float = EVIDENCE
) -> Fall | None:
    """Moves the watch by one evaluation. Returns what raises an alarm, when it does.

    `step`: None while nothing is known to be usual. `fall`: the smallest part that is worth one.
    """
    if step is None:
        watch.fallen = 0
        return None
    if watch.since:
        _look_for_the_end(watch, _windows(step), minute)
        return None
    found = _fallen(watch, step, minute, fall, evidence)
    watch.fallen = watch.fallen + 1 if found else 0
    if found is None or watch.fallen < RAISE_AFTER:
        return None
    watch.fallen = watch.back = 0
    watch.since, watch.raised = minute - found.minutes + 1, minute
    watch.share = found.came / found.due
    return found


def _fallen(watch: Watch, step: Step, minute: int, fall: float, evidence: float) -> Fall | None:
    """The strongest evidence, where it is strong enough, of what came after the last alarm."""
    length = min(len(step.came), minute - watch.floor + 1)
    if length <= 0:
        return None
    found = strongest(step.came[-length:], step.due[-length:], step.expected, fall)
    return found if found is not None and found.evidence >= evidence else None


def _windows(step: Step) -> list[Seen]:
    usual = Usual(step.expected.share, 1 / step.expected.size, step.expected.days)
    return [
        Seen(length, sum(step.due[-length:]), sum(step.came[-length:]), usual)
        for length in ENDING_WINDOWS
    ]


def _look_for_the_end(watch: Watch, seen: Sequence[Seen], minute: int) -> None:
    telling = next((window for window in seen if window.would_show(watch.share)), None)
    if telling is None:
        return  # too little traffic to know: it stays
    watch.back = watch.back + 1 if telling.is_back() else 0
    if watch.back >= max(RESOLVE_AFTER, telling.minutes * _A_MINUTE // 2):
        watch.since = watch.raised = watch.back = 0
        watch.whom = False
        watch.floor = minute - telling.minutes + 1
