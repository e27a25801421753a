"""For whom a step broke: values of a breakdown that lost it while the others did not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from schemas.funnel_result import StepResult

Breakdown = Mapping[str, Mapping[str, Sequence[StepResult]]]
"""Field -> value -> steps, as in `FunnelResult.by`."""

MOST_TOLD = 2
_LEAST_EXPECTED = 10.0
_APART = 0.5
"""Those concerned keep at most this part of what the others keep of their usual share."""


def whom(now: Breakdown, day: Breakdown, step: int) -> list[str]:
    """Sentences, those of the clearest difference first; none where all are concerned alike.

    `now`: of those who entered lately; `day`: of all, who say what would be expected.
    """
    found = []
    for field, values in now.items():
        kept = _kept(values, day.get(field, {}), step)
        lost = {value: pair for value, pair in kept.items() if _is_apart(value, kept)}
        if not lost or len(lost) == len(kept):
            continue
        others = {value: pair for value, pair in kept.items() if value not in lost}
        ratio = _ratio(lost) / max(_ratio(others), 1e-9)
        names = ", ".join(value or "none" for value in sorted(lost, key=lambda v: -lost[v][1]))
        found.append((ratio, f"where {field} is {names}; not for others"))
    return [text for _, text in sorted(found)[:MOST_TOLD]]


def _kept(
    now: Mapping[str, Sequence[StepResult]], day: Mapping[str, Sequence[StepResult]], step: int
) -> dict[str, tuple[int, float]]:
    """Value -> (arrived, expected), of the values of which enough were expected."""
    kept = {}
    for value, steps in now.items():
        usual = day[value][step].from_previous if value in day else None
        expected = steps[step - 1].count * (usual or 0.0)
        if expected >= _LEAST_EXPECTED:
            kept[value] = (steps[step].count, expected)
    return kept


def _is_apart(value: str, kept: Mapping[str, tuple[int, float]]) -> bool:
    others = {name: pair for name, pair in kept.items() if name != value}
    if not others:
        return False
    best = max(arrived / expected for arrived, expected in others.values())
    arrived, expected = kept[value]
    return arrived / expected < _APART * best


def _ratio(kept: Mapping[str, tuple[int, float]]) -> float:
    return sum(a for a, _ in kept.values()) / sum(e for _, e in kept.values())
