"""What an event says of interests, products, touches, experiments and orders: kept in the state.

All but experiments counts however late it is known; nothing is counted under a pseudonym. Pages are
kept of devices of which a login is known by then: nobody asks for those of all the others, of which
five cost 82 bytes each. So a page that arrives before its device's first login is not kept, however
the two follow in time: this alone is no function of the set of events, and cannot be one unless
every device's pages are kept. The country (14 bytes) is kept where a homepage scenario asks for it.
"""

from __future__ import annotations

import re
from decimal import Decimal

import msgspec

from schemas.activity import (
    ADDED,
    ANSWERED,
    CONTACTS,
    MAX_TEXT,
    VIEWED,
    Activity,
    bits_of,
    contact_name,
    country_name,
    exposure_name,
    goal_name,
    interest_name,
    page_name,
    product_name,
    touch_name,
    with_cell,
)
from schemas.batch import UNREADABLE
from schemas.device_state import DeviceState
from schemas.event import EnrichedEvent
from schemas.ids import is_pseudonym
from schemas.purchases import (
    MAX_CATEGORIES,
    MAX_PRODUCTS,
    UNIT,
    WHOLE,
    Purchase,
    with_purchase,
)
from schemas.site import Site
from streams.device import digest

INTEREST_IN = {
    "Product Viewed": 1,
    "Product Clicked": 1,
    "Product List Viewed": 1,
    "Product Added": 3,
}
"""How much an event of that name says for the category it names."""

SEEN_BY = {"Product Viewed": VIEWED, "Product Clicked": VIEWED, "Product Added": ADDED}
"""What an event of that name says of the product it names."""

ORDERED, REFUNDED = "Order Completed", "Order Refunded"

_MAX_LINES = 50  # looked at in one order


class _Product(msgspec.Struct):
    category: object = None
    product_id: object = None
    sku: object = None


class _Properties(_Product):
    products: tuple[_Product, ...] = ()


_decoder = msgspec.json.Decoder(_Properties)
_NONE = _Properties()
_MENTIONS = re.compile(rb'"(?:category|product_id|sku)"')


class Activities:
    """Reads events by one site's rules."""

    def __init__(self, site: Site) -> None:
        self._experiments = {name: each.key for name, each in site.experiments.items()}
        self._goals = frozenset(each.goal for each in site.experiments.values() if each.goal)
        self._countries = site.decides_by_country
        self._names = self._goals | {*INTEREST_IN, *CONTACTS, ORDERED, REFUNDED}

    def keep(self, state: DeviceState, row: EnrichedEvent, mark: bytes, *, external: bool) -> None:
        """Puts what the event says into `state`.

        `mark`: digest of the event's id; `external`: the event names an external source.
        """
        name = row.name
        of_member = bool(state.logins) and row.type == "page"
        country = row.country if self._countries else ""
        said_more = external or row.arm or of_member or country or name in self._names
        if not said_more or is_pseudonym(row.device_id):
            return  # as most events
        time, activity = row.event_time, state.activity
        if of_member:
            activity = with_cell(activity, page_name(row.path), time)
        if country:
            activity = with_cell(activity, country_name(country), time)
        if external:
            campaign = row.utm_campaign or row.utm_source
            touch = touch_name(row.referrer_medium, row.referrer_source, campaign)
            activity = with_cell(activity, touch, time)
        if row.type == "track":
            activity = _tracked(state, activity, row, mark)
        if not row.late:
            if row.arm and (key := self._experiments.get(row.experiment)) is not None:
                shown = exposure_name(key, row.arm, row.referrer_medium)
                activity = with_cell(activity, shown, time)
            if name in self._goals:
                activity = with_cell(activity, goal_name(name), time)
        state.activity = activity


def _tracked(state: DeviceState, activity: Activity, row: EnrichedEvent, mark: bytes) -> Activity:
    """The activity afterwards; an order is put into `state`."""
    name, time = row.name, row.event_time
    if (amount := INTEREST_IN.get(name)) is not None:
        said = _said(row)
        activity = _interested(activity, said, time, bits_of(mark, amount))
        return _saw(activity, said, time, SEEN_BY.get(name, 0))
    if name == ORDERED or (name == REFUNDED and row.order_id):
        state.orders = with_purchase(state.orders, _purchase(row, mark))
    elif name in CONTACTS:
        return _contacted(activity, row)
    return activity


def _interested(activity: Activity, said: _Properties, time_ms: int, bits: int) -> Activity:
    for category in _categories(said):
        activity = with_cell(activity, interest_name(category), time_ms, bits)
    return activity


def _saw(activity: Activity, said: _Properties, time_ms: int, bits: int) -> Activity:
    if bits and (product := _id_of(said)):
        return with_cell(activity, product_name(product), time_ms, bits)
    return activity


class _Contact(msgspec.Struct):
    subject: object = None
    answered_at: object = None


_contact_decoder = msgspec.json.Decoder(_Contact)


def _contacted(activity: Activity, row: EnrichedEvent) -> Activity:
    try:
        said = _contact_decoder.decode(bytes(row.properties))
    except UNREADABLE:
        said = _Contact()
    bits = ANSWERED if said.answered_at else 0
    return with_cell(activity, contact_name(row.name, _text(said.subject)), row.event_time, bits)


def _purchase(row: EnrichedEvent, mark: bytes) -> Purchase:
    """What a completed or refunded order says; a refund without an amount is all of it."""
    order = digest(row.order_id) if row.order_id else mark
    amount = int(Decimal(row.revenue) * UNIT) if row.revenue is not None else 0
    if row.name == REFUNDED:
        return Purchase(row.event_time, order, -(abs(amount) or WHOLE), row.currency)
    said = _said(row)
    lines = said.products[:_MAX_LINES]
    products = sorted({product for product in map(_id_of, lines or (said,)) if product})
    return Purchase(
        row.event_time,
        order,
        max(0, amount),
        row.currency,
        tuple(_categories(said)),
        tuple(products[:MAX_PRODUCTS]),
    )


def _said(row: EnrichedEvent) -> _Properties:
    """What the event's properties say of products; nothing where they cannot be read."""
    raw = bytes(row.properties)
    if not _MENTIONS.search(raw):
        return _NONE
    try:
        return _decoder.decode(raw)
    except UNREADABLE:
        return _NONE


def _categories(said: _Properties) -> list[str]:
    """The categories that are named, the smallest ones, sorted."""
    if not said.products:
        text = _text(said.category)
        return [text] if text else []
    named = [said.category, *(each.category for each in said.products[:_MAX_LINES])]
    return sorted({text for text in map(_text, named) if text})[:MAX_CATEGORIES]


def _id_of(said: _Product) -> str:
    """The product's id as the catalogue has it, '' for none; a part of one is another's."""
    for given in (said.product_id, said.sku):
        if type(given) is int:
            given = str(given)
        if type(given) is str and 0 < len(given.strip()) <= MAX_TEXT and given.isprintable():
            return given.strip()
    return ""


def _text(said: object) -> str:
    """A category's name, a contact's subject; '' where it is none."""
    if type(said) is not str:
        return ""
    text = said.strip()[:MAX_TEXT]
    return text if text.isprintable() else ""
