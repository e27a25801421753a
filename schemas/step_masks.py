"""What an event is to one funnel, in one integer: which of its steps it satisfies, what it breaks.

The first step is 0.
"""

from __future__ import annotations

STEPS = 0xFFFF  # bit i: satisfies step i
ENTERS = 1 << 16  # of a funnel in any order: its `by` fields follow, whatever step it is
WITHOUT_SHIFT = 16  # bit 16+i: of an ordered funnel, what step i (from 1) is `without`
BREAK = 1 << 31  # of a strict funnel: alone it is an event that satisfies no step
AGAIN = 1 << 33  # of a strict funnel, counted up: the same at the same time, by another event
MOST_AGAIN = 15


def enters(mask: int) -> bool:
    """Whether it is an entry, so that the values of the funnel's `by` fields follow."""
    return bool(mask & (1 | ENTERS))


def may_repeat(mask: int) -> bool:
    """Whether two such events in one millisecond say more than one does."""
    return bool(mask & BREAK and mask & STEPS) and mask // AGAIN < MOST_AGAIN
