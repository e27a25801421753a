"""Whether a step has fallen out of its usual range: one decision every ten seconds.

An alarm is raised when, three evaluations in a row, some window holds fewer arrivals than all but
one in a hundred thousand such windows would (`ALPHA`), and by at least the fall that is worth an
alarm fewer than usual. It ends with hysteresis: when the shortest window that would surely show
this fall shows none, not even at the 5 % level, for two minutes and for half of its own length.
`ALPHA` was chosen by simulation (decision 0019): less than one false alarm a week on a site with 5
funnels of 5 steps.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import msgspec

from personalize_api.alerts.history import WINDOWS, History
from personalize_api.alerts.usual import Usual, lower_tail

ALPHA = 1e-5
RAISE_AFTER = 3
RESOLVE_AFTER = 12
"""Evaluations in a row, one every ten seconds."""

_A_MINUTE = 6
_BACK = 0.05
_POWER = 0.001


class Seen(msgspec.Struct, frozen=True):
    """One window: what was seen, and what is usual."""

    minutes: int
    before: int
    after: int
    usual: Usual

    @property
    def expected(self) -> float:
        return self.before * self.usual.share

    def has_fallen(self, fall: float) -> bool:
        """`fall`: the smallest relative fall that is worth an alarm."""
        if self.after >= (1 - fall) * self.expected:
            return False
        return lower_tail(self.before, self.after, self.usual) < ALPHA

    def would_show(self, share: float) -> bool:
        """Whether it is long enough to tell a share so small from the usual one."""
        return lower_tail(self.before, math.floor(share * self.before), self.usual) < _POWER

    def is_back(self) -> bool:
        return lower_tail(self.before, self.after, self.usual) > _BACK


class Watch(msgspec.Struct):
    """What is remembered of one step between evaluations."""

    fallen: int = 0  # evaluations in a row
    back: int = 0
    since: int = 0  # the minute in which it fell; 0: all is well
    share: float = 0.0  # when it was raised
    floor: int = 0  # windows begin here or later: what lay before was told, and is mended
    raised: int = 0  # the minute in which the alarm was raised


def windows(
    step: int, minute: int, arrived: Sequence[Sequence[int]], history: History, floor: int
) -> list[Seen]:
    """The windows up to now of which something is usual, shortest first. Shapes as `measure`."""
    found = []
    before = after = 0
    taken = 0
    for position, length in enumerate(WINDOWS):
        while taken < length:
            taken += 1
            before += arrived[step - 1][-taken]
            after += arrived[step][-taken]
        usual = history.usual(step, position, minute)
        if usual is not None and before and minute - length + 1 >= floor:
            found.append(Seen(length, before, after, usual))
    return found


def judge(watch: Watch, seen: Sequence[Seen], minute: int, fall: float) -> Seen | None:
    """Moves the watch by one evaluation. Returns the window that raises an alarm, when it does."""
    if watch.since:
        _look_for_the_end(watch, seen, minute)
        return None
    fallen = next((window for window in seen if window.has_fallen(fall)), None)
    watch.fallen = watch.fallen + 1 if fallen else 0
    if fallen is None or watch.fallen < RAISE_AFTER:
        return None
    watch.fallen = watch.back = 0
    watch.since = watch.raised = minute
    watch.share = fallen.after / fallen.before
    return fallen


def _look_for_the_end(watch: Watch, seen: Sequence[Seen], minute: int) -> None:
    telling = next((window for window in seen if window.would_show(watch.share)), None)
    if telling is None:
        return  # too little traffic to know: it stays
    watch.back = watch.back + 1 if telling.is_back() else 0
    if watch.back >= max(RESOLVE_AFTER, telling.minutes * _A_MINUTE // 2):
        watch.since = watch.raised = watch.back = 0
        watch.floor = minute - telling.minutes + 1


def fell_at(
    step: int, minute: int, arrived: Sequence[Sequence[int]], usual: Usual, minutes: int
) -> int:
    """The minute from which on a smaller share explains the last hour best (Poisson likelihood)."""
    best, at = 0.0, minute - minutes + 1
    before = after = 0
    for back in range(1, len(arrived[step]) + 1):
        before += arrived[step - 1][-back]
        after += arrived[step][-back]
        if not before:
            continue
        share = after / before
        gain = (usual.share - share) * before
        if share > 0:
            gain += after * math.log(share / usual.share)
        if share < usual.share and gain > best:
            best, at = gain, minute - back + 1
    return at
