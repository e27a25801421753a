"""What the one-touch view and `/v1/me` show of devices, profiles and what was done last.

Times are ISO 8601, UTC.
"""

from __future__ import annotations

import msgspec

from personalize_api.one_touch.recent import Recent
from personalize_api.recognize.visitors import profiles_of
from schemas.device_state import DeviceState
from schemas.funnel_result import iso_time
from schemas.identity import OVER
from schemas.person_state import Contribution, PersonState
from schemas.persons import counting, device_of
from schemas.profiles import AttributeValue, attributes
from schemas.purchases import orders_of


class LoginView(msgspec.Struct, kw_only=True):
    """One day's logins of one user ('' : logouts)."""

    user_id: str
    first: str
    last: str


class DeviceView(msgspec.Struct, kw_only=True):
    """One device; of its sessions the newest have their starts."""

    device_id: str
    first_seen: str
    last_seen: str
    session_starts: list[str]
    past_sessions: int
    orders: list[str]
    logins: list[LoginView]


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


class SessionView(msgspec.Struct, kw_only=True):
    """A visit of the last days."""

    started: str
    device_id: str


class PageView(msgspec.Struct, kw_only=True):
    time: str
    path: str
    device_id: str


class ProductView(msgspec.Struct, kw_only=True):
    """A product that was looked at; `added`: put into a cart too."""

    time: str
    product_id: str
    added: bool


class ContactView(msgspec.Struct, kw_only=True):
    """`answered`: null where no answer is due."""

    time: str
    channel: str
    direction: str  # in: the customer turned to us; out: we to him
    subject: str
    answered: bool | None


def device_view(device_id: str, device: DeviceState) -> DeviceView:
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


def device_views(person: PersonState | None) -> list[PersonDeviceView]:
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


def profile_views(person: PersonState) -> list[ProfileView]:
    told = {name: attributes(profile) for name, profile in sorted(profiles_of(person).items())}
    return [ProfileView(profile_id=name, attributes=held) for name, held in told.items() if held]


def page_views(recent: Recent) -> list[PageView]:
    return [
        PageView(time=iso_time(each.time), path=each.path, device_id=each.device_id)
        for each in recent.pages
    ]


def product_views(recent: Recent) -> list[ProductView]:
    return [
        ProductView(time=iso_time(each.time), product_id=each.product_id, added=each.added)
        for each in recent.products
    ]


def contact_views(recent: Recent) -> list[ContactView]:
    return [
        ContactView(
            time=iso_time(each.time),
            channel=each.channel,
            direction="in" if each.inbound else "out",
            subject=each.subject,
            answered=each.answered,
        )
        for each in recent.contacts
    ]
