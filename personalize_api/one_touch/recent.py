"""What a person did last: pages, products, contacts, and what was left in the cart.

Pure: of the activity of the person's devices. Times are ms; newest first.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

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
        Page(time, path, device_of(key))
        for key, activity in activities.items()
        for path, time in pages(activity)
    }
    newest = sorted(found, key=lambda page: (-page.time, page.path, page.device_id))
    return tuple(newest[:_MAX_PAGES])


def _products(activities: Iterable[Activity]) -> tuple[Seen, ...]:
    """Each product once, at its newest time."""
    found: dict[str, Seen] = {}
    for activity in activities:
        for product, time, bits in products(activity):
            held = found.get(product)
            added = bool(bits & ADDED) or (held is not None and held.added)
            found[product] = Seen(max(time, held.time if held else 0), product, added)
    newest = sorted(found.values(), key=lambda each: (-each.time, each.product_id))
    return tuple(newest[:_MAX_PRODUCTS])


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
