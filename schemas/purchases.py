"""What was bought: orders as devices tell of them, and the orders of a person.

Browser and backend tell of the same order, and each may do so twice: an order is one by the digest
of its id. Amounts are integers, ten-thousandths of the currency.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

MAX_PURCHASES = 64  # a device, the newest
MAX_CATEGORIES = 8  # a purchase
MAX_PRODUCTS = 16  # a purchase
UNIT = 10_000
WHOLE = 2**62  # the amount of a refund that names none: all of the order


class Purchase(msgspec.Struct, array_like=True, frozen=True, order=True, gc=False):
    """One event's word about an order: completed, or with an amount below 0, refunded."""

    time: int  # ms
    order: bytes  # digest of the order id
    amount: int = 0
    currency: str = ""
    categories: tuple[str, ...] = ()  # of the products
    products: tuple[str, ...] = ()  # their ids


Purchases = tuple[Purchase, ...]  # sorted


class Order(msgspec.Struct, frozen=True, gc=False):
    """An order as all words about it give it."""

    time: int  # ms: the first word of it
    amount: int  # what is left after refunds
    currency: str
    categories: tuple[str, ...]
    products: tuple[str, ...]
    is_returned: bool  # all that was paid was given back


def with_purchase(purchases: Purchases, purchase: Purchase) -> Purchases:
    """The newest, the same object where this one is known or too old."""
    if purchase in purchases:
        return purchases
    if purchases and purchase < purchases[-1]:
        kept = tuple(sorted((*purchases, purchase))[-MAX_PURCHASES:])
        return purchases if kept == purchases else kept
    return (*purchases, purchase)[-MAX_PURCHASES:]


def _as_told(purchase: Purchase) -> Order:
    return Order(
        time=purchase.time,
        amount=purchase.amount,
        currency=purchase.currency,
        categories=tuple(sorted({*purchase.categories})[:MAX_CATEGORIES]),
        products=tuple(sorted({*purchase.products})[:MAX_PRODUCTS]),
        is_returned=False,
    )


def orders_of(purchases: Iterable[Purchase]) -> list[Order]:
    """Each order once, oldest first: of several amounts the largest counts.

    Refunds of one order add up where their amounts differ (an equal one is the same one told
    again), and take away no more than was paid. A refund of an order that is not known counts
    nothing.
    """
    completed: dict[bytes, list[Purchase]] = {}
    refunded: dict[bytes, set[tuple[int, str]]] = {}
    for purchase in purchases:
        if purchase.amount < 0:
            refund = (-purchase.amount, purchase.currency)
            refunded.setdefault(purchase.order, set()).add(refund)
        else:
            completed.setdefault(purchase.order, []).append(purchase)
    orders = []
    for digest, told in completed.items():
        if len(told) == 1 and digest not in refunded:  # as of nearly every order
            orders.append(_as_told(told[0]))
            continue
        paid, currency = max((purchase.amount, purchase.currency) for purchase in told)
        back = {a for a, c in refunded.get(digest, ()) if c in ("", currency)}
        categories = sorted({name for purchase in told for name in purchase.categories})
        products = sorted({name for purchase in told for name in purchase.products})
        orders.append(
            Order(
                time=min(purchase.time for purchase in told),
                amount=max(0, paid - sum(back)),
                currency=currency,
                categories=tuple(categories[:MAX_CATEGORIES]),
                products=tuple(products[:MAX_PRODUCTS]),
                is_returned=sum(back) >= max(paid, 1),
            )
        )
    return sorted(orders, key=lambda order: (order.time, order.amount, order.currency))
