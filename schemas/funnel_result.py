"""How a funnel's counts are told, live or from ClickHouse: one shape for both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import msgspec

from schemas.site import Funnel

Counts = Sequence[int]
"""One count a step, in the funnel's order."""


class StepResult(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    count: int
    share: float | None  # of the first step's count; None: nobody entered
    from_previous: float | None  # of the step before; None: there is none, or nobody was there


class FunnelResult(msgspec.Struct, frozen=True, kw_only=True):
    """`by`: field -> value of the first step -> the same steps. Times are ISO 8601, UTC."""

    name: str
    per: str
    order: str
    within_s: int
    from_: str = msgspec.field(name="from")
    to: str
    steps: list[StepResult]
    by: dict[str, dict[str, list[StepResult]]]


class Spread(msgspec.Struct, frozen=True, kw_only=True):
    """Seconds; half of the units took at most `median`, nine in ten at most `p90`."""

    median: float
    p90: float


class StepTimes(msgspec.Struct, frozen=True, kw_only=True):
    """How long the `n` units that reached a step took; in any order, the nth different step."""

    step: str
    n: int
    from_previous_s: Spread
    from_first_s: Spread


class TimedFunnel(FunnelResult, frozen=True, kw_only=True):
    """The public shape, and how long it takes: from the second step on, those somebody reached."""

    times: list[StepTimes]


def funnel_result(
    funnel: Funnel,
    from_ms: int,
    to_ms: int,
    totals: Counts,
    by: Mapping[str, Mapping[str, Counts]],
) -> FunnelResult:
    """Values of a breakdown come largest first (by the first step, then by name)."""
    return FunnelResult(
        name=funnel.name,
        per=funnel.per,
        order=funnel.order,
        within_s=funnel.within_ms // 1000,
        from_=iso_time(from_ms),
        to=iso_time(to_ms),
        steps=_steps(funnel, totals),
        by={
            field: {
                value: _steps(funnel, counts)
                for value, counts in sorted(
                    by.get(field, {}).items(), key=lambda item: (-item[1][0], item[0])
                )
            }
            for field in funnel.by
        },
    )


def iso_time(ms: int) -> str:
    """2026-11-22T02:09:00.000Z"""
    text = datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")


def ms_of(text: str) -> int:
    """What `iso_time` made a text of. Raises ValueError."""
    return round(datetime.fromisoformat(text).timestamp() * 1000)


def _steps(funnel: Funnel, counts: Counts) -> list[StepResult]:
    return [
        StepResult(
            name=step.name,
            count=count,
            share=_ratio(count, counts[0]),
            from_previous=_ratio(count, counts[index - 1]) if index else None,
        )
        for index, (step, count) in enumerate(zip(funnel.steps, counts, strict=True))
    ]


def _ratio(part: int, whole: int) -> float | None:
    return round(part / whole, 6) if whole else None
