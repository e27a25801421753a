"""Whether anybody arrives: at a funnel's first step, and from each source that matters to the site.

Arrivals are compared with what this hour of past days brought, which differs far more than a share
does: a campaign ends, a holiday begins, a site that sends visitors takes its link away. So only a
fall by `FALL` is told, as a warning. Where fewer visits begin at all, nothing else of this is told.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

import msgspec

from personalize_api.alerts.change_point import Expected, Fall
from personalize_api.alerts.funnel_alerts import Now, again, is_skipped
from personalize_api.alerts.history import History
from personalize_api.alerts.state import AlertState, Finding
from personalize_api.alerts.usual import Usual, quantile
from personalize_api.alerts.watch import Step, Watch, judge
from schemas.standard_funnels import VISITS

FALL = 0.7
SOURCE = "referrer_source"
MOST_SOURCES = 12
_LEAST_PART = 0.05
"""A source matters that brings at least this part of the usual arrivals."""

_DOUBT2 = 0.2**2
_SPREAD = 1.5  # people come in groups, and one person more than once
_MINUTES = 240


class Entry(msgspec.Struct, frozen=True):
    """One funnel's first step."""

    funnel: str
    history: History
    now: Now
    sources: Mapping[str, Sequence[int]]  # arrivals a minute, the last being `now.minute`


def subject_of(funnel: str, source: str | None = None) -> str:
    of_source = "" if source is None else f"/{SOURCE}={source or 'none'}"
    return f"entry/{funnel}{of_source}"


async def findings(entries: Sequence[Entry], state: AlertState) -> list[Finding]:
    """Moves the watches of all entries by one evaluation."""
    found: list[Finding] = []
    for entry in sorted(entries, key=lambda each: each.funnel != VISITS):
        await asyncio.sleep(0)  # visitors are waiting in the same loop
        minutes = entry.now.series.steps[0][-_MINUTES:]
        found += _judged(entry, None, minutes, state)
        for source in _that_matter(entry):
            found += _judged(entry, source, entry.sources.get(source, ()), state)
    return found


def learned(
    counts: Mapping[str, int], funnel: str, state: AlertState, since: int
) -> dict[str, int]:
    """What is kept of an hour that began in minute `since`: its largest sources; -1 where a source
    was told of, so that nothing is learned.
    """
    largest = sorted(counts, key=lambda source: (-counts[source], source))[:MOST_SOURCES]
    kept = {source: counts[source] for source in largest}
    for subject, watch in state.watches.items():
        source = subject.removeprefix(f"entry/{funnel}/{SOURCE}=")
        if source != subject and is_skipped(watch, since + 60, since):
            kept["" if source == "none" else source] = -1
    return kept


def _that_matter(entry: Entry) -> list[str]:
    hour = entry.now.minute // 60
    all_of_them = entry.history.entering(hour)
    if all_of_them is None:
        return []
    found = []
    for source in sorted(entry.sources.keys() | entry.history.sources(hour)):
        usual = entry.history.entering(hour, source)
        if usual is not None and usual.share >= _LEAST_PART * all_of_them.share:
            found.append(source)
    return found


def _judged(
    entry: Entry, source: str | None, minutes: Sequence[int], state: AlertState
) -> list[Finding]:
    subject = subject_of(entry.funnel, source)
    watch = state.watches.get(subject, Watch())
    above = [state.watches.get(each, Watch()) for each in _above(entry.funnel, source)]
    if not watch.since and any(each.since for each in above):
        return []
    watch.floor = max([watch.floor, *(each.floor for each in above)])  # what was told is told
    now = entry.now.minute
    rates = _rates(entry.history, source, now, len(minutes), entry.now.part)
    usual = entry.history.entering(now // 60, source)
    if rates is None or usual is None or not minutes:
        return [again(subject, state, watch)] if watch.since and subject in state.active else []
    expected = Expected(1.0, 1 / (usual.cv2 + _DOUBT2), _SPREAD, 0.0, usual.days)
    state.watches[subject] = watch
    fell = judge(watch, Step(minutes, rates, expected), now, FALL)
    if fell is not None:
        return [_finding(entry.funnel, source, subject, watch, fell, expected)]
    if watch.since and subject in state.active:
        return [again(subject, state, watch)]
    if watch.since:
        state.watches[subject] = Watch()  # what was raised was not kept: judge it anew
    return []


def _above(funnel: str, source: str | None) -> set[str]:
    """Subjects that tell of it already."""
    return {subject_of(VISITS), subject_of(funnel)} - {subject_of(funnel, source)}


def _rates(
    history: History, source: str | None, now: int, count: int, part: float
) -> list[float] | None:
    """Usual arrivals in each of the last minutes: of the hours' middles, and between them."""
    rates = []
    for minute in range(now - count + 1, now + 1):
        hour, after = divmod(minute - 30, 60)
        first, second = history.entering(hour, source), history.entering(hour + 1, source)
        if first is None or second is None:
            return None
        rates.append(first.share + (second.share - first.share) * after / 60)
    if rates:
        rates[-1] *= part
    return rates


def _finding(
    funnel: str, source: str | None, subject: str, watch: Watch, fall: Fall, expected: Expected
) -> Finding:
    usual = Usual(1.0, 1 / expected.size, expected.days)
    low, high = quantile(fall.due, usual, 0.05), quantile(fall.due, usual, 0.95)
    minutes = "minute" if fall.minutes == 1 else f"{fall.minutes} minutes"
    few = "nobody arrives" if not fall.came else f"{1 - fall.came / fall.expected:.0%} fewer arrive"
    whence = "" if source is None else f" from {source or 'nowhere'}"
    return Finding(
        subject=subject,
        kind="entry",
        severity="warning",
        title=f"{funnel}: {few}{whence}",
        detail=(
            f"{fall.came:,} arrived in the last {minutes}; usual at this hour: "
            f"{low:,} to {high:,} ({expected.days} days known)"
        ),
        since_ms=watch.since * 60_000,
    )
