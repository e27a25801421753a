"""Events that another system collected: a batch with `"historical_migration": true`.

The name is PostHog's. Such an event arrives at its own time, as a log line does: it is not late,
its session forms by its own time, and live counters take it only inside the live horizon. What it
becomes depends on nothing but its text, so that the same history sent again adds nothing.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from ingest.collector.caller import Caller
from ingest.collector.clock import Time, event_time
from ingest.collector.errors import RefusedEvent
from ingest.collector.pseudonym import DAY_MS
from schemas.batch import UNREADABLE
from schemas.ids import uuid5
from schemas.reasons import Reason


def require_server(caller: Caller) -> None:
    """Raises RefusedEvent(NEEDS_SERVER_KEY): a page cannot say when something arrived."""
    if not caller.server:
        raise RefusedEvent(Reason.NEEDS_SERVER_KEY, "historical_migration")


def moment(time: Time, received_at: int) -> int:
    """When it happened, and arrived: the sender's clock as it is, never after `received_at`.

    Raises RefusedEvent: MISSING_FIELD without a time, which would make it an event of now;
    INVALID_TIME.
    """
    if time is None:
        raise RefusedEvent(Reason.MISSING_FIELD, "an event of history has a timestamp")
    return event_time(time, 0, received_at)


def event_id(site: str, message: msgspec.Raw) -> str:
    """The id of an event whose sender gave it none: equal text is the same event."""
    return uuid5("history", site, bytes(message).decode(errors="replace"))


class _Timed(msgspec.Struct):
    timestamp: Time = None
    originalTimestamp: Time = None


_decoder = msgspec.json.Decoder(_Timed)


def days_of(messages: Iterable[msgspec.Raw], received_at: int) -> set[int]:
    """UTC days (since 1970) of the messages' times; what cannot be read has none."""
    days = set()
    for message in messages:
        try:
            timed = _decoder.decode(message)
            days.add(moment(timed.timestamp or timed.originalTimestamp, received_at) // DAY_MS)
        except (RefusedEvent, *UNREADABLE):
            continue  # gathering it says what is wrong with it
    return days
