"""The one-touch view: what the live state holds about the visitor behind one identifier."""

from __future__ import annotations

import asyncio
from collections.abc import Container, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Literal
from zoneinfo import ZoneInfo

import msgspec

from personalize_api.decision.arrival import Arrival
from personalize_api.decision.scenarios import Choice, Takes, decide, facts_of
from personalize_api.errors import NotThere, StateUnavailable
from personalize_api.one_touch.identities import IdentityView, identities_of
from personalize_api.one_touch.next_action import Known, NextAction, next_action
from personalize_api.one_touch.profile_view import PersonView, person_view
from personalize_api.one_touch.recent import recent_of
from personalize_api.one_touch.shapes import (
    ContactView,
    DeviceView,
    PageView,
    PersonDeviceView,
    ProductView,
    ProfileView,
    SessionView,
    contact_views,
    device_view,
    device_views,
    page_views,
    product_views,
    profile_views,
)
from personalize_api.recognize.resolve import Resolved, resolve
from personalize_api.recognize.state_reader import StateReader, Unreachable, Values
from personalize_api.recognize.states import (
    GarbledState,
    decode_component,
    decode_device,
    decode_person,
)
from personalize_api.recognize.visitors import (
    Owner,
    Standing,
    Visitor,
    describe,
    owner_now,
    person_of_owner,
    shown_first,
)
from schemas.activity import Activity
from schemas.aliases import Component, same_person
from schemas.device_state import DeviceState
from schemas.funnel_result import iso_time
from schemas.identifiers import KINDS, Kind, node_of, normalized
from schemas.identity import segment_at, segments_of
from schemas.ids import person_of_user
from schemas.person_state import PersonState
from schemas.persons import apart_devices, counting, device_of
from schemas.purchases import Order, orders_of
from schemas.redis_keys import alias_key, device_key, person_key
from schemas.referrer import classify
from schemas.site import Site, VisitorClass
from schemas.value_tier import ValueTier, in_site_money, value_tier

IdentifierKind = Literal["cookie", "user_id", "person_id", "email", "phone", "order_id"]

_PATIENCE_S = 2.0
_MAX_DEVICES = 24  # whose states are read
_MAX_STARTS = 10
_MAX_IDENTIFIER = 256


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
    identities: list[IdentityView]
    value_tier: ValueTier
    revenue_site: str | None  # in the site's currency; null where a rate is not known
    recent_sessions: list[SessionView]  # newest first
    last_pages: list[PageView]  # since a login on the device was known; see streams.activity
    last_products: list[ProductView]
    cart: list[str]  # ids of products that were put into it and not bought, newest first
    contacts: list[ContactView]
    next_action: NextAction


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
        component, devices = await asyncio.gather(  # of one tick: one round trip
            _component(reader, user), _device_states(reader, found.person, asked)
        )
    except Unreachable as error:
        raise StateUnavailable("the visitors' states cannot be read: Redis is not there") from error
    except GarbledState as error:
        raise StateUnavailable(f"the visitor's state cannot be read: {error}") from error
    aliases = list(same_person(component, user)) if user else []
    return _view(asked, found, aliases, devices, now_ms, site)


class _Asked(msgspec.Struct, frozen=True):
    """What the identifier leads to, before aliases."""

    identifier: str
    kind: IdentifierKind
    person_id: str
    person: PersonState | None
    owner: Owner
    node: str = ""  # what an e-mail, telephone or order number is kept under
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
        return _Asked(identifier, "cookie", person_id, person, owner, device=device)
    if values[1] is not None:
        person = decode_person(values[1])
        return _Asked(identifier, "user_id", by_login, person, Owner(identifier))
    if values[2] is not None:
        person = decode_person(values[2])
        owner = Owner(person.user_id if person else "")
        return _Asked(identifier, "person_id", identifier, person, owner)
    for (kind, node), value in zip(nodes.items(), values[3:], strict=True):
        state = decode_device(value)
        if state is not None:
            owner = owner_now(node, state, now_ms)
            person_id = person_of_owner(owner, node)
            person = decode_person((await _read(reader, (person_key(person_id),)))[0])
            return _Asked(identifier, kind, person_id, person, owner, node)
    raise NotThere("nobody is known by this cookie, login, person id, e-mail, telephone or order")


def _nodes(identifier: str, secret: str) -> dict[Kind, str]:
    values = {kind: normalized(kind, identifier) for kind in KINDS}
    return {kind: node_of(kind, value, secret) for kind, value in values.items() if value}


async def _read(reader: StateReader, keys: Sequence[str]) -> Values:
    return await reader.get(keys, asyncio.get_running_loop().time() + _PATIENCE_S)


async def _component(reader: StateReader, user_id: str) -> Component | None:
    return decode_component((await _read(reader, (alias_key(user_id),)))[0]) if user_id else None


async def _device_states(
    reader: StateReader, person: PersonState | None, asked: _Asked
) -> dict[str, DeviceState | None]:
    """Those of the person's devices that were seen last, and the one that was asked for."""
    held = {device_of(k): each for k, each in counting(person).items() if not each.gone}
    newest = sorted(held, key=lambda device: (-held[device].last_seen, device))[:_MAX_DEVICES]
    if asked.node and asked.node not in newest:
        newest.append(asked.node)
    values = await _read(reader, [device_key(each) for each in newest]) if newest else []
    states = dict(zip(newest, map(decode_device, values), strict=True))
    return states | {asked.identifier: asked.device} if asked.device else states


def _view(
    asked: _Asked,
    found: Resolved,
    aliases: list[str],
    devices: Mapping[str, DeviceState | None],
    now_ms: int,
    site: Site,
) -> OneTouch:
    device, owner, person = asked.device, asked.owner, found.person
    device_id = asked.identifier if device else ""
    visitor = describe(device_id, device, person, owner, now_ms, site.session.gap_ms)
    standing = Standing(person, site, now_ms, owner.user_id)
    shown = partial(shown_first, device, person, owner)
    visitor = msgspec.structs.replace(visitor, standing=standing, shown=shown)
    told = device_views(person)
    orders = _orders(person)
    recent = recent_of(_activities(person, device_id, device), orders)
    worth = in_site_money(standing.profile.money, site)
    tier = value_tier(standing.profile.orders, worth, site)
    choice = _homepage(visitor, site, now_ms)
    users = [user for user in (owner.user_id, *aliases) if user]
    return OneTouch(
        identifier=asked.identifier,
        kind=asked.kind,
        person_id=found.person_id,
        user_id=owner.user_id or None,
        aliases=[user for user in aliases if user != owner.user_id],
        class_=visitor.class_,
        logged_in=visitor.logged_in and device is not None,
        sessions=max(visitor.sessions, sum(each.sessions for each in told)),
        orders=visitor.orders,
        person=person_view(standing) if person else None,
        device=device_view(device_id, device) if device else None,
        devices=told,
        devices_apart=sorted(apart_devices(person)),
        profiles=profile_views(found.account) if found.account else [],
        identities=identities_of(list(dict.fromkeys(users)), devices),
        value_tier=tier,
        revenue_site=None if worth is None else f"{worth.normalize():f}",
        recent_sessions=_sessions(devices, {found.person_id, *map(person_of_user, users)}),
        last_pages=page_views(recent),
        last_products=product_views(recent),
        cart=[each.product_id for each in recent.cart],
        contacts=contact_views(recent),
        next_action=next_action(
            Known(
                profile=standing.profile,
                orders=tuple(orders),
                recent=recent,
                tier=tier,
                has_login=bool(owner.user_id),
                variant=choice.variant,
                scenario=choice.scenario,
                now_ms=now_ms,
            )
        ),
    )


def _activities(
    person: PersonState | None, device_id: str, device: DeviceState | None
) -> dict[str, Activity]:
    """By device; the asked one's own where the person has nothing yet."""
    found = {key: each.activity for key, each in counting(person).items() if not each.gone}
    if not found and device is not None:
        found[device_id] = device.activity
    return found


def _orders(person: PersonState | None) -> list[Order]:
    held = counting(person).values()
    return orders_of({each for c in held if not c.gone for each in c.purchases})


def _sessions(
    devices: Mapping[str, DeviceState | None], person_ids: Container[str]
) -> list[SessionView]:
    """Those that began while the device was one of these persons'."""
    starts = sorted(
        (
            (ms, name)
            for name, state in devices.items()
            if state is not None
            for ms in state.starts
            if segment_at(segments_of(name, state), ms).person(name) in person_ids
        ),
        reverse=True,
    )
    return [SessionView(started=iso_time(ms), device_id=name) for ms, name in starts[:_MAX_STARTS]]


def _homepage(visitor: Visitor, site: Site, now_ms: int) -> Choice:
    """What would be shown now to somebody who types the site's address."""
    local = datetime.fromtimestamp(now_ms / 1000, ZoneInfo(site.timezone))
    facts = facts_of(visitor, classify("", "", site), Arrival(), local)
    return decide(site, facts, Takes(unit=visitor.anonymous_id, shown=visitor.shown))
