"""retention: of those first seen in one week, how many came again in each week after."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Literal, get_args
from zoneinfo import ZoneInfo

import msgspec
from clickhouse_driver import Client

from infra.reports.intervals import MIN_N, wilson
from infra.reports.report import Column, Picture, Report, Row, local_time, with_interval
from schemas.site import SESSION_FIELDS, Site

Period = Literal["day", "week", "month"]
PERIODS: tuple[Period, ...] = get_args(Period)

BY = SESSION_FIELDS
"""Fields of a person's first session that cohorts may be parted by."""

ALL = "all cohorts"

_QUERY = """
SELECT value, cohort, number, persons, returned, complete
FROM report_retention(
    since = fromUnixTimestamp64Milli({since:Int64}, 'UTC'),
    until = fromUnixTimestamp64Milli({until:Int64}, 'UTC'),
    period = {period:String},
    zone = {zone:String},
    by = {by:String}
)
ORDER BY value, cohort, number
"""


class RetentionRow(msgspec.Struct, frozen=True, kw_only=True):
    """A cohort, so many periods later. `complete`: that period was over."""

    value: str
    cohort: date | None  # None: all whose period `number` is over, together
    number: int
    persons: int
    returned: int
    complete: bool = True

    @property
    def rate(self) -> float:
        return self.returned / self.persons


def retention(
    client: Client, site: Site, since_ms: int, until_ms: int, period: Period = "week", by: str = ""
) -> list[RetentionRow]:
    """Persons whose first session started in [since, until), by value, cohort and period.

    `by`: '' or one of BY. `client`: made by `connect`.
    Raises clickhouse_driver.errors.Error, OSError.
    """
    given = {"period": period, "zone": site.timezone, "by": by}
    return [
        RetentionRow(
            value=value,
            cohort=cohort,
            number=number,
            persons=persons,
            returned=returned,
            complete=complete,
        )
        for value, cohort, number, persons, returned, complete in client.execute(
            _QUERY, {"since": since_ms, "until": until_ms, **given}
        )
    ]


def pooled(rows: Sequence[RetentionRow]) -> list[RetentionRow]:
    """All cohorts of a value together: of each period the cohorts for which it is over."""
    sums: dict[tuple[str, int], list[int]] = {}
    for row in rows:
        if row.complete:
            one = sums.setdefault((row.value, row.number), [0, 0])
            one[0] += row.persons
            one[1] += row.returned
    return [
        RetentionRow(value=value, cohort=None, number=number, persons=persons, returned=returned)
        for (value, number), (persons, returned) in sorted(sums.items())
    ]


def report(
    client: Client,
    site: Site,
    since_ms: int,
    until_ms: int,
    period: Period = "week",
    by: str = "",
    top: int = 5,
) -> Report:
    """The report: without `by` every cohort; with it all cohorts together, of the `top` values."""
    found = retention(client, site, since_ms, until_ms, period, by)
    sizes: dict[str, int] = {}
    for row in found:
        if row.number == 0:
            sizes[row.value] = sizes.get(row.value, 0) + row.persons
    values = sorted(sizes, key=lambda value: (-sizes[value], value))
    kept = values[:top] if by and top else values
    later = [row for row in pooled(found) if row.number]
    if by:
        rows = [row for value in kept for row in later if row.value == value]
    else:
        rows = later + [row for row in found if row.number]
    zone = ZoneInfo(site.timezone)
    names = [_label(row, by) for row in rows]
    return Report(
        name="retention",
        title=f"Retention by {period}" + (f" and {by.replace('_', ' ')}" if by else ""),
        sentence=_sentence(sizes, later, period, by),
        since=local_time(since_ms, zone),
        until=local_time(until_ms, zone),
        columns=_columns(period, by),
        rows=tuple(_cells(name, row) for name, row in zip(names, rows, strict=True)),
        notes=tuple(_notes(period, by, values, kept)),
        picture=Picture(
            title=f"Persons who came again, so many {period}s after their first; 95% interval",
            value="rate",
            n="persons",
            least_n=MIN_N,
            groups=() if by else (ALL,),
        ),
    )


def _label(row: RetentionRow, by: str) -> str:
    if by:
        return row.value
    return row.cohort.isoformat() if row.cohort else ALL


def _cells(name: str, row: RetentionRow) -> Row:
    over = "yes" if row.complete else "no"
    return (name, row.number, row.persons, row.returned, row.rate, *_interval(row), over)


def _interval(row: RetentionRow) -> tuple[float, float]:
    return wilson(row.returned, row.persons)


def _columns(period: Period, by: str) -> tuple[Column, ...]:
    first = (
        Column(name=by, kind="text", what="What the entry of the person's first session says")
        if by
        else Column(
            name="cohort", kind="text", what=f"First day of the {period} of the first session"
        )
    )
    return (
        first,
        Column(name=f"{period}s_later", what=f"So many {period}s after the cohort's own"),
        Column(name="persons", what="Persons first seen then, without bots"),
        Column(name="returned", what=f"Those with a session that started in that {period}"),
        *with_interval(
            name="rate",
            kind="rate",
            what="Returned, of persons; 95% interval (Wilson's score)",
        ),
        Column(name="over", kind="text", what=f"Whether that {period} was over at the end"),
    )


def _notes(period: Period, by: str, values: list[str], kept: list[str]) -> list[str]:
    notes = [
        f"Where cohorts stand together, only those count whose {period} was over; a cohort's last "
        f"{period} is still going on, and its rate will rise.",
        "A visitor who refuses cookies is nobody who could be known to come again.",
    ]
    if len(kept) < len(values):
        notes.append(f"Left out: {len(values) - len(kept):,} more of {by} (--top 0 shows all).")
    return notes


def _sentence(sizes: dict[str, int], later: Sequence[RetentionRow], period: Period, by: str) -> str:
    persons = sum(sizes.values())
    if not persons:
        return "Nobody was first seen in this time."
    said = f"{persons:,} persons were first seen"
    first = [row for row in later if row.number == 1]
    of = sum(row.persons for row in first)
    if of < MIN_N:
        return f"{said}; too few of them for a rate of return are a full {period} old."
    back = sum(row.returned for row in first)
    return f"{said}; {back:,} of {of:,} came again in the {period} after: {back / of:.1%}."
