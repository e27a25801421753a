"""What PostHog's events become.

    $pageview                   page
    $screen                     screen, named by `$screen_name`
    $identify, $set, $set_once  identify: `$set` are its traits; `$set_once` is kept, not applied
    $groupidentify              group, with `$group_key` as group_id
    $create_alias               alias of two users, or a login where one id is a browser's own
    $pageleave                  track 'Page Left', with the time since the view as engaged time
    any other                   track, under its own name

One event of theirs may say two things: `companions` are the events that it makes beside its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple
from urllib.parse import urlsplit

import msgspec

from ingest.collector.clock import to_milliseconds
from ingest.collector.errors import RefusedEvent
from ingest.collector.json_text import one_line, read_properties, with_members
from ingest.collector.protocols.posthog_messages import CaptureEvent
from ingest.collector.protocols.posthog_properties import kept, number_of, text_of
from ingest.collector.protocols.posthog_who import identifier
from schemas.event import EMPTY_PROPERTIES, Event, EventType
from schemas.ids import uuid5
from schemas.reasons import Reason

TYPES: dict[str, EventType] = {
    "$pageview": "page",
    "$screen": "screen",
    "$identify": "identify",
    "$set": "identify",
    "$set_once": "identify",
    "$groupidentify": "group",
    "$create_alias": "alias",
    "$merge_dangerously": "alias",
}

_LEFT = "Page Left"
_LONGEST_VIEW_MS = 30 * 60_000  # PostHog counts a tab in the background as well
_RESET_WITHIN_MS = 3_600_000  # each later event tells of the reset, for months
_SET_ONCE = "$set_once"


class Meaning(NamedTuple):
    type: EventType
    name: str
    properties: msgspec.Raw
    engaged_ms: int = 0


def meaning(
    message: CaptureEvent, properties: msgspec.Raw, said: dict[str, object], *, personal: bool
) -> Meaning:
    """What the event is; of the person it says nothing unless `personal`. Raises RefusedEvent."""
    name = message.event
    if not name:
        raise RefusedEvent(Reason.MISSING_FIELD, "an event has an event")
    kind = TYPES.get(name, "track")
    if kind == "identify":
        return Meaning(kind, "", traits(message, properties) if personal else EMPTY_PROPERTIES)
    if kind == "group":
        return Meaning(kind, "", _group(properties, said) if personal else EMPTY_PROPERTIES)
    if kind == "alias":
        return Meaning(kind, "", EMPTY_PROPERTIES)
    left_out = () if personal else ("profile_id",)
    if kind == "page":
        return Meaning(kind, "Page Viewed", kept(properties, "title", *left_out, personal=personal))
    told = kept(properties, *left_out, personal=personal)
    if kind == "screen":
        return Meaning(kind, text_of(said, "$screen_name") or "Screen Viewed", told)
    if name == "$pageleave":
        return Meaning(kind, _LEFT, told, max(_engaged_ms(said), 1))
    return Meaning(kind, name, told)


def traits(message: CaptureEvent, properties: msgspec.Raw) -> msgspec.Raw:
    """`$set` of the properties, over it that of the event; and `$set_once` under its own name.

    The first value wins of `$set_once`, and the last of a profile's facts, so it is none of them.
    Raises RefusedEvent.
    """
    within = _members(properties, "properties")
    found = {
        **_members(within.get("$set", msgspec.Raw()), "$set"),
        **_members(message.set_, "$set"),
    }
    once = {
        **_members(within.get(_SET_ONCE, msgspec.Raw()), _SET_ONCE),
        **_members(message.set_once, _SET_ONCE),
    }
    own = kept(msgspec.Raw(msgspec.json.encode(once)))  # the SDK's own are in columns
    if own == EMPTY_PROPERTIES and not found:
        return EMPTY_PROPERTIES
    members = found if own == EMPTY_PROPERTIES else {**found, _SET_ONCE: own}
    return one_line(msgspec.json.encode(members))


def companions(
    event: Event, message: CaptureEvent, properties: msgspec.Raw, said: dict[str, object]
) -> Iterator[Event]:
    """The events beside `event`, of a recognized visitor. Raises RefusedEvent."""
    if event.server and event.type != "identify" and event.user_id:
        told = traits(message, properties)
        if told is not EMPTY_PROPERTIES:
            yield _beside(event, "set", type="identify", name="", properties=told)
    path = text_of(said, "$prev_pageview_pathname") if event.type == "page" else ""
    if path and (engaged := _engaged_ms(said)):
        # In a single-page application nothing else tells that the view before has ended.
        url = _origin(event.url) + path
        left = {"name": _LEFT, "url": url, "title": "", "engaged_ms": engaged}
        yield _beside(event, "left", type="track", **left)
    if not event.user_id and (at := _clock(said.get("$last_posthog_reset"))):
        since = _clock(message.timestamp) - at  # by the same clock, however wrong
        if 0 <= since <= _RESET_WITHIN_MS:
            yield _beside(
                event,
                "reset",
                type="track",
                name="Logged Out",
                event_time=event.event_time - since,
                event_id=uuid5("posthog", "reset", event.device_id, at),
            )


def referrer_of(said: dict[str, object], url: str) -> str:
    """Where the visitor came from to this page.

    posthog-js keeps the first referrer of a session and sends it with every event of it; it is
    that of the session's first page alone. The pages after it came from inside.
    """
    entry = text_of(said, "$session_entry_url")
    if entry and entry != url:
        return _origin(url) + (text_of(said, "$prev_pageview_pathname") or "/")
    referrer = text_of(said, "$session_entry_referrer") if entry else ""
    referrer = referrer or text_of(said, "$referrer")
    return "" if referrer == "$direct" else referrer


def _group(properties: msgspec.Raw, said: dict[str, object]) -> msgspec.Raw:
    key = identifier(said, "$group_key")
    if not key:
        raise RefusedEvent(Reason.MISSING_FIELD, "$groupidentify has a $group_key")
    within = _members(properties, "properties")
    told, _ = read_properties(within.get("$group_set", msgspec.Raw()), "$group_set")
    names = {"group_id": key, "group_type": text_of(said, "$group_type")}
    return with_members(told, {name: value for name, value in names.items() if value})


def _engaged_ms(said: dict[str, object]) -> int:
    seconds = number_of(said, "$prev_pageview_duration")
    return int(min(max(seconds * 1000, 0), _LONGEST_VIEW_MS))


def _clock(time: object) -> int:
    """Milliseconds of the sender's clock; 0 where it does not say."""
    if not isinstance(time, str) or not time:
        return 0
    try:
        return to_milliseconds(time)
    except RefusedEvent:
        return 0


def _beside(event: Event, what: str, **changes: object) -> Event:
    """A copy of `event` with its own id, which a resend makes again."""
    changes.setdefault("event_id", uuid5("posthog", what, event.event_id))
    changes.setdefault("properties", EMPTY_PROPERTIES)
    return msgspec.structs.replace(event, **changes)


_member_decoder: msgspec.json.Decoder[dict[str, msgspec.Raw]] = msgspec.json.Decoder(
    dict[str, msgspec.Raw]
)


def _members(raw: msgspec.Raw, field: str) -> dict[str, msgspec.Raw]:
    """Raises RefusedEvent where it is neither an object nor nothing."""
    read, decoded = read_properties(raw, field)
    return _member_decoder.decode(read) if decoded else {}


def _origin(url: str) -> str:
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    return f"{parts.scheme}://{parts.netloc}" if parts.netloc else ""
