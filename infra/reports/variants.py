"""variants: what each homepage variant sold, by where visitors came from."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Literal
from zoneinfo import ZoneInfo

import msgspec
from clickhouse_driver import Client

from infra.reports.intervals import MIN_N, Verdict, newcombe, verdict, wilson
from infra.reports.order_columns import (
    CURRENCY,
    ENTRY,
    ORDER_RATE,
    ORDERS,
    REVENUE,
    SESSIONS,
    SEVERAL_CURRENCIES,
    WITH_ORDER,
)
from infra.reports.report import Column, Picture, Report, Row, local_time, with_interval
from schemas.site import SESSION_FIELDS, Site

BY = tuple(field for field in SESSION_FIELDS if field != "variant")

_QUERY = """
SELECT value, variant, sessions, sessions_with_order, orders, revenue, currency
FROM report_variants(
    since = fromUnixTimestamp64Milli({since:Int64}, 'UTC'),
    until = fromUnixTimestamp64Milli({until:Int64}, 'UTC'),
    by = {by:String}
)
"""


class VariantRow(msgspec.Struct, frozen=True, kw_only=True):
    """Sessions of one value of `by` that were first shown one variant ('': saw no homepage).

    Rates are fractions with their 95 % interval. `difference` is the order rate less the default
    variant's for the same value; None for the default itself, and where nobody saw it.
    """

    value: str
    variant: str
    sessions: int
    sessions_with_order: int
    orders: int
    order_rate: float
    order_rate_low: float
    order_rate_high: float
    revenue: float | None  # None: in several currencies
    revenue_per_session: float | None
    currency: str
    difference: float | None = None
    difference_low: float | None = None
    difference_high: float | None = None
    verdict: Verdict | Literal["default", ""] = ""


def variants(
    client: Client, site: Site, since_ms: int, until_ms: int, by: str = "referrer_source"
) -> list[VariantRow]:
    """Sessions that started in [since, until), by value and variant.

    Values with most sessions come first; of each the site's default variant, then the others by
    sessions, then those who saw no homepage. `client`: made by `connect`.
    Raises clickhouse_driver.errors.Error, OSError.
    """
    found = client.execute(_QUERY, {"since": since_ms, "until": until_ms, "by": by})
    by_value: dict[str, list[VariantRow]] = {}
    for one in found:
        by_value.setdefault(one[0], []).append(_row(*one))
    groups = sorted(by_value.items(), key=lambda item: (-_sessions(item[1]), item[0]))
    return [row for _, rows in groups for row in compared(rows, site.homepage.default)]


def compared(rows: Sequence[VariantRow], default: str) -> list[VariantRow]:
    """The rows of one value in order, each variant compared with the default one."""
    base = next((row for row in rows if row.variant == default), None)

    def place(row: VariantRow) -> tuple[bool, bool, int, str]:
        return (row.variant == "", row is not base, -row.sessions, row.variant)

    return [_against(row, base) for row in sorted(rows, key=place)]


def _row(
    value: str,
    variant: str,
    sessions: int,
    sessions_with_order: int,
    orders: int,
    revenue: object,
    currency: str,
) -> VariantRow:
    money = None if revenue is None else float(str(revenue))
    low, high = wilson(sessions_with_order, sessions)
    return VariantRow(
        value=value,
        variant=variant,
        sessions=sessions,
        sessions_with_order=sessions_with_order,
        orders=orders,
        order_rate=sessions_with_order / sessions,
        order_rate_low=low,
        order_rate_high=high,
        revenue=money,
        revenue_per_session=None if money is None else round(money / sessions, 4),
        currency=currency,
    )


def _against(row: VariantRow, base: VariantRow | None) -> VariantRow:
    if row.variant == "":
        return row
    if base is None:
        return msgspec.structs.replace(row, verdict="too few")
    if row is base:
        return msgspec.structs.replace(row, verdict="default")
    interval = newcombe(
        row.sessions_with_order, row.sessions, base.sessions_with_order, base.sessions
    )
    return msgspec.structs.replace(
        row,
        difference=row.order_rate - base.order_rate,
        difference_low=interval.low,
        difference_high=interval.high,
        verdict=verdict(interval, row.sessions, base.sessions),
    )


def report(
    client: Client,
    site: Site,
    since_ms: int,
    until_ms: int,
    by: str = "referrer_source",
    top: int = 10,
) -> Report:
    """The report: of values where somebody saw a homepage the `top` by sessions (0: all)."""
    everything = variants(client, site, since_ms, until_ms, by)
    groups = [list(rows) for _, rows in itertools.groupby(everything, key=lambda row: row.value)]
    unseen = [rows for rows in groups if all(row.variant == "" for row in rows)]
    seen = [rows for rows in groups if rows not in unseen]
    kept = seen[:top] if top else seen
    zone = ZoneInfo(site.timezone)
    return Report(
        name="variants",
        title=f"Homepage variants by {by.replace('_', ' ')}",
        sentence=_sentence(everything),
        since=local_time(since_ms, zone),
        until=local_time(until_ms, zone),
        columns=columns(by, site),
        rows=tuple(_cells(row) for rows in kept for row in rows),
        notes=tuple(_notes(site, by, kept, seen[len(kept) :], unseen)),
        picture=Picture(
            title="Order rate by variant, with its 95% interval",
            value="order_rate",
            n="sessions",
            least_n=MIN_N,
        ),
    )


def _cells(row: VariantRow) -> Row:
    """In the order of the columns, which is that of the row's fields."""
    return tuple(getattr(row, name) for name in VariantRow.__struct_fields__)


def columns(by: str, site: Site) -> tuple[Column, ...]:
    default = site.homepage.default
    less = f"Order rate less that of {default} for the same {by}"
    return (
        Column(name=by, kind="text", what=ENTRY),
        Column(
            name="variant",
            kind="text",
            empty="(no homepage)",
            what="The homepage variant that the session was shown first",
        ),
        SESSIONS,
        WITH_ORDER,
        ORDERS,
        *ORDER_RATE,
        msgspec.structs.replace(REVENUE, detail=True),
        Column(name="revenue_per_session", kind="money", what="Revenue, by sessions", detail=True),
        CURRENCY,
        *with_interval(
            name="difference",
            kind="difference",
            what=f"{less}, in percentage points; 95% interval (Newcombe's hybrid score)",
        ),
        Column(
            name="verdict",
            kind="verdict",
            what=f"What the interval allows to say; nothing below {MIN_N} sessions on either side",
        ),
    )


def _sentence(rows: Sequence[VariantRow]) -> str:
    sessions, with_order = _sessions(rows), sum(row.sessions_with_order for row in rows)
    if not sessions:
        return "No session started in this time."
    without = sum(row.sessions for row in rows if row.variant == "")
    low, high = wilson(with_order, sessions)
    return (
        f"Of {sessions:,} sessions {with_order:,} ordered: {with_order / sessions:.1%} "
        f"[{low * 100:.1f}, {high * 100:.1f}]; {without:,} saw no homepage."
    )


def _notes(
    site: Site,
    by: str,
    kept: Sequence[Sequence[VariantRow]],
    left_out: Sequence[Sequence[VariantRow]],
    unseen: Sequence[Sequence[VariantRow]],
) -> list[str]:
    rows = [row for group in kept for row in group]
    verdicts = sum(row.verdict in ("higher", "lower", "no difference seen") for row in rows)
    notes = []
    if verdicts:
        notes.append(
            f"{verdicts} {'comparison' if verdicts == 1 else 'comparisons'} with "
            f"{site.homepage.default}, each at 95%: one in twenty differs by chance alone. "
            "Scenarios choose whom to show what, so a difference may be that of the visitors; "
            "an experiment would tell."
        )
    if any(row.revenue is None for row in rows):
        notes.append(SEVERAL_CURRENCIES)
    for groups, why in (
        (left_out, "fewer sessions (--top 0 shows all)"),
        (unseen, "nobody who saw a homepage"),
    ):
        if groups:
            count = sum(_sessions(group) for group in groups)
            notes.append(
                f"Left out: {len(groups):,} more of {by} with {why}, {count:,} sessions in all."
            )
    return notes


def _sessions(rows: Sequence[VariantRow]) -> int:
    return sum(row.sessions for row in rows)
