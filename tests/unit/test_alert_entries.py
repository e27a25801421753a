"""Nobody arrives: at all, or from a source that mattered; and a quiet day is no alert."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from personalize_api.alerts.entry_alerts import MOST_SOURCES, Entry, findings, learned, subject_of
from personalize_api.alerts.funnel_alerts import Now
from personalize_api.alerts.history import History
from personalize_api.alerts.hours import Hour, StepHour
from personalize_api.alerts.incidents import change
from personalize_api.alerts.series import Series
from personalize_api.alerts.state import AlertState
from personalize_api.alerts.watch import Watch

FIRST = 490_824  # a Monday, 0:00 UTC
DAYS = 14
SOURCES = {"Google": 4.0, "Encyclopedia": 2.0, "": 1.0, "Bing": 0.1}

ENCYCLOPEDIA = subject_of("visits", "Encyclopedia")


def rate(source: str, minute: int) -> float:
    """Arrivals a minute: few at night, a peak in the evening."""
    clock = minute / 1440 % 1
    return SOURCES[source] * float(0.3 + 1.4 * max(0.0, np.sin((clock - 0.27) * np.pi * 1.25)))


def history(random: np.random.Generator) -> History:
    known = History(2, ZoneInfo("UTC"))
    hours = {}
    for hour in range(DAYS * 24):
        a_day = np.exp(np.random.default_rng(hour // 24).normal(0, 0.15))
        counts = {s: int(random.poisson(60 * a_day * rate(s, hour * 60 + 30))) for s in SOURCES}
        hours[FIRST + hour] = Hour([StepHour()], sum(counts.values()), counts)
    known.load(hours)
    return known


def told(
    left: Callable[[str, int], float], first: int, last: int, seed: int
) -> list[tuple[int, str]]:
    """(minute of the day, subject) of each alert that is raised, '-' before those that end."""
    random = np.random.default_rng(seed)
    known, state, found = history(random), AlertState(), []
    begin = (FIRST + DAYS * 24) * 60
    rows: dict[str, list[int]] = {source: [] for source in SOURCES}
    for minute in range(first - 120, last):
        for source, row in rows.items():
            row.append(int(random.poisson(rate(source, minute) * left(source, minute))))
        if minute < first:
            continue
        everybody = [sum(counts) for counts in zip(*rows.values(), strict=True)]
        series = Series(begin + minute, [everybody[-240:], [0] * len(everybody[-240:])])
        now = Now(series, series.steps, begin + minute, 1.0)
        entry = Entry("visits", known, now, {s: row[-120:] for s, row in rows.items()})
        other = Entry("homepage", known, now, {})
        for _ in range(2):
            moved = change(state, asyncio.run(findings([other, entry], state)), minute * 60_000)
            found += [(minute, alert.id.partition("@")[0]) for alert in moved.raised]
            found += [(minute, "-" + alert.id.partition("@")[0]) for alert in moved.resolved]
    return found


NOON = 12 * 60


def test_a_source_that_stops_is_told_and_only_it() -> None:
    alerts = told(lambda s, m: float(s != "Encyclopedia" or m < NOON), NOON - 60, NOON + 60, 1)
    ((minute, subject),) = alerts
    assert subject == ENCYCLOPEDIA
    assert NOON + 3 <= minute <= NOON + 10, "18 to 25 arrivals"


def test_where_nobody_arrives_at_all_it_is_told_once_and_its_end() -> None:
    (raised, subject), (ended, end) = told(
        lambda _, m: float(not NOON <= m < NOON + 20), NOON - 60, NOON + 120, 2
    )
    assert (subject, end) == (subject_of("visits"), f"-{subject_of('visits')}")
    assert NOON < raised <= NOON + 3
    assert NOON + 20 < ended < NOON + 40


def test_a_morning_with_half_the_visitors_is_no_alert() -> None:
    assert told(lambda _s, _m: 0.5, 300, 900, 3) == []


def test_of_an_hour_the_largest_sources_are_kept_but_for_one_that_was_told_of() -> None:
    counts = {f"s{number}": number for number in range(1, 30)}
    state = AlertState(watches={subject_of("visits", "s20"): Watch(since=50, raised=60)})
    kept = learned(counts, "visits", state, 40)
    assert kept == {f"s{n}": n if n != 20 else -1 for n in range(30 - MOST_SOURCES, 30)}


def test_what_was_not_learned_says_nothing() -> None:
    known = History(2, ZoneInfo("UTC"))
    day = {"Google": 600, "Bing": 60}
    known.load({FIRST + 24 * n: Hour([StepHour()], 660, day) for n in range(5)})
    known.load({FIRST + 24 * 5: Hour([StepHour()], -1, {"Google": -1})})
    at = FIRST + 24 * 7
    everybody, google = known.entering(at), known.entering(at, "Google")
    assert everybody is not None
    assert google is not None
    assert everybody.share == pytest.approx(11.0)
    assert google.share == pytest.approx(10.0)
    assert known.entering(at, "Yahoo") is None
