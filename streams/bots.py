"""Bots by what they do: days on which a device was faster than persons are, or read robots.txt.

What a flag means, and how far it is independent of order, stands in `schemas.bot_days`. Earlier
events of a flagged day are corrected, later ones are emitted as a bot's, and neither is in what
the device contributes to anybody. Events of servers are not counted: a backend sends for many.
"""

from __future__ import annotations

from collections.abc import Container
from copy import copy

from schemas import activity
from schemas.bot_days import (
    DAY_MS,
    MINUTES_A_DAY,
    RATE,
    ROBOTS_TXT,
    add_to_minute,
    counted_starts,
    reason_at,
    spans_outside,
    with_day,
)
from schemas.device_state import DeviceState
from schemas.event import Event
from schemas.ids import is_for_others
from schemas.messages import Correction
from streams.evidence import between
from streams.steps.split_url import split_url

_ROBOTS_PATH = "/robots.txt"


def is_behaviour(event: Event) -> bool:
    """Whether it says what a visitor did: what servers say for many does not."""
    return not event.server and not is_for_others(event.device_id)


def note_behaviour(state: DeviceState, event: Event, minute: int, max_a_minute: int) -> bool:
    """Adds what a visitor did, and did not do before, to `state`; whether its day has got a reason
    by that. `minute`: of the event, since 1970.
    """
    day = minute // MINUTES_A_DAY
    days = state.bot_days
    if _ROBOTS_PATH in event.url and split_url(event.url)[1] == _ROBOTS_PATH:
        days = with_day(days, day, ROBOTS_TXT)
    if days.get(day) != RATE and day in state.seen:
        known = state.minutes
        counts, count = add_to_minute(known.get(day, b""), minute % MINUTES_A_DAY)
        only = len(known) == 1 and day in known
        state.minutes = {day: counts} if only else {**_of_days(state.seen, known), day: counts}
        if count > max_a_minute:
            days = with_day(days, day, RATE)
            del state.minutes[day]  # nothing can be added to that
    if days is state.bot_days:
        return False
    state.bot_days = days
    return True


def _of_days(days: Container[int], minutes: dict[int, bytes]) -> dict[int, bytes]:
    return {day: counts for day, counts in minutes.items() if day in days}


def taken_back(state: DeviceState, event: Event, version: int) -> Correction:
    """Says of all events of the event's device and day that they are a bot's.

    `state` then no longer holds what they meant for anybody.
    """
    day = event.event_time // DAY_MS
    outside = spans_outside(state.bot_days, state.last_seen)
    state.evidence = between(state.evidence, outside)
    state.orders = tuple(each for each in state.orders if not _is_flagged(state, each.time))
    state.activity = activity.within(state.activity, outside)
    return Correction(
        device_id=event.device_id,
        what="bot",
        since=day * DAY_MS,
        until=(day + 1) * DAY_MS - 1,
        person_id=None,
        session_id=None,
        version=version,
        bot_reason=state.bot_days[day],
    )


def without_bot_days(state: DeviceState) -> DeviceState | None:
    """The device as it counts for others: without flagged days; None where nothing is left."""
    if not state.bot_days:
        return state
    starts = counted_starts(state)
    ends = [at for run in state.runs for at in run if not _is_flagged(state, at)]
    if not (starts or state.past_sessions or state.orders or ends) and all(
        _is_flagged(state, at) for at in (state.first_seen, state.last_seen)
    ):
        return None
    left = copy(state)
    left.starts = starts
    if _is_flagged(state, state.first_seen):
        left.first_seen = min([*ends, state.last_seen])
    if _is_flagged(state, state.last_seen):
        left.last_seen = max([*ends, left.first_seen])
    return left


def _is_flagged(state: DeviceState, time_ms: int) -> bool:
    return bool(reason_at(state.bot_days, time_ms))
