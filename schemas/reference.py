"""Reference data beside the events: the catalogue, and what campaigns cost."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import msgspec


class Product(msgspec.Struct, frozen=True, kw_only=True):
    """A row of ClickHouse's `products`; the last import of a product holds."""

    product_id: str
    title: str = ""
    category: str = ""
    brand: str = ""
    price: Decimal | None = None
    list_price: Decimal | None = None
    currency: str = ""
    url: str = ""
    image: str = ""
    stock: int | None = None
    attributes: dict[str, str] = {}


class Cost(msgspec.Struct, frozen=True, kw_only=True):
    """A row of ClickHouse's `costs`; the last import of a day and campaign holds."""

    day: date
    utm_source: str = ""
    utm_medium: str = ""
    utm_campaign: str = ""
    utm_content: str = ""
    utm_term: str = ""
    cost: Decimal
    currency: str = ""
    impressions: int | None = None
    clicks: int | None = None
    sent: int | None = None
