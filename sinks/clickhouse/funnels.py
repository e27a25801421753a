"""A funnel of the site file, computed in ClickHouse."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from clickhouse_driver import Client

from schemas.funnel_result import (
    FunnelResult,
    Spread,
    StepTimes,
    TimedFunnel,
    funnel_result,
)
from schemas.site import Funnel
from sinks.clickhouse.funnel_sql import funnel_sql
from sinks.clickhouse.funnel_times import times_sql

Window = tuple[int, int]
"""[from, to) in ms since 1970 UTC."""


def compute_funnel(
    client: Client, funnel: Funnel, from_ms: int, to_ms: int, by: Sequence[str] | None = None
) -> FunnelResult:
    """Units that entered in [from_ms, to_ms) and how far each came within the funnel's window.

    `by`: fields to break down by, instead of the funnel's own. `client`: made by `connect`.
    Raises UnsupportedFunnel, clickhouse_driver.errors.Error, OSError.
    """
    if by is not None:
        funnel = msgspec.structs.replace(funnel, by=tuple(by))
    totals = _counts(client, funnel, from_ms, to_ms, None)
    return funnel_result(
        funnel,
        from_ms,
        to_ms,
        totals.get("", [0] * len(funnel.steps)),
        {field: _counts(client, funnel, from_ms, to_ms, field) for field in funnel.by},
    )


def timed(client: Client, funnel: Funnel, result: FunnelResult, window: Window) -> TimedFunnel:
    """A computed funnel with the times between its steps; `window`: as it was computed for.

    Raises as `compute_funnel`.
    """
    query = times_sql(funnel, *window)
    named = [step.name for step in funnel.steps]
    if funnel.order == "any":
        named = [f"step {number}" for number in range(1, len(named) + 1)]
    times = [
        StepTimes(
            step=named[step - 1],
            n=units,
            from_previous_s=_spread(previous),
            from_first_s=_spread(first),
        )
        for step, units, previous, first in client.execute(query.sql, query.parameters)
    ]
    same = {name: getattr(result, name) for name in FunnelResult.__struct_fields__}
    return TimedFunnel(**same, times=times)


def _spread(seconds: Sequence[float]) -> Spread:
    """Of [median, p90], to the millisecond, as times are stored."""
    median, p90 = seconds
    return Spread(median=round(median, 3), p90=round(p90, 3))


def _counts(
    client: Client, funnel: Funnel, from_ms: int, to_ms: int, by: str | None
) -> dict[str, list[int]]:
    """For every value of the breakdown, how many units reached each step."""
    query = funnel_sql(funnel, from_ms, to_ms, by)
    reached: dict[str, list[int]] = {}
    for value, level, units in client.execute(query.sql, query.parameters):
        counts = reached.setdefault(value, [0] * len(funnel.steps))
        for step in range(level):
            counts[step] += units
    return reached
