"""pages: how often each page was seen, begun with, left the site from, and for how long."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import msgspec
from clickhouse_driver import Client

from infra.reports.intervals import MIN_N, wilson
from infra.reports.report import Column, Picture, Report, Row, local_time, with_interval
from schemas.site import Site

_QUERY = """
SELECT
    path, views, sessions, persons, entries, exits, bounces, timed_views, seconds, engaged_s
FROM report_pages(
    since = fromUnixTimestamp64Milli({since:Int64}, 'UTC'),
    until = fromUnixTimestamp64Milli({until:Int64}, 'UTC')
)
ORDER BY views DESC, path
"""


class PageRow(msgspec.Struct, frozen=True, kw_only=True):
    """One page, in sessions that started in the period. Rates are fractions."""

    path: str
    views: int
    sessions: int
    persons: int
    entries: int
    exits: int
    bounces: int
    timed_views: int
    time_on_page_s: float | None
    engaged_s: float  # a view
    leave_rate: float
    leave_rate_low: float
    leave_rate_high: float


def pages(client: Client, since_ms: int, until_ms: int) -> list[PageRow]:
    """Most views first. `client`: made by `connect`.

    Raises clickhouse_driver.errors.Error, OSError.
    """
    return [_row(*one) for one in client.execute(_QUERY, {"since": since_ms, "until": until_ms})]


def _row(
    path: str,
    views: int,
    sessions: int,
    persons: int,
    entries: int,
    exits: int,
    bounces: int,
    timed_views: int,
    seconds: float | None,
    engaged_s: float,
) -> PageRow:
    low, high = wilson(exits, sessions)
    return PageRow(
        path=path,
        views=views,
        sessions=sessions,
        persons=persons,
        entries=entries,
        exits=exits,
        bounces=bounces,
        timed_views=timed_views,
        time_on_page_s=None if seconds is None else round(seconds, 3),
        engaged_s=round(engaged_s, 3),
        leave_rate=exits / sessions,
        leave_rate_low=low,
        leave_rate_high=high,
    )


def report(client: Client, site: Site, since_ms: int, until_ms: int, top: int = 20) -> Report:
    """The report: the `top` pages by views (0: all)."""
    found = pages(client, since_ms, until_ms)
    kept = found[:top] if top else found
    zone = ZoneInfo(site.timezone)
    return Report(
        name="pages",
        title="Pages",
        sentence=_sentence(found),
        since=local_time(since_ms, zone),
        until=local_time(until_ms, zone),
        columns=_COLUMNS,
        rows=tuple(_cells(row) for row in kept),
        notes=tuple(_notes(found, kept)),
        picture=Picture(
            title="Sessions that left the site from the page, of those that saw it; 95% interval",
            value="leave_rate",
            n="sessions",
            least_n=MIN_N,
            label="path",
        ),
    )


def _cells(row: PageRow) -> Row:
    return tuple(getattr(row, column.name) for column in _COLUMNS)


_COLUMNS = (
    Column(name="path", kind="text", what="Path of the page", empty="(no path)"),
    Column(name="views", what="Views, in sessions that started in the period, without bots"),
    Column(name="sessions", what="Sessions that saw it"),
    Column(name="persons", what="Known persons who saw it", detail=True),
    Column(name="entries", what="Sessions that began there"),
    Column(name="bounces", what="Of these, those that saw nothing else and did nothing"),
    Column(name="exits", what="Sessions whose last page it was"),
    *with_interval(
        name="leave_rate",
        kind="rate",
        what="Exits, of the sessions that saw it; 95% interval (Wilson's score)",
    ),
    Column(
        name="time_on_page_s",
        kind="seconds",
        what="Median time until the session's next page; a last page has none",
    ),
    Column(name="timed_views", what="Views that had a next page", detail=True),
    Column(
        name="engaged_s",
        kind="seconds",
        detail=True,
        what="Time with the page in front, by views; 0 where pages tell nothing of it",
    ),
)


def _sentence(rows: list[PageRow]) -> str:
    if not rows:
        return "No page was seen in sessions that started in this time."
    views, entries = sum(row.views for row in rows), sum(row.entries for row in rows)
    return f"{entries:,} sessions saw {views:,} pages, {len(rows):,} different ones."


def _notes(found: list[PageRow], kept: list[PageRow]) -> list[str]:
    if len(kept) == len(found):
        return []
    views = sum(row.views for row in found[len(kept) :])
    return [f"Left out: {len(found) - len(kept):,} more pages with {views:,} views (--top 0)."]
