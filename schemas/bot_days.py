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
from typing import Protocol

DAY_MS = 86_400_000
MINUTE_MS = 60_000
MAX_DAYS = 64

RATE = "impossible_rate"
ROBOTS_TXT = "reads_robots_txt"

BotDays = dict[int, str]
"""UTC day since 1970 -> why it is flagged: RATE where both are true."""

LARGEST_LIMIT = 250

_ENTRY = struct.Struct(">HB")  # minute of the day, events in it; sorted by minute
_SIZE = _ENTRY.size
_MOST = 255


def add_to_minute(counts: bytes, minute: int) -> tuple[bytes, int]:
    """A day's packed counts with one more event in a minute (0..1439), and how many that makes."""
    at = len(counts) - _SIZE
    while at >= 0:
        there, count = _ENTRY.unpack_from(counts, at)
        if there == minute:
            count = min(count + 1, _MOST)
            return counts[:at] + _ENTRY.pack(minute, count) + counts[at + _SIZE :], count
        if there < minute:
            break
        at -= _SIZE
    at += _SIZE
    return counts[:at] + _ENTRY.pack(minute, 1) + counts[at:], 1


def with_day(days: BotDays, day: int, reason: str) -> BotDays:
    """With one more reason for a day; the same object where it adds nothing."""
    known = days.get(day, "")
    if known in (reason, RATE):
        return days
    kept = sorted({*days, day})[-MAX_DAYS:]
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
