"""The one-touch view: what the live state holds about the visitor behind one identifier."""

from __future__ import annotations

import asyncio
from typing import Literal

import msgspec

from personalize_api.errors import NotThere, StateUnavailable
from personalize_api.profile_view import PersonView, person_view
from personalize_api.state_reader import StateReader, Unreachable
from personalize_api.visitors import (
    GarbledState,
    Owner,
    decode_device,
    decode_person,
    describe,
    owner_now,
    profile_of_state,
    profiles_of,
)
from schemas.event import person_of_device, person_of_user
from schemas.funnel_result import iso_time
from schemas.identifiers import KINDS, Kind, node_of, normalized
from schemas.identity import OVER
from schemas.profiles import AttributeValue, attributes
from schemas.purchases import orders_of
from schemas.redis_keys import DeviceState, PersonState, device_key, person_key
from schemas.site import Site, VisitorClass

IdentifierKind = Literal["cookie", "user_id", "person_id", "email", "phone", "order_id"]

_PATIENCE_S = 2.0
_MAX_IDENTIFIER = 256


class DeviceView(msgspec.Struct, kw_only=True):
    """One device. Times are ISO 8601, UTC; of its sessions the newest have their starts."""

    device_id: str
    first_seen: str
    last_seen: str
    session_starts: list[str]
    past_sessions: int
    orders: list[str]
    logins: list[LoginView]


class LoginView(msgspec.Struct, kw_only=True):
    """One day's logins of one user ('' : logouts)."""

    user_id: str
    first: str
    last: str


class PersonDeviceView(msgspec.Struct, kw_only=True):
    """What one device contributes to the person."""

    device_id: str
    first_seen: str
    last_seen: str
    sessions: int
    orders: int


class ProfileView(msgspec.Struct, kw_only=True):
    """What servers have told of one profile; profile_id '' is the account's own."""

    profile_id: str
    attributes: dict[str, AttributeValue]


class OneTouch(msgspec.Struct, kw_only=True):
    identifier: str
    kind: IdentifierKind
    person_id: str
    user_id: str | None
    class_: VisitorClass = msgspec.field(name="class")
    logged_in: bool
    sessions: int
    orders: int
    person: PersonView | None
    device: DeviceView | None
    devices: list[PersonDeviceView]
    profiles: list[ProfileView]


async def one_touch(
    reader: StateReader, identifier: str, now_ms: int, site: Site, secret: str
) -> OneTouch:
    """By cookie, login, person id, e-mail, telephone or order number, in this order.

    Raises NotThere, StateUnavailable.
    """
    if len(identifier) > _MAX_IDENTIFIER or not identifier.isprintable():
        raise NotThere("no visitor has an identifier like this")
    by_login = person_of_user(identifier)
    nodes = _nodes(identifier, secret)
    keys = (
        *(device_key(identifier), person_key(by_login), person_key(identifier)),
        *(device_key(node) for node in nodes.values()),
    )
    try:
        found = await _read(reader, keys)
        device = decode_device(found[0])
        if device is not None:
            owner = owner_now(identifier, device, now_ms)
            visitor = describe(identifier, device, None, owner, now_ms, site.session.gap_ms)
            person_id = visitor.person_id
            person = decode_person((await _read(reader, (person_key(person_id),)))[0])
            return _view(identifier, "cookie", person_id, device, person, owner, now_ms, site)
        if found[1] is not None:
            owner = Owner(identifier)
            person = decode_person(found[1])
            return _view(identifier, "user_id", by_login, None, person, owner, now_ms, site)
        if found[2] is not None:
            person = decode_person(found[2])
            owner = Owner(person.user_id if person else "")
            return _view(identifier, "person_id", identifier, None, person, owner, now_ms, site)
        for (kind, node), value in zip(nodes.items(), found[3:], strict=True):
            state = decode_device(value)
            if state is not None:
                owner = owner_now(node, state, now_ms)
                by = person_of_user(owner.user_id) if owner.user_id else person_of_device(node)
                person = decode_person((await _read(reader, (person_key(by),)))[0])
                return _view(identifier, kind, by, None, person, owner, now_ms, site)
    except Unreachable as error:
        raise StateUnavailable("the visitors' states cannot be read: Redis is not there") from error
    except GarbledState as error:
        raise StateUnavailable(f"the visitor's state cannot be read: {error}") from error
    raise NotThere("nobody is known by this cookie, login, person id, e-mail, telephone or order")


def _nodes(identifier: str, secret: str) -> dict[Kind, str]:
    values = {kind: normalized(kind, identifier) for kind in KINDS}
    return {kind: node_of(kind, value, secret) for kind, value in values.items() if value}


async def _read(reader: StateReader, keys: tuple[str, ...]) -> list[bytes | None]:
    return await reader.get(keys, asyncio.get_running_loop().time() + _PATIENCE_S)


def _view(
    identifier: str,
    kind: IdentifierKind,
    person_id: str,
    device: DeviceState | None,
    person: PersonState | None,
    owner: Owner,
    now_ms: int,
    site: Site,
) -> OneTouch:
    gap_ms = site.session.gap_ms
    visitor = describe(identifier if device else "", device, person, owner, now_ms, gap_ms)
    profile = profile_of_state(person, site, now_ms, user_id=owner.user_id)
    held = {k: c for k, c in person.devices.items() if not c.gone} if person else {}
    return OneTouch(
        identifier=identifier,
        kind=kind,
        person_id=person_id,
        user_id=owner.user_id or None,
        class_=visitor.class_,
        logged_in=visitor.logged_in and device is not None,
        sessions=max(visitor.sessions, sum(c.sessions for c in held.values())),
        orders=visitor.orders,
        person=person_view(profile, site, now_ms) if person else None,
        device=_device(identifier, device) if device else None,
        devices=[
            PersonDeviceView(
                device_id=device_id,
                first_seen=iso_time(c.first_seen),
                last_seen=iso_time(c.last_seen),
                sessions=c.sessions,
                orders=c.orders,
            )
            for device_id, c in sorted(held.items())
        ],
        profiles=_profiles(person) if person else [],
    )


def _profiles(person: PersonState) -> list[ProfileView]:
    told = {name: attributes(profile) for name, profile in sorted(profiles_of(person).items())}
    return [ProfileView(profile_id=name, attributes=held) for name, held in told.items() if held]


def _device(device_id: str, device: DeviceState) -> DeviceView:
    return DeviceView(
        device_id=device_id,
        first_seen=iso_time(device.first_seen),
        last_seen=iso_time(device.last_seen),
        session_starts=[iso_time(ms) for ms in device.starts],
        past_sessions=device.past_sessions,
        orders=[iso_time(order.time) for order in orders_of(device.orders)],
        logins=[
            LoginView(user_id=user, first=iso_time(first), last=iso_time(last))
            for user, first, last in device.logins
            if user != OVER
        ],
    )
