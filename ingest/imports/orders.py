"""Orders that were placed off the web, one row an order or one row a line of it."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import msgspec

from ingest.imports import values
from ingest.imports.columns import Column, Kind, Row
from ingest.imports.errors import BadCell, BadRow, Fault
from ingest.imports.messages import Message, Timed, message_id
from ingest.imports.values import Clock

_PEOPLE = (
    Column("user_id", "login or member number", ("customer_id", "member_id", "customer", "userid")),
    Column("email", "e-mail address", ("e_mail", "mail", "customer_email")),
    Column("phone", "telephone number", ("telephone", "phone_number", "tel")),
    Column("device_id", "the visitor's cookie, where it is known", ("anonymous_id", "ff_id")),
)

KIND = Kind(
    "orders",
    "Orders by telephone, in a shop, by letter: each counts once, also where the web told of it. "
    "Several rows with the same order_id are the lines of one order.",
    (
        Column("order_id", "order number", ("order", "order_number", "order_no", "id")),
        Column(
            "ordered_at",
            "when: ISO, in the site's timezone where it names no offset",
            ("time", "timestamp", "date", "order_date", "created_at", "datetime"),
        ),
        *_PEOPLE,
        Column("revenue", "what the whole order cost", ("total", "amount", "order_total", "value")),
        Column("currency", "EUR, USD, ...; the site's own where left out"),
        Column("channel", "phone, shop, letter, ...; phone where left out"),
        Column("product_id", "of a line", ("sku", "product", "item", "item_id", "article")),
        Column("quantity", "of a line; 1 where left out", ("qty", "count")),
        Column("price", "of one piece of a line; adds up to the revenue where that is left out",
               ("unit_price", "item_price")),
        Column("coupon", "code that was used", ("coupon_code", "voucher")),
        Column("refunded", "amount that was paid back, or all", ("refund", "refund_amount")),
        Column("refunded_at", "when; ordered_at where left out", ("refund_date", "refund_at")),
    ),
    needs=(("order_id",), ("ordered_at",), ("revenue", "price")),
)  # fmt: skip

PEOPLE = _PEOPLE


class _Line(msgspec.Struct, frozen=True):
    """One row: what it says of its order, and of itself."""

    row: Row
    at: int
    who: dict[str, Any]
    order: dict[str, Any]
    revenue: Decimal | None
    product: dict[str, Any] | None
    sum: Decimal | None  # of this line
    refunded: Decimal | None  # 0: all of it
    refunded_at: int | None


class Orders:
    """Gathers lines; orders come at the end, when all of each is known."""

    def __init__(self, site: str, clock: Clock) -> None:
        self._site = site
        self._clock = clock
        self._lines: dict[str, list[_Line]] = {}
        self._spoilt: set[str] = set()

    def take(self, row: Row) -> Iterator[Timed | BadRow]:
        """Raises BadCell."""
        number = values.needed_identifier(row.cells, "order_id")
        try:
            line = self._line(row, number)
        except BadCell:
            self._spoilt.add(number)
            raise
        self._lines.setdefault(number, []).append(line)
        yield from ()

    def finish(self) -> Iterator[Timed | BadRow]:
        for number, lines in self._lines.items():
            if number in self._spoilt:
                fault, detail = Fault.INCOMPLETE_ORDER, f"another line of order {number} is bad"
            elif why := _contradiction(lines):
                fault, detail = Fault.CONTRADICTION, f"lines of order {number} disagree on {why}"
            else:
                yield from self._messages(number, lines)
                continue
            for line in lines:
                yield BadRow(line.row.line, fault, detail)

    def _line(self, row: Row, number: str) -> _Line:
        cells = row.cells
        at = self._clock.moment(cells, "ordered_at")
        if at is None:
            raise BadCell(Fault.MISSING_VALUE, "ordered_at is empty")
        price = values.not_negative(cells, "price")
        quantity = values.not_negative(cells, "quantity")
        quantity = Decimal(1) if quantity is None else quantity
        product_id = values.identifier(cells, "product_id")
        product: dict[str, Any] | None = None
        if product_id:
            product = {"product_id": product_id, "quantity": values.number(quantity)}
            if price is not None:
                product["price"] = values.number(price)
        revenue = values.not_negative(cells, "revenue")
        if revenue is None and price is None:
            raise BadCell(Fault.MISSING_VALUE, "neither revenue nor price says what it cost")
        refunded, refunded_at = self._refund(row)
        order: dict[str, Any] = {"order_id": number}
        if currency := values.currency(cells):
            order["currency"] = currency
        order["channel"] = values.text(cells, "channel") or "phone"
        if coupon := values.text(cells, "coupon"):
            order["coupon"] = coupon
        return _Line(
            row=row,
            at=at,
            who=values.who(cells),
            order=order,
            revenue=revenue,
            product=product,
            sum=None if price is None else price * quantity,
            refunded=refunded,
            refunded_at=refunded_at,
        )

    def _refund(self, row: Row) -> tuple[Decimal | None, int | None]:
        at = self._clock.moment(row.cells, "refunded_at")
        said = row.cells.get("refunded", "").lower()
        if said in ("", "false", "no"):
            return None, None
        if said in ("all", "full", "true", "yes"):
            return Decimal(0), at
        amount = values.not_negative(row.cells, "refunded")
        return (amount, at) if amount else (None, None)

    def _messages(self, number: str, lines: list[_Line]) -> Iterator[Timed]:
        first = lines[0]
        sums = [line.sum for line in lines if line.sum is not None]
        paid = first.revenue if first.revenue is not None else sum(sums, Decimal(0))
        products = [line.product for line in lines if line.product is not None]
        properties = {**first.order, "revenue": values.number(paid)}
        if products:
            properties["products"] = products
        rows = [line.row for line in lines]
        yield self._message("Order Completed", number, rows, first.at, first.who, properties)
        if first.refunded is not None:
            back = dict(first.order)
            if first.refunded:
                back["revenue"] = values.number(first.refunded)
            at = first.at if first.refunded_at is None else first.refunded_at
            yield self._message("Order Refunded", number, rows[:1], at, first.who, back)

    def _message(
        self,
        name: str,
        number: str,
        rows: list[Row],
        at: int,
        who: dict[str, Any],
        properties: dict[str, Any],
    ) -> Timed:
        message: Message = {
            "type": "track",
            "messageId": message_id(self._site, name, number, *rows),
            "timestamp": at,
            "event": name,
            "properties": properties,
            **who,
        }
        return Timed(at, message)


def _contradiction(lines: list[_Line]) -> str:
    """What the lines do not say alike; '' where they do."""
    for what in ("at", "who", "order", "revenue", "refunded", "refunded_at"):
        if any(getattr(line, what) != getattr(lines[0], what) for line in lines[1:]):
            return {
                "at": "ordered_at",
                "who": "who ordered",
                "order": "currency, channel or coupon",
            }.get(what, what)
    if len(lines) > 1 and any(line.product is None for line in lines):
        return "product_id: a row without one is no line of an order"
    if lines[0].revenue is None and any(line.sum is None for line in lines):
        return "price"
    return ""
