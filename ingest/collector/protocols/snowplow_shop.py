"""Snowplow's e-commerce events in Segment's words, by which funnels, orders and picks know them.

An action (`snowplow_ecommerce_action`) says what was done, and entities beside it say with what:
products, the cart, the transaction. What is translated here is left out of the contexts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from ingest.collector.protocols.snowplow_messages import SnowplowEvent, text_of

VENDOR = "com.snowplowanalytics.snowplow.ecommerce"
ACTION = "snowplow_ecommerce_action"

_ACTIONS = {
    "product_view": "Product Viewed",
    "add_to_cart": "Product Added",
    "remove_from_cart": "Product Removed",
    "list_view": "Product List Viewed",
    "list_click": "Product Clicked",
    "promo_view": "Promotion Viewed",
    "promo_click": "Promotion Clicked",
    "checkout_step": "Checkout Step Completed",
    "transaction": "Order Completed",
    "refund": "Order Refunded",
    "trns_error": "Order Failed",
}
_OF_ONE_PRODUCT = ("Product Viewed", "Product Added", "Product Removed", "Product Clicked")
_RENAMED = {
    "transaction": {"transaction_id": "order_id"},
    "refund": {"transaction_id": "order_id", "refund_amount": "revenue"},
    "product": {"id": "product_id"},
    "cart": {"total_value": "cart_value"},
    "promotion": {"id": "promotion_id", "name": "promotion_name"},
    "checkout_step": {},
    "transaction_error": {},
}
TRANSLATED = frozenset(_RENAMED)
"""Names of the vendor's entities that become properties."""


class Action(NamedTuple):
    name: str
    properties: dict[str, Any]


def action(said: Mapping[str, Any], entities: Iterable[tuple[str, Mapping[str, Any]]]) -> Action:
    """`said`: the action's own data; `entities`: names and data of the vendor's entities.

    The first step of a checkout is its start. Names of actions that are not known stay.
    """
    kind = str(said.get("type") or "")
    name = _ACTIONS.get(kind, kind or ACTION)
    properties: dict[str, Any] = {}
    products: list[dict[str, Any]] = []
    for entity, data in entities:
        renamed = _RENAMED.get(entity)
        if renamed is None:
            continue
        told = {renamed.get(key, key): value for key, value in data.items() if value is not None}
        if entity == "product":
            products.append(told)
        else:
            properties.update(told)
    if kind == "checkout_step" and properties.get("step") == 1:
        name = "Checkout Started"
    if said.get("name"):
        properties["list"] = said["name"]
    if len(products) == 1 and name in _OF_ONE_PRODUCT:
        return Action(name, {**properties, **products[0]})
    return Action(name, {**properties, "products": products} if products else properties)


def legacy_order(event: SnowplowEvent) -> Action:
    """Of `e=tr`, the older trackers' order; its lines come as events of their own (`e=ti`)."""
    return Action(
        "Order Completed",
        _given(
            order_id=text_of(event.tr_id),
            affiliation=text_of(event.tr_af),
            revenue=number_of(event.tr_tt),
            tax=number_of(event.tr_tx),
            shipping=number_of(event.tr_sh),
            currency=text_of(event.tr_cu),
            city=text_of(event.tr_ci),
            state=text_of(event.tr_st),
            country=text_of(event.tr_co),
        ),
    )


def legacy_line(event: SnowplowEvent) -> Action:
    """Of `e=ti`. It has no `order_id`, since it is no order of its own."""
    return Action(
        "Order Line",
        _given(
            transaction_id=text_of(event.ti_id),
            sku=text_of(event.ti_sk),
            name=text_of(event.ti_nm),
            category=text_of(event.ti_ca),
            price=number_of(event.ti_pr),
            quantity=number_of(event.ti_qu),
            currency=text_of(event.ti_cu),
        ),
    )


def number_of(field: str | int | float | None) -> int | float | str:
    """The number that a text is; the text where it is none."""
    if not isinstance(field, str):
        return "" if field is None else field
    for kind in (int, float):
        try:
            number = kind(field)
        except ValueError:
            continue
        return number if number - number == 0 else field  # not for NaN and Infinity
    return field


def _given(**members: Any) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value != ""}
