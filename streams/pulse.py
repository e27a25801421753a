"""Live counts of visitors, events and pages: what a batch of one partition changes in them.

    an event of no bot ───────▶ e of its minute; a, if its device was not there in that minute yet
    of a bot ─────────────────▶ b
    its day becomes a bot's ──▶ what its minutes held goes from e to b, and out of a
    a page view ──────────────▶ its path, without what names a person
    a device has moved on ────▶ l: from the minute of its last event before to that of its last now

`schemas.pulse` says what stands where. All but the pages are functions of the set of a device's
events, however they come, as far as its state tells one repetition from a new event. Four bounds:

- A known crawler leaves no state: what it sends twice counts twice in `b`.
- Events of servers (a backend sends for many) are no behaviour: they stay in `e` also where their
  device's day becomes a bot's. A device that only servers speak of is there (`a`) in the minutes
  in which it was newest.
- A visitor of whom both pages and a web server's log tell is there twice: a log line's pseudonym is
  a device of its own, also where it is joined to a visitor later.
- Page views that came before a day became a bot's stay; there are at most as many as a person can
  make in a minute.

What is older than the live horizon touches nothing; pages, than an hour.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping

from schemas.bot_days import (
    DAY_MS,
    MINUTE_MS,
    MINUTES_A_DAY,
    has_minute,
    minutes_of,
    reason_at,
)
from schemas.device_state import DeviceState
from schemas.event import EnrichedEvent, Event
from schemas.ids import is_for_others
from schemas.pulse import (
    ACTIVE,
    BOTS,
    COUNTS_TTL_MS,
    EVENTS,
    LAST,
    MAX_PATHS,
    PAGES_TTL_MS,
    Kind,
    pulse_field,
)
from schemas.redis_keys import pages_key, pulse_key
from streams.device import live_horizon
from streams.pages import page_path
from streams.records import CounterChange

_VIEWS = ("page", "screen")
_FAILED = 400  # http status


class Pulse:
    """One batch's; `at` tells of which record is what follows."""

    def __init__(self, partition: int) -> None:
        self._partition = partition
        self._counts: dict[Kind, defaultdict[int, int]] = {
            kind: defaultdict(int) for kind in (EVENTS, BOTS, ACTIVE, LAST)
        }
        self._events, self._active = self._counts[EVENTS], self._counts[ACTIVE]
        self._last = self._counts[LAST]
        self._views: dict[int, defaultdict[str, int]] = {}
        self._horizon = self._pages_horizon = 0

    def at(self, record_time: int) -> None:
        """`record_time`: Kafka's, in ms; horizons count from it."""
        self._horizon = live_horizon(record_time) // MINUTE_MS
        self._pages_horizon = (record_time - PAGES_TTL_MS) // MINUTE_MS

    def crawler(self, event: Event) -> None:
        """An event of a known bot, which leaves no state."""
        self._add(BOTS, event.event_time // MINUTE_MS, 1)

    def event(
        self,
        before: DeviceState | None,
        event: Event,
        row: EnrichedEvent,
        minute: int,
        *,
        behaves: bool,
        is_news: bool,
    ) -> None:
        """An event that is no repetition. `before`: its device's state without it. `minute`: its
        own, since 1970. `is_news`: its day has become a bot's by it.
        """
        if not behaves:
            self._of_server(before, event, minute, row.is_bot)
        elif row.is_bot:
            if is_news and before is not None and not reason_at(before.bot_days, event.event_time):
                self._take_back(before, event.event_time // DAY_MS)
            self._add(BOTS, minute, 1)
        elif minute >= self._horizon:
            self._events[minute] += 1
            if before is None or not _was_there(before, minute):
                self._active[minute] += 1
        if minute >= self._pages_horizon and row.type in _VIEWS and not row.is_bot:
            self._view(row, minute)

    def moved(
        self, before: Mapping[str, DeviceState | None], after: Mapping[str, DeviceState | None]
    ) -> None:
        """What became of the devices' states in the record."""
        last, horizon = self._last, self._horizon
        for device, old in before.items():
            new = after.get(device)
            if old is new:
                continue
            stood, stands = last_minute(old), last_minute(new)
            if stood != stands and not is_for_others(device):
                if stood is not None and stood >= horizon:
                    last[stood] -= 1
                if stands is not None and stands >= horizon:
                    last[stands] += 1

    def changes(self) -> Iterator[CounterChange]:
        for kind, minutes in self._counts.items():
            for minute, delta in minutes.items():
                if delta:
                    key = pulse_key(self._partition, minute // 60)
                    yield CounterChange(key, pulse_field(minute, kind), delta, COUNTS_TTL_MS)
        for minute, paths in self._views.items():
            key = pages_key(self._partition, minute)
            for path, views in paths.items():
                yield CounterChange(key, path, views, PAGES_TTL_MS, MAX_PATHS)

    def _add(self, kind: Kind, minute: int, count: int) -> None:
        if minute >= self._horizon:
            self._counts[kind][minute] += count

    def _of_server(
        self, before: DeviceState | None, event: Event, minute: int, is_bot: bool
    ) -> None:
        self._add(EVENTS, minute, 1)
        is_newest = before is None or minute > before.last_seen // MINUTE_MS
        if is_newest and not is_bot and not is_for_others(event.device_id):
            self._add(ACTIVE, minute, 1)

    def _view(self, row: EnrichedEvent, minute: int) -> None:
        """A page that was there: what a scanner asks for in vain would crowd them out."""
        if row.path and row.http_status < _FAILED:
            paths = self._views.get(minute)
            if paths is None:
                paths = self._views[minute] = defaultdict(int)
            paths[page_path(row.path)] += 1

    def _take_back(self, before: DeviceState, day: int) -> None:
        for within, count in minutes_of(before.minutes.get(day, b"")):
            minute = day * MINUTES_A_DAY + within
            self._add(EVENTS, minute, -count)
            self._add(BOTS, minute, count)
            self._add(ACTIVE, minute, -1)


def last_minute(state: DeviceState | None) -> int | None:
    """The minute (since 1970) of a visitor's last event; None where there is none but a bot's."""
    if state is None or not state.seen:
        return None
    if state.bot_days and reason_at(state.bot_days, state.last_seen):
        return None
    return state.last_seen // MINUTE_MS


def _was_there(state: DeviceState, minute: int) -> bool:
    """Whether the device has stood in that minute before."""
    newest = state.last_seen // MINUTE_MS
    if minute >= newest:
        return minute == newest
    day, within = divmod(minute, MINUTES_A_DAY)
    return has_minute(state.minutes.get(day, b""), within)
