"""Funnels: what is usual of each step, and which have fallen out of it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from personalize_api.alerts.history import WINDOWS, History
from personalize_api.alerts.state import AlertState, Finding
from personalize_api.alerts.usual import Usual, quantile
from personalize_api.alerts.watch import Seen, Watch, fell_at, judge, windows
from personalize_api.alerts.whom import whom
from personalize_api.live.funnels import DEFAULT_MINUTES, NOW_MINUTES, LiveFunnel, UsualShare

SHOWN = WINDOWS.index(NOW_MINUTES)
_SKIPPED_MINUTES = 1440
"""What an alarm is about is not taken for usual for so long; then the site has become so."""

_CRITICAL = 0.5
"""Less than this part of the usual share is critical."""

Window = Callable[[int], Awaitable[list[LiveFunnel]]]
"""The live funnels over so many minutes up to now. Raises StateUnavailable."""


def skipped(funnel: LiveFunnel, state: AlertState, minute: int) -> set[int]:
    """Steps of which nothing is learned now."""
    found = set()
    for step in range(1, len(funnel.steps)):
        watch = state.watches.get(subject_of(funnel, step))
        if watch is not None and watch.since and minute - watch.raised < _SKIPPED_MINUTES:
            found.add(step)
    return found


def subject_of(funnel: LiveFunnel, step: int) -> str:
    return f"funnel/{funnel.name}/{funnel.steps[step].name}"


def shown(funnel: LiveFunnel, history: History, minute: int) -> list[UsualShare | None]:
    """One a step; None for the first one, and while it is being learned. Nine times in ten a share
    lies from `low` to `high`, of as many arrivals as there were lately.
    """
    told: list[UsualShare | None] = [None]
    for step in range(1, len(funnel.steps)):
        usual = history.usual(step, SHOWN, minute)
        before = sum(funnel.arrived[step - 1][-WINDOWS[SHOWN] :])
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
    minute: int,
    fall: float,
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
        seen = windows(step, minute, funnel.arrived, history, watch.floor)
        raised = judge(watch, seen, minute, fall)
        if raised is not None:
            watch.since = fell_at(step, minute, funnel.arrived, raised.usual, raised.minutes)
            found.append(await _finding(funnel, step, watch, raised, minute, over))
        elif watch.since and subject in state.active:
            found.append(_again(subject, state, watch))
        elif watch.since:
            state.watches[subject] = Watch()  # what was raised was not kept: judge it anew
    return found


def _again(subject: str, state: AlertState, watch: Watch) -> Finding:
    alert = state.active[subject].alert
    return Finding(
        subject=subject,
        kind=alert.kind,
        severity=alert.severity,
        title=alert.title,
        detail=alert.detail,
        since_ms=watch.since * 60_000,
    )


async def _finding(
    funnel: LiveFunnel, step: int, watch: Watch, seen: Seen, minute: int, over: Window
) -> Finding:
    names = [each.name for each in funnel.steps]
    share = seen.after / seen.before
    low = quantile(seen.before, seen.usual, 0.05) / seen.before
    high = min(1.0, quantile(seen.before, seen.usual, 0.95) / seen.before)
    days = "day" if seen.usual.days == 1 else "days"
    detail = (
        f"{seen.after:,} of {seen.before:,} came from {names[step - 1]} to {names[step]} in the "
        f"last {seen.minutes} minutes ({share:.1%}); usual at this hour: {low:.1%} to {high:.1%} "
        f"({seen.usual.days} {days})"
    )
    for_whom = await _for_whom(funnel, step, minute - watch.since + 1, over)
    return Finding(
        subject=subject_of(funnel, step),
        kind="funnel",
        severity="critical" if share < _CRITICAL * seen.usual.share else "warning",
        title=f"{funnel.name}: {_how_few(share, seen.usual.share)} come to {names[step]}",
        detail=f"{detail}; {for_whom}" if for_whom else detail,
        since_ms=watch.since * 60_000,
    )


def _how_few(share: float, usual: float) -> str:
    return "none" if share == 0 else f"{1 - share / usual:.0%} fewer than usual"


async def _for_whom(funnel: LiveFunnel, step: int, minutes: int, over: Window) -> str:
    """Of those who entered since it fell, against those of the day."""
    since = {each.name: each for each in await over(min(max(minutes, 5), 60))}
    day = {each.name: each for each in await over(DEFAULT_MINUTES)}
    if funnel.name not in since or funnel.name not in day:
        return ""
    return "; ".join(whom(since[funnel.name].by, day[funnel.name].by, step))
