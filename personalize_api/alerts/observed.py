"""What an evaluation sees of a funnel, and what it keeps of that for the days to come."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from personalize_api.alerts.entry_alerts import learned
from personalize_api.alerts.entry_alerts import subject_of as entry_subject
from personalize_api.alerts.funnel_alerts import Now, skipped, subject_of
from personalize_api.alerts.history import History
from personalize_api.alerts.series import Series
from personalize_api.alerts.state import AlertState
from personalize_api.live.funnels import LiveFunnel
from schemas.site import Funnel

SETTLES_MINUTES = 2
"""An hour is measured so long after it is over: some of its events come late."""

SOURCES_MINUTES = 120

_MOST_BEHIND_MINUTES = 30


def see(state: AlertState, key: str, funnel: LiveFunnel, minute: int, until_ms: int) -> Now | None:
    """Of the minutes up to `minute`, those that were counted by `until_ms`; None: too long ago."""
    missing = minute - until_ms // 60_000
    if missing > _MOST_BEHIND_MINUTES:
        return None
    arrived = [step[: len(step) - missing] for step in funnel.arrived]
    series = state.series.setdefault(key, Series())
    series.see(minute - missing, arrived)
    part = max(until_ms % 60_000, 1000) / 60_000
    return Now(series, arrived, minute - missing, part)


def measure(
    history: History,
    funnel: LiveFunnel,
    state: AlertState,
    key: str,
    now: Now,
    sources: Mapping[str, Sequence[int]],
) -> set[int]:
    """Takes what is over into the history, and returns the hours that have changed.

    `sources`: arrivals in each of the last SOURCES_MINUTES.
    """
    until, minute = state.measured.get(key, 0), now.minute
    if until >= minute:
        return set()
    state.measured[key] = minute
    skip = skipped(funnel, state, minute, minute)
    changed = history.measure(minute, now.arrived, until, skip)
    hour = (minute - SETTLES_MINUTES) // 60 - 1
    if (until - SETTLES_MINUTES) // 60 - 1 < hour:
        skip = skipped(funnel, state, minute, hour * 60)
        first = hour * 60 - (minute - SOURCES_MINUTES + 1)
        counts = {source: sum(row[max(first, 0) : first + 60]) for source, row in sources.items()}
        known = learned(counts, funnel.name, state, hour * 60)
        if history.close(hour, now.series, skip, known):
            changed.add(hour)
    return changed


def forget(state: AlertState, watched: Iterable[tuple[Funnel, LiveFunnel]]) -> None:
    """What the site file no longer has."""
    subjects: set[str] = set()
    keys: set[str] = set()
    for definition, funnel in watched:
        keys.add(definition.key)
        subjects.add(entry_subject(funnel.name))
        subjects.update(subject_of(funnel, s) for s in range(1, len(funnel.steps)))
    state.watches = {
        name: watch
        for name, watch in state.watches.items()
        if "/".join(name.split("/")[:3]) in subjects or "/".join(name.split("/")[:2]) in subjects
    }
    state.measured = {key: minute for key, minute in state.measured.items() if key in keys}
    state.series = {key: series for key, series in state.series.items() if key in keys}
