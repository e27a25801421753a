"""funnel: how far visitors came in a funnel of the site file, and how long it took them."""

from __future__ import annotations

from collections.abc import Sequence
from zoneinfo import ZoneInfo

from clickhouse_driver import Client

from infra.reports.intervals import MIN_N, wilson
from infra.reports.report import Column, Picture, Report, Row, local_time, with_interval
from schemas.funnel_result import StepResult, StepTimes, TimedFunnel
from schemas.site import Funnel, Site
from sinks.clickhouse.funnels import compute_funnel, timed

EVERYBODY = "everybody"


def report(
    client: Client,
    site: Site,
    since_ms: int,
    until_ms: int,
    funnel: Funnel,
    by: Sequence[str] | None = None,
    top: int = 10,
) -> Report:
    """The report: everybody, then of each breakdown the `top` values (0: all).

    `by`: as `compute_funnel`. `client`: made by `connect`.
    Raises UnsupportedFunnel, clickhouse_driver.errors.Error, OSError.
    """
    window = (since_ms, until_ms)
    found = timed(client, funnel, compute_funnel(client, funnel, *window, by), window)
    rows = _rows(EVERYBODY, found.steps, found.times if found.order != "any" else ())
    notes = []
    for field, values in found.by.items():
        kept = list(values)[: top or None]
        for value in kept:
            rows += _rows(f"{field}: {value or '(none)'}", values[value], ())
        if len(kept) < len(values):
            more = len(values) - len(kept)
            notes.append(f"Left out: {more:,} more of {field} (--top 0 shows all).")
    if found.by:
        notes.append(
            f"Who entered with several values counts with each; {EVERYBODY} counts them once."
        )
    zone = ZoneInfo(site.timezone)
    return Report(
        name="funnel",
        title=f"Funnel {funnel.name}",
        sentence=_sentence(found),
        since=local_time(since_ms, zone),
        until=local_time(until_ms, zone),
        columns=_columns(funnel),
        rows=tuple(rows),
        notes=tuple(notes),
        picture=Picture(
            title="How many came so far, of those who entered; 95% interval",
            value="share",
            n="entered",
            least_n=MIN_N,
        ),
    )


def _rows(who: str, steps: Sequence[StepResult], times: Sequence[StepTimes]) -> list[Row]:
    entered = steps[0].count
    spent = {one.step: one for one in times}
    rows: list[Row] = []
    for step in steps:
        low, high = wilson(step.count, entered)
        one = spent.get(step.name)
        rows.append(
            (
                who,
                step.name,
                step.count,
                entered,
                step.share,
                *((low, high) if entered else (None, None)),
                step.from_previous,
                one.from_previous_s.median if one else None,
                one.from_previous_s.p90 if one else None,
                one.from_first_s.median if one else None,
            )
        )
    return rows


def _columns(funnel: Funnel) -> tuple[Column, ...]:
    whom = f"{funnel.per}s"
    return (
        Column(name="who", kind="text", what=f"All {whom}, or those who entered with this value"),
        Column(name="step", kind="text", what="Step of the funnel"),
        Column(name="count", what=f"The {whom} that came so far within the funnel's window"),
        Column(name="entered", what=f"The {whom} that made the first step in the period"),
        *with_interval(
            name="share",
            kind="rate",
            what="Count, of entered; 95% interval (Wilson's score)",
        ),
        Column(name="from_previous", kind="rate", what="Count, of those at the step before"),
        Column(
            name="median_s",
            kind="seconds",
            what="Half of those who came here took at most so long from the step before",
        ),
        Column(name="p90_s", kind="seconds", what="Nine in ten took at most so long"),
        Column(
            name="median_from_first_s",
            kind="seconds",
            detail=True,
            what="Half of those who came here took at most so long from the first step",
        ),
    )


def _sentence(found: TimedFunnel) -> str:
    first, last = found.steps[0], found.steps[-1]
    if not first.count:
        return "Nobody made the first step in this time."
    low, high = wilson(last.count, first.count)
    said = f"Of {first.count:,} {found.per}s that made the step {first.name}, {last.count:,} "
    return f"{said}came to {last.name}: {last.count / first.count:.1%} " + (
        f"[{low * 100:.1f}, {high * 100:.1f}]."
    )
