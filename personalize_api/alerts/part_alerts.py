"""A step that broke for some only: each value of a breakdown is watched as if it were a funnel.

A checkout that is dead on phones is half a checkout to the step as a whole, which takes long to
tell. Of a value no past hours are kept: its share is that of the day, with a doubt of its own, and
what it did today before; so a part is told later than a step of the same traffic, and hard breaks
only. While the whole step is told, no part of it is.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Iterator

import msgspec

from personalize_api.alerts import funnel_alerts
from personalize_api.alerts.change_point import Expected
from personalize_api.alerts.history import History
from personalize_api.alerts.state import AlertState, Finding
from personalize_api.alerts.watch import EVIDENCE, Watch, judge, step_of
from personalize_api.live.by_value import ByValue
from personalize_api.live.funnels import LiveFunnel

MOST_VALUES = 6
"""Of a field, those with the most units at the step before."""

_LEAST, _MOST = 0.05, 0.9
"""A part has at least and at most this share of those at the step before."""

_DOUBT = 0.15
_LEAST_ARRIVALS = 30
_MORE_EVIDENCE = math.log(10)  # there are some ten parts a step


async def findings(
    funnel: LiveFunnel,
    history: History,
    state: AlertState,
    now: funnel_alerts.Now,
    fall: float,
    parts: funnel_alerts.Parts,
) -> list[Finding]:
    """Moves the watches of the parts by one evaluation."""
    found = []
    flows, day = parts.flows, parts.day
    for step in range(1, len(funnel.steps)):
        whole = funnel_alerts.subject_of(funnel, step)
        of_all = state.watches.get(whole, Watch())
        expected = history.expected(step, now.minute)
        for key in _parts(day, step) if expected is not None else ():
            await asyncio.sleep(0)  # visitors are waiting in the same loop
            subject = f"{whole}/{key[0]}={key[1] or 'none'}"
            watch = state.watches.get(subject, Watch())
            if of_all.since and not watch.since:
                continue
            watch.floor = max(watch.floor, of_all.floor)  # what was told of all is told
            usual = _of_part(expected, day[key], step)
            state.watches[subject] = watch
            came = flows.of(key, step, now.minute)
            looked = step_of(flows.of(key, step - 1, now.minute), came, now.part, usual)
            fell = judge(watch, looked, now.minute, fall, EVIDENCE + _MORE_EVIDENCE)
            if fell is not None:
                finding = funnel_alerts.finding_of(funnel, step, watch, fell, usual)
                found.append(_for(finding, subject, key))
            elif watch.since and subject in state.active:
                found.append(funnel_alerts.again(subject, state, watch))
            elif watch.since:
                state.watches[subject] = Watch()  # what was raised was not kept: judge it anew
    return found


def _parts(day: ByValue, step: int) -> Iterator[tuple[str, str]]:
    by_field: dict[str, list[tuple[int, tuple[str, str]]]] = {}
    for key, row in day.items():
        by_field.setdefault(key[0], []).append((row[step - 1], key))
    for values in by_field.values():
        everybody = sum(count for count, _ in values)
        for count, key in sorted(values, reverse=True)[:MOST_VALUES]:
            is_part = _LEAST * everybody <= count <= _MOST * everybody
            if is_part and day[key][step] >= _LEAST_ARRIVALS:
                yield key


def _of_part(expected: Expected | None, counts: list[int], step: int) -> Expected:
    assert expected is not None
    after = counts[step]
    doubt = 1 / expected.size + _DOUBT**2 + 1 / (after + 0.5)
    share = min(after / counts[step - 1], 1.0)
    return msgspec.structs.replace(expected, share=share, size=1 / doubt, days=1)


def _for(finding: Finding, subject: str, key: tuple[str, str]) -> Finding:
    return msgspec.structs.replace(
        finding,
        subject=subject,
        title=f"{finding.title} where {key[0]} is {key[1] or 'none'}",
    )
