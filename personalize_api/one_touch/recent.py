"""What a person did last: pages, products, contacts, and what was left in the cart.

Pure: of the activity of the person's devices. Times are ms; newest first.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from heapq import nsmallest

import msgspec

from schemas.activity import ADDED, Activity, contacts, pages, products
from schemas.persons import device_of
from schemas.purchases import Order

_MAX_PAGES = 5
_MAX_PRODUCTS = 12
_MAX_CONTACTS = 5
_AWAIT_AN_ANSWER = ("Mail Received", "Chat Received", "Letter Received")
"""A call or a visit is answered when it is taken."""


class Page(msgspec.Struct, frozen=True):
    time: int
    path: str
    device_id: str


class Seen(msgspec.Struct, frozen=True):
    """A product that was looked at, or `added` to a cart."""

    time: int
    product_id: str
    added: bool


class Contact(msgspec.Struct, frozen=True):
    """`answered`: None where no answer is due."""

    time: int
    channel: str  # call, mail, chat, letter or visit
    inbound: bool
    subject: str
    answered: bool | None


class Recent(msgspec.Struct, frozen=True):
    pages: tuple[Page, ...]
    products: tuple[Seen, ...]
    contacts: tuple[Contact, ...]
    cart: tuple[Seen, ...]  # added since the last order, and not bought


def recent_of(activities: Mapping[str, Activity], orders: Iterable[Order]) -> Recent:
    """`activities` by contribution key (`schemas.persons`)."""
    placed = list(orders)
    seen = _products(activities.values())
    last_order = max((order.time for order in placed), default=0)
    bought = {product for order in placed for product in order.products}
    return Recent(
        pages=_pages(activities),
        products=seen,
        contacts=_contacts(activities.values()),
        cart=tuple(
            each
            for each in seen
            if each.added and each.time > last_order and each.product_id not in bought
        ),
    )


def _pages(activities: Mapping[str, Activity]) -> tuple[Page, ...]:
    found = {
        (-time, path, device_of(key))
        for key, activity in activities.items()
        for path, time in pages(activity)
    }
    newest = nsmallest(_MAX_PAGES, found)
    return tuple(Page(-negated, path, device_id) for negated, path, device_id in newest)


def _products(activities: Iterable[Activity]) -> tuple[Seen, ...]:
    """Each product once, at its newest time."""
    newest: dict[str, int] = {}
    added: set[str] = set()
    for activity in activities:
        for product, time, bits in products(activity):
            newest[product] = max(time, newest.get(product, 0))
            if bits & ADDED:
                added.add(product)
    shown = nsmallest(_MAX_PRODUCTS, newest, key=lambda product: (-newest[product], product))
    return tuple(Seen(newest[product], product, product in added) for product in shown)


def _contacts(activities: Iterable[Activity]) -> tuple[Contact, ...]:
    told = sorted({each for activity in activities for each in contacts(activity)})
    last_word = max((each.time for each in told if not _is_inbound(each.event)), default=0)
    newest = [
        Contact(
            time=each.time,
            channel=each.event.split()[0].lower(),
            inbound=_is_inbound(each.event),
            subject=each.subject,
            answered=(
                each.answered or last_word > each.time if each.event in _AWAIT_AN_ANSWER else None
            ),
        )
        for each in reversed(told)
    ]
    return tuple(newest[:_MAX_CONTACTS])


def _is_inbound(event: str) -> bool:
    return event.endswith(" Received")
