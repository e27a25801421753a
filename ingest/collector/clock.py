"""When an event happened, seen from our clock (design.md section 4, Event).

All times are integers, milliseconds since 1970 UTC.
"""

from __future__ import annotations

from datetime import UTC, datetime

from ingest.collector.errors import RefusedEvent
from schemas.reasons import Reason

_YEAR_2000 = 946_684_800_000
_SECONDS_BELOW = 100_000_000_000  # as milliseconds this is 1973, so such a number is seconds
_MINUTE = 60_000
_SKEW_FROM = 2 * _MINUTE

Time = str | int | float | None


def skew_of(received_at: int, sent_at: Time) -> int:
    """How far the sender's clock is behind ours: whole minutes, zero below two.

    Rounded so that a resend, which takes a little longer or shorter, gives the same event time.
    A `sent_at` that cannot be read says nothing about the clock: zero.
    """
    if sent_at is None:
        return 0
    try:
        sent = to_milliseconds(sent_at)
    except RefusedEvent:
        return 0
    skew = received_at - sent
    if abs(skew) < _SKEW_FROM:
        return 0
    return (skew + _MINUTE // 2) // _MINUTE * _MINUTE


def event_time(time: Time, skew: int, received_at: int) -> int:
    """The sender's time put right by its skew, never later than arrival; arrival without one.

    Raises RefusedEvent(INVALID_TIME) where it cannot be read or lies before the year 2000.
    """
    if time is None:
        return received_at
    corrected = to_milliseconds(time) + skew
    if corrected < _YEAR_2000:
        raise RefusedEvent(Reason.INVALID_TIME, f"before the year 2000: {str(time)[:64]}")
    return min(corrected, received_at)


def to_milliseconds(time: str | int | float) -> int:
    """ISO 8601 (UTC where no offset is given), or a number of milliseconds or seconds.

    Raises RefusedEvent(INVALID_TIME) for any other text.
    """
    if isinstance(time, str):
        try:
            moment = datetime.fromisoformat(time)
            if moment.tzinfo is None:
                moment = moment.replace(tzinfo=UTC)
            return int(moment.timestamp() * 1000)
        except (ValueError, OverflowError) as error:
            raise RefusedEvent(Reason.INVALID_TIME, f"not a time: {time[:64]}") from error
    return int(time * 1000) if abs(time) < _SECONDS_BELOW else int(time)
