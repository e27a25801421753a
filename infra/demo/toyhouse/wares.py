"""Products as Footfall is told of them: names and properties of Segment's ecommerce spec."""

from __future__ import annotations

from typing import Any

from infra.demo.product import Product
from infra.demo.toyhouse.sessions import Line, Order


def money(cents: int) -> float:
    """Money is a decimal number in events: 24.99."""
    return cents / 100


def product_properties(product: Product, currency: str) -> dict[str, Any]:
    """Of `Product Viewed`."""
    return {
        "product_id": product.sku,
        "sku": product.sku,
        "name": product.title,
        "brand": product.maker,
        "category": product.category,
        "price": money(product.price),
        "currency": currency,
    }


def piece_properties(product: Product, quantity: int, currency: str) -> dict[str, Any]:
    """Of `Product Added` and `Product Removed`."""
    return {**product_properties(product, currency), "quantity": quantity}


def lines_properties(lines: tuple[Line, ...], currency: str) -> dict[str, Any]:
    """Of `Checkout Started`."""
    total = sum(line.total for line in lines)
    return {
        "value": money(total),
        "currency": currency,
        "products": [_line(line) for line in lines],
    }


def order_properties(order: Order, currency: str) -> dict[str, Any]:
    """Of `Order Completed`."""
    return {
        "order_id": order.id,
        "revenue": money(order.total),
        "currency": currency,
        "products": [_line(line) for line in order.lines],
    }


def _line(line: Line) -> dict[str, Any]:
    return {
        "product_id": line.product.sku,
        "sku": line.product.sku,
        "name": line.product.title,
        "category": line.product.category,
        "price": money(line.price),
        "quantity": line.quantity,
    }
