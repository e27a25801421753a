"""What an `identify` from a server says about a profile of its user."""

from __future__ import annotations

import math
import uuid

import msgspec

from schemas.batch import UNREADABLE
from schemas.event import Event
from schemas.ids import event_uuid, is_identifier
from schemas.profiles import (
    MAX_LIST,
    MAX_NAME,
    MAX_TEXT,
    MAX_VALUE_BYTES,
    AttributeValue,
    Fact,
    Profile,
    Scalar,
)

LEFT_OUT = "trait_left_out"  # a trait whose name or value does not fit
OVER_LIMIT = "profile_over_limit"  # more profiles or attributes than are kept
_MAX_WHOLE = 2**53  # beyond it JSON's numbers are not exact
_SELECTOR = "profile_id"  # says which profile, and is none of its attributes
_SCALARS = (str, int, float, bool)


class Told(msgspec.Struct, frozen=True):
    """Facts of one event; `note` says that some of its traits were left out, or is ''."""

    profile: Profile
    note: str = ""


_decoder = msgspec.json.Decoder(dict[str, object])


def read_profile(event: Event) -> Told | None:
    """The event's traits as facts; None where it speaks of no profile.

    With a page's key nobody does, whatever it sends: it speaks only for its own device.
    """
    if event.type != "identify" or not event.server or not is_identifier(event.user_id):
        return None
    try:
        traits = _decoder.decode(event.properties)
    except UNREADABLE:
        return Told({}, LEFT_OUT)
    event_id = uuid.UUID(event_uuid(event.event_id)).bytes
    profile: Profile = {}
    left_out = False
    for name, said in traits.items():
        if name == _SELECTOR:
            continue
        value = None if said is None else _value(said)
        if (value is None and said is not None) or not _is_name(name):
            left_out = True
        else:
            profile[name] = Fact(event.event_time, event_id, value)
    return Told(profile, LEFT_OUT if left_out else "")


def _is_name(name: str) -> bool:
    return 0 < len(name) <= MAX_NAME and name.isprintable()


def _value(said: object) -> AttributeValue | None:
    """The trait's value; None where it is none that fits."""
    value: AttributeValue | None
    if isinstance(said, list):
        items = [_scalar(item) for item in said[: MAX_LIST + 1]]
        fitting = tuple(item for item in items if item is not None)
        value = fitting if len(fitting) == len(said) <= MAX_LIST else None
    else:
        value = _scalar(said)
    if value is None or len(msgspec.json.encode(value)) > MAX_VALUE_BYTES:
        return None
    return value


def _scalar(said: object) -> Scalar | None:
    if not isinstance(said, _SCALARS):
        return None
    if isinstance(said, str):
        return said if len(said) <= MAX_TEXT else None
    if isinstance(said, int):
        return said if abs(said) <= _MAX_WHOLE else None
    return said if math.isfinite(said) else None
