"""Whose a PostHog event is: the device, and the user where it names one.

PostHog has one `distinct_id` for both. In a page `$device_id` is the device, and `distinct_id` the
user once `$user_id` or `$is_identified` says so. A server's `distinct_id` is a user, unless
`$process_person_profile` is false (PostHog's word for an anonymous event) or it is the
`$device_id`; with `$device_id` beside it, that user is on that device.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from ingest.collector import identifiers
from ingest.collector.caller import Caller
from ingest.collector.errors import RefusedEvent
from ingest.collector.identifiers import Identifier
from ingest.collector.protocols.posthog_messages import CaptureEvent, Options
from schemas.reasons import Reason

COOKIELESS = "$posthog_cookieless"
"""The distinct id of everybody who did not consent."""

# As posthog-js makes them for devices; other UUIDs may well be a site's user ids.
_BROWSER_ID = re.compile("[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")


class Who(NamedTuple):
    """'' for what the event does not name."""

    device_id: str
    user_id: str


class Alias(NamedTuple):
    """Two ids of one person: two users, or where `device_id` is set, that device and `user_id`."""

    user_id: str
    previous_id: str
    device_id: str


def who(message: CaptureEvent, said: Mapping[str, object], caller: Caller) -> Who:
    """Raises RefusedEvent for ids that cannot be such."""
    named = distinct_id(message, said)
    if named == COOKIELESS:
        return Who("", "")
    device = identifier(said, "$device_id") or identifier(said, "$anon_distinct_id")
    if caller.server:
        anonymous = is_personless(message.options, said) or (device and device == named)
        if anonymous:
            return Who(identifiers.device_id(device or named), "")
        return Who(identifiers.device_id(device), identifiers.user_id(named))
    identified = said.get("$is_identified") is True or bool(identifier(said, "$user_id"))
    if identified or message.event == "$identify":
        return Who(identifiers.device_id(device), identifiers.user_id(named))
    return Who(identifiers.device_id(device or named), "")


def is_cookieless(message: CaptureEvent, said: Mapping[str, object]) -> bool:
    """Whether the SDK was told to send without the visitor's consent."""
    option = message.options is not None and message.options.cookieless_mode is True
    return (
        option or said.get("$cookieless_mode") is True or distinct_id(message, said) == COOKIELESS
    )


def is_personless(options: Options | None, said: Mapping[str, object]) -> bool:
    if options is not None and options.process_person_profile is not None:
        return not options.process_person_profile
    return said.get("$process_person_profile") is False


def alias(message: CaptureEvent, said: Mapping[str, object], caller: Caller) -> Alias:
    """Of `$create_alias`. Raises RefusedEvent."""
    if not caller.server:
        raise RefusedEvent(Reason.NEEDS_SERVER_KEY, "alias joins two identifiers for good")
    one, other = distinct_id(message, said), identifier(said, "alias")
    if not one or not other:
        raise RefusedEvent(Reason.MISSING_FIELD, "an alias has distinct_id and alias")
    if bool(_BROWSER_ID.fullmatch(one)) != bool(_BROWSER_ID.fullmatch(other)):
        device, user = (one, other) if _BROWSER_ID.fullmatch(one) else (other, one)
        return Alias(identifiers.user_id(user), "", identifiers.device_id(device))
    return Alias(identifiers.user_id(one), identifiers.user_id(other), "")


def distinct_id(message: CaptureEvent, said: Mapping[str, object]) -> str:
    own: Identifier = message.distinct_id
    return _identifier(own) or identifier(said, "distinct_id")


def identifier(said: Mapping[str, object], name: str) -> str:
    return _identifier(said.get(name))


def _identifier(value: object) -> str:
    if isinstance(value, str):
        return value.strip()
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else ""
