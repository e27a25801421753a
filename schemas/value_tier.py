"""How much a customer is worth, by the borders of the site file."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Literal

from schemas.purchases import UNIT
from schemas.site import Site

ValueTier = Literal["top", "large", "medium", "small", ""]


def in_site_money(money: Mapping[str, int], site: Site) -> Decimal | None:
    """Currency -> ten-thousandths of it, as one sum; None where nobody knows a rate.

    Money without a currency is taken for the site's own; of a site without one nothing is known.
    """
    rates = {**site.currencies, site.currency: Decimal(1), "": Decimal(1)}
    if money and (not site.currency or not money.keys() <= rates.keys()):
        return None
    return sum(
        (Decimal(amount) / UNIT * rates[currency] for currency, amount in money.items()), Decimal(0)
    )


def value_tier(orders: int, worth: Decimal | None, site: Site) -> ValueTier:
    """'' of whoever has not ordered, or whose money nobody can add up."""
    if not orders or worth is None:
        return ""
    tiers = site.value_tiers
    if worth >= tiers.top:
        return "top"
    if worth >= tiers.large:
        return "large"
    return "medium" if worth >= tiers.medium else "small"
