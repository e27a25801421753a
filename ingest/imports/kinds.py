"""Every kind of table that can be imported."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from ingest.imports import contacts, members, orders, reference
from ingest.imports.columns import Kind

KindName = Literal["orders", "products", "contacts", "costs", "members"]

KINDS: Mapping[KindName, Kind] = {
    "orders": orders.KIND,
    "products": reference.PRODUCTS,
    "contacts": contacts.KIND,
    "costs": reference.COSTS,
    "members": members.KIND,
}
