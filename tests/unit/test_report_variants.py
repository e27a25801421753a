"""How variants are compared, and in what order they are told."""

from __future__ import annotations

from typing import Any

from infra.cli.context import EXAMPLE_SITE
from infra.reports.variants import VariantRow, columns, compared
from schemas.site_file import load


def row(variant: str, sessions: int, orders: int = 0, **more: Any) -> VariantRow:
    return VariantRow(
        value="Google",
        variant=variant,
        sessions=sessions,
        sessions_with_order=orders,
        orders=orders,
        order_rate=orders / sessions,
        order_rate_low=0,
        order_rate_high=1,
        revenue=0,
        revenue_per_session=0,
        currency="",
        **more,
    )


def test_the_default_comes_first_then_the_largest_and_last_who_saw_none() -> None:
    rows = [row("", 900), row("b", 5), row("offers", 50), row("classic", 2), row("a", 5)]
    found = [one.variant for one in compared(rows, "classic")]
    assert found == ["classic", "offers", "a", "b", ""]


def test_without_the_default_there_is_nothing_to_compare_with() -> None:
    shown, none = compared([row("", 90, 9), row("offers", 50, 9)], "classic")
    assert (shown.difference, shown.verdict) == (None, "too few")
    assert (none.difference, none.verdict) == (None, "")


def test_thirty_sessions_a_side_are_needed() -> None:
    verdicts = [
        compared([row("classic", base), row("offers", n, n)], "classic")[1].verdict
        for base, n in ((30, 30), (29, 1000), (1000, 29))
    ]
    assert verdicts == ["higher", "too few", "too few"]


def test_columns_are_the_fields_of_a_row() -> None:
    site = load(EXAMPLE_SITE)
    names = [column.name for column in columns("device_class", site)]
    assert names == ["device_class", *VariantRow.__struct_fields__[1:]]
