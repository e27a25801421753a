"""A funnel of the site file, computed in ClickHouse."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from clickhouse_driver import Client

from schemas.funnel_result import FunnelResult, funnel_result
from schemas.site import Funnel
from sinks.clickhouse.funnel_sql import funnel_sql


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
