"""The one-touch view: what the live state holds about the visitor behind one identifier."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import Literal

import msgspec

from personalize_api.errors import NotThere, StateUnavailable
from personalize_api.profile_view import PersonView, person_view
from personalize_api.resolve import Resolved, resolve
from personalize_api.state_reader import StateReader, Unreachable, Values
from personalize_api.states import GarbledState, decode_component, decode_device, decode_person
from personalize_api.visitors import (
    Owner,
    Standing,
    describe,
    owner_now,
    person_of_owner,
    profiles_of,
)
from schemas.aliases import same_person
from schemas.event import person_of_user
from schemas.funnel_result import iso_time
from schemas.identifiers import KINDS, Kind, node_of, normalized
from schemas.identity import OVER
from schemas.persons import apart_devices, counting, device_of
from schemas.profiles import AttributeValue, attributes
from schemas.purchases import orders_of
from schemas.redis_keys import (
    Contribution,
    DeviceState,
    PersonState,
    alias_key,
    device_key,
    person_key,
)
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
    aliases: list[str]  # further user ids that are this person
    class_: VisitorClass = msgspec.field(name="class")
    logged_in: bool
    sessions: int
    orders: int
    person: PersonView | None
    device: DeviceView | None
    devices: list[PersonDeviceView]
    devices_apart: list[str]  # above the limit: each is a visitor of its own
    profiles: list[ProfileView]


async def one_touch(
    reader: StateReader, identifier: str, now_ms: int, site: Site, secret: str
) -> OneTouch:
    """By cookie, login, person id, e-mail, telephone or order number, in this order.

    Raises NotThere, StateUnavailable.
    """
    if len(identifier) > _MAX_IDENTIFIER or not identifier.isprintable():
        raise NotThere("no visitor has an identifier like this")
    try:
        asked = await _asked(reader, identifier, now_ms, secret)
        read = partial(_read, reader)
        owner_id = identifier if asked.device else ""
        found = await resolve(read, asked.person_id, asked.person, owner_id)
        account = found.account.user_id if found.account else ""
        user = account or asked.owner.user_id
        component = decode_component((await read((alias_key(user),)))[0]) if user else None
    except Unreachable as error:
        raise StateUnavailable("the visitors' states cannot be read: Redis is not there") from error
    except GarbledState as error:
        raise StateUnavailable(f"the visitor's state cannot be read: {error}") from error
    aliases = list(same_person(component, user)) if user else []
    return _view(identifier, asked, found, aliases, now_ms, site)


class _Asked(msgspec.Struct, frozen=True):
    """What the identifier leads to, before aliases."""

    kind: IdentifierKind
    person_id: str
    person: PersonState | None
    owner: Owner
    device: DeviceState | None = None


async def _asked(reader: StateReader, identifier: str, now_ms: int, secret: str) -> _Asked:
    """Raises NotThere, Unreachable, GarbledState."""
    by_login = person_of_user(identifier)
    nodes = _nodes(identifier, secret)
    keys = (
        *(device_key(identifier), person_key(by_login), person_key(identifier)),
        *(device_key(node) for node in nodes.values()),
    )
    values = await _read(reader, keys)
    device = decode_device(values[0])
    if device is not None:
        owner = owner_now(identifier, device, now_ms)
        person_id = person_of_owner(owner, identifier)
        person = decode_person((await _read(reader, (person_key(person_id),)))[0])
        return _Asked("cookie", person_id, person, owner, device)
    if values[1] is not None:
        return _Asked("user_id", by_login, decode_person(values[1]), Owner(identifier))
    if values[2] is not None:
        person = decode_person(values[2])
        return _Asked("person_id", identifier, person, Owner(person.user_id if person else ""))
    for (kind, node), value in zip(nodes.items(), values[3:], strict=True):
        state = decode_device(value)
        if state is not None:
            owner = owner_now(node, state, now_ms)
            person_id = person_of_owner(owner, node)
            person = decode_person((await _read(reader, (person_key(person_id),)))[0])
            return _Asked(kind, person_id, person, owner)
    raise NotThere("nobody is known by this cookie, login, person id, e-mail, telephone or order")


def _nodes(identifier: str, secret: str) -> dict[Kind, str]:
    values = {kind: normalized(kind, identifier) for kind in KINDS}
    return {kind: node_of(kind, value, secret) for kind, value in values.items() if value}


async def _read(reader: StateReader, keys: Sequence[str]) -> Values:
    return await reader.get(keys, asyncio.get_running_loop().time() + _PATIENCE_S)


def _view(
    identifier: str,
    asked: _Asked,
    found: Resolved,
    aliases: list[str],
    now_ms: int,
    site: Site,
) -> OneTouch:
    device, owner, person = asked.device, asked.owner, found.person
    gap_ms = site.session.gap_ms
    visitor = describe(identifier if device else "", device, person, owner, now_ms, gap_ms)
    standing = Standing(person, site, now_ms, owner.user_id)
    devices = _devices(person)
    return OneTouch(
        identifier=identifier,
        kind=asked.kind,
        person_id=found.person_id,
        user_id=owner.user_id or None,
        aliases=[user for user in aliases if user != owner.user_id],
        class_=visitor.class_,
        logged_in=visitor.logged_in and device is not None,
        sessions=max(visitor.sessions, sum(each.sessions for each in devices)),
        orders=visitor.orders,
        person=person_view(standing) if person else None,
        device=_device(identifier, device) if device else None,
        devices=devices,
        devices_apart=sorted(apart_devices(person)),
        profiles=_profiles(found.account) if found.account else [],
    )


def _devices(person: PersonState | None) -> list[PersonDeviceView]:
    """What counts for the person, a device once, however many of the user ids have used it."""
    held: dict[str, list[Contribution]] = {}
    for key, contribution in counting(person).items():
        if not contribution.gone:
            held.setdefault(device_of(key), []).append(contribution)
    return [
        PersonDeviceView(
            device_id=device_id,
            first_seen=iso_time(min(each.first_seen for each in mine)),
            last_seen=iso_time(max(each.last_seen for each in mine)),
            sessions=sum(each.sessions for each in mine),
            orders=sum(each.orders for each in mine),
        )
        for device_id, mine in sorted(held.items())
    ]


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
