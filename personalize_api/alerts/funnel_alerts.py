"""Funnels: what is usual of each step, and which have fallen out of it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import msgspec

from personalize_api.alerts.change_point import Expected, Fall
from personalize_api.alerts.flows import Flows
from personalize_api.alerts.history import History
from personalize_api.alerts.series import Series
from personalize_api.alerts.state import AlertState, Finding
from personalize_api.alerts.usual import Usual, quantile
from personalize_api.alerts.watch import Watch, judge, step_of
from personalize_api.alerts.whom import counts_of, whom
from personalize_api.live.by_value import ByValue
from personalize_api.live.funnels import NOW_MINUTES, LiveFunnel, UsualShare

_SKIPPED_MINUTES = 1440
"""What an alarm is about is not taken for usual for so long; then the site has become so."""

_CRITICAL = 0.5
"""Less than this part of the usual share is critical."""

Window = Callable[[int], Awaitable[list[LiveFunnel]]]
"""The live funnels over so many minutes up to now. Raises StateUnavailable."""


class Now(msgspec.Struct, frozen=True):
    """What was seen of a funnel, up to a moment."""

    series: Series
    arrived: list[list[int]]  # by step and minute, as counted now
    minute: int  # since 1970: the last of both
    part: float  # of it that is over, above 0


class Parts(msgspec.Struct, frozen=True):
    """What is known of the values of its breakdowns."""

    flows: Flows
    day: ByValue


def skipped(funnel: LiveFunnel, state: AlertState, minute: int, since: int) -> set[int]:
    """Steps (from 0) of which nothing is learned of the minutes from `since` on."""
    subjects = [f"entry/{funnel.name}"]
    subjects += [subject_of(funnel, step) for step in range(1, len(funnel.steps))]
    return {
        step
        for step, subject in enumerate(subjects)
        if is_skipped(state.watches.get(subject, Watch()), minute, since)
    }


def is_skipped(watch: Watch, minute: int, since: int) -> bool:
    """Whether what it watches was not as usual in the minutes from `since` to `minute`."""
    is_fallen = watch.since > 0 and minute - watch.raised < _SKIPPED_MINUTES
    return is_fallen or watch.floor > since


def subject_of(funnel: LiveFunnel, step: int) -> str:
    return f"funnel/{funnel.name}/{funnel.steps[step].name}"


def shown(funnel: LiveFunnel, history: History, minute: int) -> list[UsualShare | None]:
    """One a step; None for the first one, and while it is being learned. Nine times in ten a share
    lies from `low` to `high`, of as many arrivals as there were lately.
    """
    told: list[UsualShare | None] = [None]
    for step in range(1, len(funnel.steps)):
        usual = history.usual(step, minute)
        before = sum(funnel.arrived[step - 1][-NOW_MINUTES:])
        told.append(_shown(usual, before) if usual is not None else None)
    return told


def _shown(usual: Usual, before: int) -> UsualShare:
    seen = max(before, 20)  # of hardly anybody any share is usual
    return UsualShare(
        share=round(usual.share, 4),
        low=round(quantile(seen, usual, 0.05) / seen, 4),
        high=round(min(quantile(seen, usual, 0.95) / seen, 1.0), 4),
        days=usual.days,
    )


async def findings(
    funnel: LiveFunnel,
    history: History,
    state: AlertState,
    now: Now,
    fall: float,
    parts: Parts,
    over: Window,
) -> list[Finding]:
    """Moves the watches of the funnel's steps by one evaluation: what has fallen, or still has.

    What still has is told as it was when it was raised.
    """
    found = []
    for step in range(1, len(funnel.steps)):
        await asyncio.sleep(0)  # visitors are waiting in the same loop
        subject = subject_of(funnel, step)
        watch = state.watches.setdefault(subject, Watch())
        expected = history.expected(step, now.minute)
        fell = None
        if expected is not None:
            left, came = now.series.steps[step - 1 : step + 1]
            looked = step_of(left, came, now.part, expected)
            fell = judge(watch, looked, now.minute, fall)
        if fell is not None and expected is not None:
            finding = finding_of(funnel, step, watch, fall=fell, expected=expected)
            found.append(await _told(finding, funnel, step, watch, now, parts, over))
        elif watch.since and subject in state.active:
            finding = again(subject, state, watch)
            found.append(await _told(finding, funnel, step, watch, now, parts, over))
        elif watch.since:
            state.watches[subject] = Watch()  # what was raised was not kept: judge it anew
    return found


def still(funnel: LiveFunnel, state: AlertState) -> list[Finding]:
    """What has fallen, while nothing can be judged."""
    subjects = [subject_of(funnel, step) for step in range(1, len(funnel.steps))]
    return [
        again(subject, state, state.watches[subject])
        for subject in subjects
        if subject in state.active and subject in state.watches
    ]


async def _told(
    finding: Finding,
    funnel: LiveFunnel,
    step: int,
    watch: Watch,
    now: Now,
    parts: Parts,
    over: Window,
) -> Finding:
    """With for whom, as soon as enough came for that to be known."""
    if watch.whom:
        return finding
    for_whom = await _for_whom(funnel, step, watch, now, parts, over)
    if not for_whom:
        return finding
    watch.whom = True
    return msgspec.structs.replace(finding, detail=f"{finding.detail}; {for_whom}")


def again(subject: str, state: AlertState, watch: Watch) -> Finding:
    alert = state.active[subject].alert
    return Finding(
        subject=subject,
        kind=alert.kind,
        severity=alert.severity,
        title=alert.title,
        detail=alert.detail,
        since_ms=watch.since * 60_000,
    )


def finding_of(
    funnel: LiveFunnel, step: int, watch: Watch, fall: Fall, expected: Expected
) -> Finding:
    names = [each.name for each in funnel.steps]
    usual = Usual(expected.share, 1 / expected.size, expected.days)
    low, high = quantile(fall.due, usual, 0.05), quantile(fall.due, usual, 0.95)
    days = "day" if expected.days == 1 else "days"
    minutes = "minute" if fall.minutes == 1 else f"{fall.minutes} minutes"
    detail = (
        f"{fall.came:,} came from {names[step - 1]} to {names[step]} in the last {minutes}; of "
        f"those on their way {low:,} to {high:,} are usual ({expected.days} {days} known)"
    )
    part = fall.came / fall.expected
    return Finding(
        subject=subject_of(funnel, step),
        kind="funnel",
        severity="critical" if part < _CRITICAL else "warning",
        title=f"{funnel.name}: {_how_few(part)} come to {names[step]}",
        detail=detail,
        since_ms=watch.since * 60_000,
    )


def _how_few(part: float) -> str:
    return "none" if part == 0 else f"{1 - part:.0%} fewer than usual"


async def _for_whom(
    funnel: LiveFunnel, step: int, watch: Watch, now: Now, parts: Parts, over: Window
) -> str:
    """Of those who came since it fell, against those of the day; where that was not seen, of those
    who entered since.
    """
    if parts.flows.since < watch.since:
        return "; ".join(whom(parts.flows.sums(watch.since), parts.day, step))
    minutes = min(max(now.minute - watch.since + 1, 5), 60)
    entered = {each.name: each for each in await over(minutes)}
    if funnel.name not in entered:
        return ""
    return "; ".join(whom(counts_of(entered[funnel.name].by), parts.day, step))
