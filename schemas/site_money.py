"""Money in the site file: rates of other currencies, and what a good customer is."""

from __future__ import annotations

from decimal import Decimal

from schemas import site_values as values
from schemas.site import ValueTiers
from schemas.site_yaml import Section, entries, text_of


def read_currencies(file: Section, own: str) -> dict[str, Decimal]:
    """Currency -> what one of it is worth in the site's own; the own is not among them."""
    node = file.node("currencies")
    found: dict[str, Decimal] = {}
    if node is None:
        return found
    if not own:
        file.problems.add(node, "currencies: rates to which? 'site' needs 'currency'")
    for name, key_node, value in entries(node, "currencies", file.problems):
        try:
            currency = values.currency(name)
            if currency == own:
                raise ValueError(f"{own} is the site's own; allowed: other currencies")
            found[currency] = values.amount(text_of(value))
        except ValueError as error:
            file.problems.add(key_node, f"currencies: {error}")
    return found


def read_value_tiers(file: Section) -> ValueTiers:
    default = ValueTiers()
    section = file.open("value_tiers", ("top", "large", "medium"))
    tiers = ValueTiers(
        top=section.read("top", values.amount, default.top),
        large=section.read("large", values.amount, default.large),
        medium=section.read("medium", values.amount, default.medium),
    )
    if not tiers.medium < tiers.large < tiers.top:
        at = file.node("value_tiers") or section.line
        file.problems.add(
            at,
            f"value_tiers: medium {tiers.medium}, large {tiers.large}, top {tiers.top}; "
            "allowed: each above the one before",
        )
    return tiers
