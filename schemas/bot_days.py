"""UTC days on which a device was a bot, as a function of the set of its events.

A day is flagged where one minute of it holds more events of the device than a person can make, or
where the device asked for /robots.txt. Counts only grow with the set of events and a flag is never
taken back, so arrival order, repetition and batching cannot matter. A flag holds for the whole
device and day, for what came before it too.

How far this goes: counts are kept as long as the digests that recognize a repeated event (the last
three days the device was seen on). What comes later than that flags no day by its rate. A session
that began on a flagged day counts where it goes on beyond it; whether it does is known to the
minute of its last event only where no other session follows it in the same run.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Protocol

DAY_MS = 86_400_000
MINUTE_MS = 60_000
MINUTES_A_DAY = DAY_MS // MINUTE_MS
MAX_DAYS = 64

RATE = "impossible_rate"
ROBOTS_TXT = "reads_robots_txt"

BotDays = dict[int, str]
"""UTC day since 1970 -> why it is flagged: RATE where both are true."""

LARGEST_LIMIT = 1000

_BITS = 5
_ENTRY = struct.Struct(">H")
_FULL = 2**_BITS - 1  # of an entry: one less than the events it stands for


def add_to_minute(counts: bytes, minute: int) -> tuple[bytes, int]:
    """A day's packed counts with one more event in a minute (0..1439), and how many that makes.

    An entry is two bytes, the minute and up to 32 events in it, sorted; all entries of a minute
    but the last are full.
    """
    at = len(counts)
    if not at or (counts[-2] << 8 | counts[-1]) >> _BITS < minute:
        return counts + _ENTRY.pack(minute << _BITS), 1  # as most events
    while at and (counts[at - 2] << 8 | counts[at - 1]) >> _BITS > minute:
        at -= 2
    if at:
        entry = counts[at - 2] << 8 | counts[at - 1]
        if entry >> _BITS == minute:
            if entry & _FULL < _FULL:
                counts = counts[: at - 2] + _ENTRY.pack(entry + 1) + counts[at:]
                return counts, (entry & _FULL) + 2 + _full_entries(counts, at - 2, minute)
            added = counts[:at] + _ENTRY.pack(minute << _BITS) + counts[at:]
            return added, 1 + _full_entries(counts, at, minute)
    return counts[:at] + _ENTRY.pack(minute << _BITS) + counts[at:], 1


def _full_entries(counts: bytes, at: int, minute: int) -> int:
    """Events of the full entries of a minute that stand before a place."""
    found = 0
    while at and (counts[at - 2] << 8 | counts[at - 1]) >> _BITS == minute:
        found += _FULL + 1
        at -= 2
    return found


def has_minute(counts: bytes, minute: int) -> bool:
    """Whether a day's packed counts hold an event of that minute."""
    at = len(counts)
    while at:
        entry = (counts[at - 2] << 8 | counts[at - 1]) >> _BITS
        if entry <= minute:
            return entry == minute
        at -= 2
    return False


def minutes_of(counts: bytes) -> Iterator[tuple[int, int]]:
    """(minute, events in it) of a day's packed counts, each minute once, sorted."""
    found: dict[int, int] = {}
    for at in range(0, len(counts), 2):
        entry = counts[at] << 8 | counts[at + 1]
        found[entry >> _BITS] = found.get(entry >> _BITS, 0) + (entry & _FULL) + 1
    return iter(found.items())


def with_day(days: BotDays, day: int, reason: str) -> BotDays:
    """With one more reason for a day, of the newest; the same object where it adds nothing."""
    known = days.get(day, "")
    if known in (reason, RATE):
        return days
    kept = sorted({*days, day})[-MAX_DAYS:]
    if day not in kept:
        return days
    return {each: reason if each == day else days[each] for each in kept}


def reason_at(days: BotDays, time_ms: int) -> str:
    """Why the device counts as a bot at that time, '' where it does not."""
    return days.get(time_ms // DAY_MS, "") if days else ""


def spans_outside(days: BotDays, until_ms: int) -> list[tuple[int, int]]:
    """The times (ms, inclusive) up to `until_ms` that lie on no flagged day."""
    spans, since = [], 0
    for day in sorted(days):
        if day * DAY_MS > since:
            spans.append((since, day * DAY_MS - 1))
        since = (day + 1) * DAY_MS
    return [*spans, (since, until_ms)] if since <= until_ms else spans


class _Sessions(Protocol):
    """What is asked of a device's state."""

    @property
    def runs(self) -> tuple[tuple[int, int], ...]: ...
    @property
    def starts(self) -> tuple[int, ...]: ...
    @property
    def bot_days(self) -> BotDays: ...


def counted_starts(state: _Sessions) -> tuple[int, ...]:
    """Session starts (ms, sorted) without the sessions that lie on flagged days altogether."""
    if not state.bot_days:
        return state.starts
    kept = []
    for index, start in enumerate(state.starts):
        last = next((last for first, last in state.runs if first <= start <= last), start)
        if index + 1 < len(state.starts):
            last = min(last, state.starts[index + 1] - 1)
        if any(day not in state.bot_days for day in range(start // DAY_MS, last // DAY_MS + 1)):
            kept.append(start)
    return tuple(kept)
