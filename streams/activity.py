"""What an event says of interests, touches, experiments and orders: kept in its device's state.

All but experiments counts however late it is known; nothing is counted under a pseudonym.
"""

from __future__ import annotations

from decimal import Decimal

import msgspec

from schemas.activity import (
    MAX_TEXT,
    Activity,
    bits_of,
    exposure_name,
    goal_name,
    interest_name,
    touch_name,
    with_cell,
)
from schemas.event import UNREADABLE, EnrichedEvent, is_pseudonym
from schemas.purchases import MAX_CATEGORIES, UNIT, WHOLE, Purchase, with_purchase
from schemas.redis_keys import DeviceState
from schemas.site import Site
from streams.device import digest

INTEREST_IN = {
    "Product Viewed": 1,
    "Product Clicked": 1,
    "Product List Viewed": 1,
    "Product Added": 3,
}
"""How much an event of that name says for the category it names."""

ORDERED, REFUNDED = "Order Completed", "Order Refunded"

_MAX_PRODUCTS = 50  # looked at in one order


class _Product(msgspec.Struct):
    category: object = None


class _Properties(msgspec.Struct):
    category: object = None
    products: tuple[_Product, ...] = ()


_decoder = msgspec.json.Decoder(_Properties)


class Activities:
    """Reads events by one site's rules."""

    def __init__(self, site: Site) -> None:
        self._experiments = {name: each.key for name, each in site.experiments.items()}
        self._goals = frozenset(each.goal for each in site.experiments.values() if each.goal)
        self._names = self._goals | {*INTEREST_IN, ORDERED, REFUNDED}

    def keep(
        self, state: DeviceState, row: EnrichedEvent, mark: bytes, *, external: bool
    ) -> DeviceState:
        """`state` with what the event says, changed in place.

        `mark`: digest of the event's id; `external`: the event names an external source.
        """
        name = row.name
        if not (external or row.arm or name in self._names) or is_pseudonym(row.device_id):
            return state  # as most events
        time, activity = row.event_time, state.activity
        if external:
            campaign = row.utm_campaign or row.utm_source
            touch = touch_name(row.referrer_medium, row.referrer_source, campaign)
            activity = with_cell(activity, touch, time)
        if row.type == "track":
            if (amount := INTEREST_IN.get(name)) is not None:
                activity = _interested(activity, row, bits_of(mark, amount))
            elif name == ORDERED or (name == REFUNDED and row.order_id):
                state.orders = with_purchase(state.orders, _purchase(row, mark))
        if not row.late:
            if row.arm and (key := self._experiments.get(row.experiment)) is not None:
                activity = with_cell(activity, exposure_name(key, row.arm), time)
            if name in self._goals:
                activity = with_cell(activity, goal_name(name), time)
        state.activity = activity
        return state


def _interested(activity: Activity, row: EnrichedEvent, bits: int) -> Activity:
    for category in _categories(row):
        activity = with_cell(activity, interest_name(category), row.event_time, bits)
    return activity


def _purchase(row: EnrichedEvent, mark: bytes) -> Purchase:
    """What a completed or refunded order says; a refund without an amount is all of it."""
    order = digest(row.order_id) if row.order_id else mark
    amount = int(Decimal(row.revenue) * UNIT) if row.revenue is not None else 0
    if row.name == REFUNDED:
        return Purchase(row.event_time, order, -(abs(amount) or WHOLE), row.currency)
    categories = tuple(_categories(row))
    return Purchase(row.event_time, order, max(0, amount), row.currency, categories)


def _categories(row: EnrichedEvent) -> list[str]:
    """The categories that the event's properties name, the smallest ones, sorted."""
    raw = bytes(row.properties)
    if b'"category"' not in raw:
        return []
    try:
        found = _decoder.decode(raw)
    except UNREADABLE:
        return []
    if not found.products:
        text = _text(found.category)
        return [text] if text else []
    named = [found.category, *(each.category for each in found.products[:_MAX_PRODUCTS])]
    return sorted({text for text in map(_text, named) if text})[:MAX_CATEGORIES]


def _text(category: object) -> str:
    """A category's name, '' where it is none."""
    if type(category) is not str:
        return ""
    text = category.strip()[:MAX_TEXT]
    return text if text.isprintable() else ""
