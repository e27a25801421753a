"""Which identifiers a server's event says are its user's, and by which it may be known alone.

With a server key, `identify` with `email_verified: true` beside `email` (or `phone_verified`
beside `phone`) and `Order Completed` with an `order_id` claim that identifier for the user. An
event that names neither user nor device is stored under the first such identifier it has.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec

from ingest.collector.errors import RefusedEvent
from schemas.batch import UNREADABLE
from schemas.event import Claim, Event
from schemas.identifiers import KINDS, Kind, node_of, normalized
from schemas.ids import is_identifier
from schemas.reasons import Reason

_VERIFIED: Mapping[Kind, tuple[str, ...]] = {
    "email": ("email_verified",),
    "phone": ("phone_verified", "phone_number_verified"),
}
_NAMES: Mapping[Kind, tuple[str, ...]] = {
    "email": ("email",),
    "phone": ("phone", "phone_number"),
    "order_id": ("order_id",),
}

_decoder = msgspec.json.Decoder(dict[str, object])


def claims_of(event: Event, secret: str) -> list[Claim]:
    """What the event claims. Raises RefusedEvent(NEEDS_SERVER_KEY) where a page's key does so."""
    if event.type == "identify":
        kinds: tuple[Kind, ...] = ("email", "phone")
    elif event.server and event.type == "track" and event.name == "Order Completed":
        kinds = ("order_id",)
    else:
        return []
    if event.consent != "granted" or not is_identifier(event.user_id):
        return []
    said = _decoded(event)
    return list(_claims(event, said, kinds, secret)) if said else []


def _claims(
    event: Event, said: Mapping[str, object], kinds: tuple[Kind, ...], secret: str
) -> Iterator[Claim]:
    for kind in kinds:
        verified = _verified(kind, said)
        value = _identifier(kind, said)
        if not value or not (verified or event.revoke):
            continue
        if not event.server:
            raise RefusedEvent(Reason.NEEDS_SERVER_KEY, f"a verified {kind} is said by a server")
        yield Claim(
            device_id=node_of(kind, value, secret),
            what=kind,
            value=value,
            user_id=event.user_id,
            event_time=event.event_time,
            event_id=event.event_id,
            revoked=event.revoke,
        )


def node_in(secret: str, *said: Mapping[str, object]) -> str:
    """The node under which an event is stored that names only such an identifier; '' for none."""
    for kind in KINDS:
        for names in said:
            if value := _identifier(kind, names):
                return node_of(kind, value, secret)
    return ""


def _verified(kind: Kind, said: Mapping[str, object]) -> bool:
    if kind == "order_id":
        return True
    return any(said.get(name) is True for name in _VERIFIED[kind])


def _identifier(kind: Kind, said: Mapping[str, object]) -> str:
    for name in _NAMES[kind]:
        value = normalized(kind, said.get(name))
        if value and is_identifier(value):
            return value
    return ""


def _decoded(event: Event) -> dict[str, object]:
    try:
        return _decoder.decode(event.properties)
    except UNREADABLE:
        return {}
