"""Arrivals by minute as they were when the minute was over: who comes back takes nothing from them.

The stream's counters are of now: who enters a funnel again is moved from the older minute to the
newer one, so a minute of an hour ago says less than it did. What is compared must not depend on how
long ago it was; so the most that was ever seen in a minute is kept. (What comes late is added.)
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

KEPT_MINUTES = 240


class Series(msgspec.Struct):
    """One funnel's. Lists of minutes, oldest first; all steps have equally many."""

    minute: int = 0  # since 1970: the last one, which may not be over yet
    steps: list[list[int]] = []

    def see(self, minute: int, arrived: Sequence[Sequence[int]]) -> None:
        """`arrived`: by step, arrivals of the last minutes, oldest first, `minute` the last."""
        length = len(arrived[0])
        new = minute - self.minute
        if len(self.steps) != len(arrived) or not -length < new < length:
            self.minute, self.steps = minute, [list(step) for step in arrived]
            return
        if new < 0:  # less is known to be complete than was: those minutes will come again
            self.minute, self.steps = minute, [kept[:new] for kept in self.steps]
            new = 0
        for kept, step in zip(self.steps, arrived, strict=True):
            kept.extend([0] * new)
            common = min(len(kept), length)
            for back in range(1, common + 1):
                if step[-back] > kept[-back]:
                    kept[-back] = step[-back]
            del kept[: max(0, len(kept) - KEPT_MINUTES)]
        self.minute = minute
