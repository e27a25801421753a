"""History that comes when a device already has newer events, or comes again."""

from __future__ import annotations

import random

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.device_state import encode_device_state
from schemas.event import EnrichedEvent, Event
from schemas.ids import person_of_device, session_of
from schemas.messages import Correction
from streams.device_stage import States
from streams.sessions import MAX_OLD_RUNS
from tests.unit.test_device_stage import GAP, MINUTE, NOW, event, fold, rows

DAY = 1440  # minutes
DAYS = 40


def told(minute: int) -> Event:
    """An event so many minutes after 40 days before NOW."""
    time = NOW - DAYS * DAY * MINUTE + minute * MINUTE
    return event(0, event_id=str(minute), event_time=time, received_at=time, protocol="import")


def live(minutes_ago: int) -> Event:
    return told(DAYS * DAY - minutes_ago)


def sessions_stored(batches: list[list[Event]]) -> dict[str, str | None]:
    """Event id -> session, as the ClickHouse views make it of rows and corrections."""
    lines = fold([list(batch) for batch in batches])
    kept: dict[str, EnrichedEvent] = {}
    for row in rows(lines):
        first = kept.get(row.event_id)
        if first is None or (row.received_at, row.late) <= (first.received_at, first.late):
            kept[row.event_id] = row
    spans: dict[int, Correction] = {}
    for line in lines.get("footfall.corrections", []):
        span = msgspec.json.decode(line, type=Correction)
        if span.what == "session":
            spans[span.since] = span
    known = {row.event_id: row.session_id for row in kept.values()}
    for row in kept.values():
        before = [s for s in spans.values() if s.since <= row.event_time and not s.removed]
        newest = max(before, key=lambda s: s.since, default=None)
        if newest is not None and row.event_time <= newest.until:
            known[row.event_id] = newest.session_id
    return known


def sessions_wanted(history: list[Event]) -> dict[str, str | None]:
    """The same from the whole set at once."""
    wanted: dict[str, str | None] = {}
    start, last = 0, -GAP - 1
    for one in sorted(history, key=lambda e: e.event_time):
        start = one.event_time if one.event_time - last > GAP else start
        last = one.event_time
        wanted[one.event_id] = session_of("d", start)
    return wanted


visits = st.lists(
    st.tuples(st.integers(0, (DAYS - 1) * 24), st.integers(1, 3)), min_size=20, max_size=40
).map(
    lambda chosen: [
        told(minute)
        for minute in sorted({60 * hour + 20 * n for hour, pages in chosen for n in range(pages)})
    ]
)


@settings(max_examples=150, deadline=None)
@given(visits)
def test_history_in_its_order_forms_its_sessions_behind_newer_events(history: list[Event]) -> None:
    newer = [live(50), live(40)]
    assert sessions_stored([newer, history]) == sessions_wanted(newer + history)


@settings(max_examples=150, deadline=None)
@given(visits, st.integers(0, 2**32))
def test_history_told_again_changes_nothing(history: list[Event], seed: int) -> None:
    again = history.copy()
    random.Random(seed).shuffle(again)
    newer = [live(50), live(40)]
    for told_twice in ([history, newer, again], [newer, history, again], [history, again]):
        everything = {e.event_id: e for batch in told_twice for e in batch}
        assert sessions_stored(told_twice) == sessions_wanted(list(everything.values()))


def test_up_to_a_number_of_old_sessions_their_order_does_not_matter() -> None:
    visits = [told(day * DAY) for day in range(MAX_OLD_RUNS)]
    assert sessions_stored([[live(5)], visits[::-1]]) == sessions_wanted([live(5), *visits])
    assert not any(row.late for row in rows(fold([[live(5)], list(visits[::-1])])))


def test_what_comes_when_its_sessions_are_closed_is_late_and_closes_none() -> None:
    visits = [told(day * DAY) for day in range(5, DAYS)]
    states: States = {}
    fold([[live(5)], list(visits)], states)
    before = states["d"]
    assert before is not None
    assert before.past_sessions + len(before.starts) == len(visits) + 1
    (row,) = rows(fold([[told(1)]], states))
    assert (row.late, row.person_id) == (True, person_of_device("d"))
    after = states["d"]
    assert after is not None
    assert (after.past_sessions, after.starts) == (before.past_sessions, before.starts)


def test_a_device_that_came_every_day_of_a_year_stays_small() -> None:
    states: States = {}
    visits = [told((day - 365) * DAY) for day in range(365)]
    fold([[visit] for visit in visits], states)
    state = states["d"]
    assert state is not None
    assert len(encode_device_state(state)) < 1000
