"""`/v1/me`: what is held about the device that asks, and what each item is used for.

A device is shown what was done on it while nobody was logged in there; what belongs to a member is
shown with that member's user token alone, since others may use the device too. Reads live state
only; what analysts count is named with how long it is kept.
"""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

import msgspec

from personalize_api.errors import StateUnavailable
from personalize_api.one_touch.profile_view import decimal, person_view
from personalize_api.one_touch.purposes import PURPOSES, What
from personalize_api.one_touch.recent import recent_of
from personalize_api.one_touch.shapes import (
    contact_views,
    device_views,
    page_views,
    product_views,
    profile_views,
)
from personalize_api.recognize.resolve import Resolved, resolve
from personalize_api.recognize.state_reader import StateReader, Unreachable, Values
from personalize_api.recognize.states import GarbledState, decode_device, decode_person
from personalize_api.recognize.visitors import Standing
from schemas.activity import Activity, country_of, first_exposures, interests, touches, within
from schemas.device_state import DeviceState
from schemas.event import Consent
from schemas.evidence import unpack
from schemas.funnel_result import iso_time
from schemas.identity import Segment, segments_of
from schemas.ids import person_of_user
from schemas.persons import counting
from schemas.purchases import orders_of
from schemas.redis_keys import device_key, person_key
from schemas.site import Site

_PATIENCE_S = 2.0
_DAY_MS = 86_400_000


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of data. `value` is null where only analysts' tables have it."""

    what: What
    of: Literal["device", "account"]
    purpose: str
    kept_days: int  # after it was last seen
    value: Any


class Me(msgspec.Struct, kw_only=True):
    """`says`: the whole in a sentence; `erasure`: how to have it deleted."""

    held: bool
    says: str
    consent: Consent
    device_id: str | None
    user_id: str | None
    items: list[Held]
    erasure: str


class Asking(msgspec.Struct, frozen=True, kw_only=True):
    """Who asks: '' for no device, and for nobody with a user token."""

    device_id: str
    user_id: str
    consent: Consent


async def me(reader: StateReader, asking: Asking, site: Site, now_ms: int) -> Me:
    """Raises StateUnavailable."""
    try:
        device, account = await _read(reader, asking)
        items = _of_device(asking.device_id, device, site) if device else []
    except Unreachable as error:
        raise StateUnavailable("what is held cannot be read: Redis is not there") from error
    except (GarbledState, msgspec.MsgspecError, struct.error) as error:
        raise StateUnavailable(f"what is held cannot be read: {error}") from error
    if account is not None and account.person is not None:
        items += _of_account(asking.user_id, account, site, now_ms)
    if items:
        items.append(_item("events", "device" if device else "account", site, None))
    return Me(
        held=bool(items),
        says=_says(asking, device, items),
        consent=asking.consent,
        device_id=asking.device_id or None,
        user_id=asking.user_id or None,
        items=items,
        erasure=(
            f"Ask {site.name} to erase it and name your device_id or login: all of it goes, and "
            "what comes later is not joined to it."
        ),
    )


async def _read(reader: StateReader, asking: Asking) -> tuple[DeviceState | None, Resolved | None]:
    async def read(keys: Sequence[str]) -> Values:
        return await reader.get(keys, asyncio.get_running_loop().time() + _PATIENCE_S)

    device = account = None
    if asking.device_id:
        device = decode_device((await read((device_key(asking.device_id),)))[0])
    if asking.user_id:
        person_id = person_of_user(asking.user_id)
        person = decode_person((await read((person_key(person_id),)))[0])
        account = await resolve(read, person_id, person, "")
    return device, account


def _says(asking: Asking, device: DeviceState | None, items: list[Held]) -> str:
    if not asking.device_id and not asking.user_id:
        return "Nothing is held: this browser has no cookie of ours."
    if not items:
        if asking.consent == "denied":
            return "Nothing is held: consent is refused, and this browser is not recognized."
        return "Nothing is held about this device yet."
    if asking.consent == "denied":
        return "Consent is refused: nothing is added. This is what was kept while it was given."
    if device and any(segment.user_id for segment in segments_of(asking.device_id, device)):
        return (
            "What this browser did while nobody was logged in on it"
            + (", and what is held about your account." if asking.user_id else ".")
            + ("" if asking.user_id else " What belongs to an account is shown to its member only.")
        )
    return "This is all that is held about this device" + (
        " and your account." if asking.user_id else "."
    )


def _of_device(device_id: str, device: DeviceState, site: Site) -> list[Held]:
    """What was done while the device was nobody's with a login."""
    spans = _anonymous_spans(segments_of(device_id, device), device)
    done = within(device.activity, spans)
    orders = [p for p in device.orders if any(a <= p.time <= b for a, b in spans)]
    starts = [ms for ms in device.starts if any(a <= ms <= b for a, b in spans)]
    recent = recent_of({device_id: done}, orders_of(orders))
    found: dict[What, object] = {
        "cookie": device_id,
        "seen": {"first": iso_time(device.first_seen), "last": iso_time(device.last_seen)},
        "visits": {
            "count": device.past_sessions + len(device.starts),
            "newest": [iso_time(ms) for ms in starts],
        },
        "arrivals": _arrivals(done),
        "interests": sorted({category for category, _, _ in interests(done)}),
        "products": product_views(recent),
        "pages": page_views(recent),
        "orders": [iso_time(order.time) for order in orders_of(orders)],
        "experiments": _experiments(done),
        "steps": _steps(device, spans),
        "address": bool(device.sightings),
        "country": _countries([done]),
        "robot": sorted(iso_time(day * _DAY_MS)[:10] for day in device.bot_days),
        "logins": sum(1 for user, _, _ in device.logins if user),
    }
    return [_item(what, "device", site, value) for what, value in found.items() if value]


def _of_account(user_id: str, found: Resolved, site: Site, now_ms: int) -> list[Held]:
    """Everything, whichever device it was done on."""
    person = found.person
    standing = Standing(person, site, now_ms, user_id)
    view = person_view(standing)
    held = {key: c for key, c in counting(person).items() if not c.gone}
    orders = orders_of({purchase for c in held.values() for purchase in c.purchases})
    recent = recent_of({key: c.activity for key, c in held.items()}, orders)
    arrivals = [each for c in held.values() for each in _arrivals(c.activity)]
    told: dict[What, object] = {
        "login": user_id,
        "seen": {"first": view.first_seen, "last": view.last_seen},
        "visits": {"count": sum(c.sessions for c in held.values()), "days": view.days},
        "devices": device_views(person),
        "arrivals": sorted(arrivals, key=lambda each: each["time"]),
        "interests": view.interests,
        "products": product_views(recent),
        "pages": page_views(recent),
        "orders": [
            {
                "time": iso_time(order.time),
                "amount": decimal(order.amount),
                "currency": order.currency,
                "products": order.products,
            }
            for order in orders
        ],
        "contacts": contact_views(recent),
        "groups": {
            "lifecycle": view.lifecycle,
            "recency": view.recency,
            "segments": view.segments,
        },
        "experiments": view.experiments,
        "country": _countries(c.activity for c in held.values()),
        "profiles": profile_views(found.account) if found.account else [],
    }
    return [_item(what, "account", site, value) for what, value in told.items() if value]


def _anonymous_spans(segments: Sequence[Segment], device: DeviceState) -> list[tuple[int, int]]:
    ends = [segment.since - 1 for segment in segments[1:]] + [device.last_seen]
    return [
        (segment.since, end)
        for segment, end in zip(segments, ends, strict=True)
        if not segment.user_id
    ]


def _steps(device: DeviceState, spans: Sequence[tuple[int, int]]) -> int:
    if not device.evidence:
        return 0
    held = unpack(device.evidence)
    return sum(1 for each in held if any(a <= each.time <= b for a, b in spans))


def _countries(activities: Iterable[Activity]) -> list[str]:
    return sorted({country_of(each) for each in activities} - {""})


def _arrivals(done: Activity) -> list[Mapping[str, str]]:
    return [
        {
            "time": iso_time(each.time),
            "medium": each.medium,
            "source": each.source,
            "campaign": each.campaign,
        }
        for each in sorted(touches(done))
    ]


def _experiments(done: Activity) -> list[Mapping[str, str]]:
    return [
        {
            "experiment": key.rpartition(":")[0],
            "arm": shown.arm,
            "since": iso_time(shown.time),
        }
        for key, shown in sorted(first_exposures([done]).items())
    ]


def _item(what: What, of: Literal["device", "account"], site: Site, value: object) -> Held:
    days = site.retention.events_ms if what == "events" else site.retention.visitors_ms
    if what == "cookie":
        days = site.cookie.max_age_s * 1000
    return Held(what=what, of=of, purpose=PURPOSES[what], kept_days=days // _DAY_MS, value=value)
