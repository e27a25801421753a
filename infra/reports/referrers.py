"""referrers: what visitors of each source look for, whether they leave, and what they buy."""

from __future__ import annotations

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
from schemas.site import SESSION_FIELDS, SESSION_SHOWN, Site

BY = tuple(field for field in SESSION_FIELDS if field not in SESSION_SHOWN)

_QUERY = """
SELECT
    value, sessions, persons, bounces, pages, searching, searches, fruitless, looked_for, terms,
    sessions_with_order, orders, revenue, currency
FROM report_referrers(
    since = fromUnixTimestamp64Milli({since:Int64}, 'UTC'),
    until = fromUnixTimestamp64Milli({until:Int64}, 'UTC'),
    by = {by:String}
)
ORDER BY sessions DESC, value
"""
_NAMED = 3  # searches that a row names


class ReferrerRow(msgspec.Struct, frozen=True, kw_only=True):
    """Sessions of one value of `by`. Rates are fractions with their 95 % interval.

    `difference` is the order rate less that of all other sessions; None where there are none.
    """

    value: str
    sessions: int
    bounce_rate: float
    searching: int
    looked_for: list[tuple[str, int]]
    order_rate: float
    order_rate_low: float
    order_rate_high: float
    difference: float | None
    difference_low: float | None
    difference_high: float | None
    verdict: Verdict | Literal[""]
    revenue: float | None  # None: in several currencies
    currency: str
    persons: int
    pages_per_session: float
    searches: int
    fruitless: int
    terms: list[tuple[str, int]]
    sessions_with_order: int
    orders: int


def referrers(
    client: Client, since_ms: int, until_ms: int, by: str = "referrer_source"
) -> list[ReferrerRow]:
    """Sessions that started in [since, until), by value, most sessions first.

    `client`: made by `connect`. Raises clickhouse_driver.errors.Error, OSError.
    """
    given = {"since": since_ms, "until": until_ms, "by": by}
    answer, columns = client.execute(_QUERY, given, with_column_types=True)
    names = [name for name, _ in columns]
    found = [dict(zip(names, one, strict=True)) for one in answer]
    sessions = sum(one["sessions"] for one in found)
    ordered = sum(one["sessions_with_order"] for one in found)
    return [_row(one, sessions, ordered) for one in found]


def _row(found: dict[str, object], all_sessions: int, all_ordered: int) -> ReferrerRow:
    """`all_...`: of every value together."""
    one = msgspec.convert(found, _Found)
    low, high = wilson(one.sessions_with_order, one.sessions)
    rate = one.sessions_with_order / one.sessions
    others, others_ordered = all_sessions - one.sessions, all_ordered - one.sessions_with_order
    interval = newcombe(one.sessions_with_order, one.sessions, others_ordered, others)
    same = {name: getattr(one, name) for name in _Found.__struct_fields__ if name not in _ADDED}
    return ReferrerRow(
        **same,
        revenue=None if one.revenue is None else float(str(one.revenue)),
        bounce_rate=one.bounces / one.sessions,
        pages_per_session=round(one.pages / one.sessions, 2),
        order_rate=rate,
        order_rate_low=low,
        order_rate_high=high,
        difference=rate - others_ordered / others if others else None,
        difference_low=interval.low if others else None,
        difference_high=interval.high if others else None,
        verdict=verdict(interval, one.sessions, others) if others else "",
    )


class _Found(msgspec.Struct, frozen=True):
    """One row of the view."""

    value: str
    sessions: int
    persons: int
    bounces: int
    pages: int
    searching: int
    searches: int
    fruitless: int
    looked_for: list[tuple[str, int]]
    terms: list[tuple[str, int]]
    sessions_with_order: int
    orders: int
    revenue: object
    currency: str


_ADDED = ("bounces", "pages", "revenue")


def report(
    client: Client,
    site: Site,
    since_ms: int,
    until_ms: int,
    by: str = "referrer_source",
    top: int = 20,
) -> Report:
    """The report: the `top` values by sessions (0: all)."""
    found = referrers(client, since_ms, until_ms, by)
    kept = found[:top] if top else found
    zone = ZoneInfo(site.timezone)
    notes = [
        f"Order rates of fewer than {MIN_N} sessions get no verdict. Each is compared with that of "
        "all other sessions, at 95%: one in twenty differs by chance alone."
    ]
    if len(kept) < len(found):
        count = sum(row.sessions for row in found[len(kept) :])
        notes.append(
            f"Left out: {len(found) - len(kept):,} more of {by}, {count:,} sessions in all "
            "(--top 0 shows all)."
        )
    if any(row.revenue is None for row in kept):
        notes.append(SEVERAL_CURRENCIES)
    return Report(
        name="referrers",
        title=f"What visitors look for, and buy, by {by.replace('_', ' ')}",
        sentence=_sentence(found),
        since=local_time(since_ms, zone),
        until=local_time(until_ms, zone),
        columns=_columns(by),
        rows=tuple(_cells(row) for row in kept),
        notes=tuple(notes),
        picture=Picture(
            title="Order rate, with its 95% interval, against that of all other sessions",
            value="order_rate",
            n="sessions",
            least_n=MIN_N,
            label=by,
        ),
    )


def _cells(row: ReferrerRow) -> Row:
    named = {"looked_for": _named(row.looked_for), "terms": _named(row.terms)}
    return tuple(
        named[name] if name in named else getattr(row, name) for name in row.__struct_fields__
    )


def _named(found: list[tuple[str, int]]) -> str:
    return ", ".join(f"{text} ({count:,})" for text, count in found[:_NAMED])


def _columns(by: str) -> tuple[Column, ...]:
    return (
        Column(name=by, kind="text", what=ENTRY),
        SESSIONS,
        Column(
            name="bounce_rate",
            kind="rate",
            what="At most one page and no other action, of sessions",
        ),
        Column(name="searching", what="Sessions that searched on the site"),
        Column(
            name="looked_for", kind="text", empty="", what=f"The {_NAMED} searches of most sessions"
        ),
        *ORDER_RATE,
        *with_interval(
            name="difference",
            kind="difference",
            what="Order rate less that of all other sessions, in percentage points; 95% interval",
        ),
        Column(name="verdict", kind="verdict", what="What the interval allows to say"),
        REVENUE,
        CURRENCY,
        Column(name="persons", what="Known persons in them", detail=True),
        Column(name="pages_per_session", what="Pages seen, by sessions", detail=True),
        Column(name="searches", what="Searches on the site", detail=True),
        Column(name="fruitless", what="Searches that are known to have found nothing", detail=True),
        Column(
            name="terms",
            kind="text",
            empty="",
            detail=True,
            what=f"What most came with from a search engine, the first {_NAMED}",
        ),
        WITH_ORDER,
        ORDERS,
    )


def _sentence(rows: list[ReferrerRow]) -> str:
    sessions = sum(row.sessions for row in rows)
    if not sessions:
        return "No session started in this time."
    better = [row for row in rows if row.verdict == "higher" and row.value]
    said = f"{sessions:,} sessions of {len(rows):,} kinds"
    if not better:
        return f"{said}; none is seen to order more often than the others."
    best = max(better, key=lambda row: row.order_rate)
    return f"{said}; {best.value} orders most often: {best.order_rate:.1%} of {best.sessions:,}."
