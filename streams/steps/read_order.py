"""Order, money and search results that an event's properties speak of."""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation

import msgspec

from schemas.batch import UNREADABLE

_MONEY_LIMIT = Decimal(10) ** 13  # Decimal(18, 4) holds this with room to spare
_DIGITS = Decimal("0.0001")


class Order(msgspec.Struct, frozen=True, gc=False):
    """`revenue` is a decimal number as text, in `currency`; None where there is none."""

    order_id: str = ""
    revenue: str | None = None
    currency: str = ""
    search_results: int | None = None
    note: str = ""  # why a value was left out


_NOTHING = msgspec.Raw(b"null")


class _Properties(msgspec.Struct, gc=False):
    order_id: str | int | None = None
    revenue: msgspec.Raw = _NOTHING
    total: msgspec.Raw = _NOTHING
    currency: str | None = None
    search_results: int | None = None


_decoder = msgspec.json.Decoder(_Properties)
_MENTIONS = re.compile(rb'"(?:order_id|revenue|total|currency|search_results)"')
_NONE = Order()


def read_order(properties: msgspec.Raw) -> Order:
    """What cannot be read is left out and noted; an event is never refused for it."""
    raw = bytes(properties)
    if not _MENTIONS.search(raw):
        return _NONE
    try:
        found = _decoder.decode(raw)
    except UNREADABLE:
        return Order(note="order_unreadable")
    revenue, note = _money(bytes(found.revenue))
    if revenue is None and not note:
        revenue, note = _money(bytes(found.total))
    results = found.search_results
    return Order(
        order_id=str(found.order_id or "")[:200],
        revenue=revenue,
        currency=(found.currency or "").upper()[:3],
        search_results=results if results is not None and 0 <= results < 2**31 else None,
        note=note,
    )


def _money(given: bytes) -> tuple[str | None, str]:
    """(amount, note) of a JSON value: a number, or a text that is one."""
    if given == b"null":
        return None, ""
    try:
        amount = Decimal(given.decode().strip('"'))
        if not amount.is_finite() or abs(amount) >= _MONEY_LIMIT:
            return None, "revenue_unreadable"
        return str(amount.quantize(_DIGITS)), ""
    except InvalidOperation:
        return None, "revenue_unreadable"
