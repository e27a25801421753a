"""A device that is faster than persons, or reads robots.txt, is a bot all that day."""

from __future__ import annotations

import random
from collections import Counter
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.activity import PAGE
from schemas.bot_days import DAY_MS, RATE, ROBOTS_TXT, add_to_minute, spans_outside, with_day
from schemas.device_state import DeviceState
from schemas.event import Event
from schemas.ids import person_of_user, session_of
from schemas.messages import Correction, Register
from schemas.site import BotRules
from streams.device_stage import DeviceStage, States
from streams.records import Record
from tests.unit.test_device_stage import MINUTE, NOW, SITE, event, rows

LIMIT = 20
RULES = msgspec.structs.replace(SITE, bots=BotRules(max_events_a_minute=LIMIT))
DAY = NOW // DAY_MS * DAY_MS - DAY_MS  # a whole UTC day before NOW's, well inside the live horizon


def at(time: int, number: int = 0, **more: object) -> Event:
    """One event of device `d` at a time (ms); `number` tells those of one time apart."""
    told: dict[str, Any] = {"event_id": f"{time}-{number}-{more.get('user', '')}", **more}
    return event(0, event_time=time, received_at=time, **told)


def burst(time: int, count: int = LIMIT + 1, **more: object) -> list[Event]:
    """So many events within one minute."""
    return [at(time + n, 0, **more) for n in range(count)]


def fold(batches: list[list[Event]], states: States) -> dict[str, list[bytes]]:
    """All emitted lines by topic, each batch one record."""
    stage = DeviceStage(RULES, "secret")
    lines: dict[str, list[bytes]] = {}
    for offset, batch in enumerate(batches):
        value = b"\n".join(map(msgspec.json.encode, batch))
        record = Record(0, offset, NOW, value, lambda: None)
        emissions = stage.fold(states, [(record, stage.decode(record))], 1).emissions
        for (topic, _), emitted in emissions.lines.items():
            lines.setdefault(topic, []).extend(emitted)
    return lines


def known_bots(lines: dict[str, list[bytes]]) -> dict[str, str]:
    """Event id -> why it is a bot's as known now: what the ClickHouse view makes of it."""
    flags: dict[int, str] = {}
    for line in lines.get("footfall.corrections", []):
        found = msgspec.json.decode(line, type=Correction)
        if found.what == "bot":
            assert found.until == found.since + DAY_MS - 1
            flags[found.since] = found.bot_reason
    return {
        row.event_id: flags.get(row.event_time // DAY_MS * DAY_MS, row.bot_reason)
        for row in rows(lines)
    }


def registers(lines: dict[str, list[bytes]]) -> dict[str, Register]:
    """The newest register of each person, without what tells its age, and without the last pages,
    which are kept from the first login on that had come by then.
    """
    newest: dict[str, Register] = {}
    for line in lines.get("footfall.registers", []):
        register = msgspec.json.decode(line, type=Register)
        done = {name: cells for name, cells in register.activity.items() if name[0] != PAGE}
        newest[register.person_id] = msgspec.structs.replace(register, version=0, activity=done)
    return {person: register for person, register in newest.items() if not register.gone}


# -- single cases -----------------------------------------------------------------------------


def test_as_many_events_a_minute_as_are_allowed_are_no_bot() -> None:
    lines = fold([burst(DAY, LIMIT)], {})
    assert set(known_bots(lines).values()) == {""}
    assert registers(lines)


def test_one_more_takes_back_the_whole_day_and_later_ones_are_flagged_at_once() -> None:
    lines = fold([[at(DAY)], burst(DAY + 60 * MINUTE), [at(DAY + 600 * MINUTE)]], {})
    assert set(known_bots(lines).values()) == {RATE}
    assert [row.is_bot for row in rows(lines)] == [False] * (LIMIT + 1) + [True] * 2
    assert not registers(lines), "the device contributes nothing any more"


def test_a_repeated_event_makes_no_rate() -> None:
    lines = fold([[at(DAY)] * 3 * LIMIT, [at(DAY)] * 3 * LIMIT], {})
    assert set(known_bots(lines).values()) == {""}


def test_events_of_a_server_make_no_rate() -> None:
    assert set(known_bots(fold([burst(DAY, server=True)], {})).values()) == {""}
    backend = burst(DAY, device_id="user:anna", user="anna")
    assert set(known_bots(fold([backend], {})).values()) == {""}


def test_the_day_before_and_after_counts_on() -> None:
    days = [at(DAY - DAY_MS), *burst(DAY), at(DAY + DAY_MS)]
    lines = fold([[each] for each in days], {})
    flagged = {row.event_time // DAY_MS for row in rows(lines) if known_bots(lines)[row.event_id]}
    assert flagged == {DAY // DAY_MS}
    (register,) = registers(lines).values()
    assert (register.sessions, register.first_seen) == (2, DAY - DAY_MS)


def test_a_session_that_goes_on_past_midnight_counts_for_what_is_after_it() -> None:
    midnight = DAY + DAY_MS
    lines = fold([[*burst(midnight - 5 * MINUTE), at(midnight + MINUTE)]], {})
    (register,) = registers(lines).values()
    assert (register.sessions, register.first_seen) == (1, midnight + MINUTE)
    assert rows(lines)[-1].session_id == session_of("d", midnight - 5 * MINUTE)


def test_who_reads_robots_txt_is_a_bot_that_day() -> None:
    asked = at(DAY + MINUTE, url="https://toyhouse.example/robots.txt?x", device_id="p_x")
    page = at(DAY, device_id="p_x")
    about = at(DAY, device_id="p_y", url="https://toyhouse.example/blog/robots.txt")
    bots = known_bots(fold([[page], [asked]], {}))
    assert set(bots.values()) == {ROBOTS_TXT}
    assert set(known_bots(fold([[about]], {})).values()) == {""}


def test_an_order_of_a_flagged_day_is_taken_back() -> None:
    bought = at(DAY, name="Order Completed", user_id="anna")
    assert registers(fold([[bought]], {}))[person_of_user("anna")].orders == 1
    assert not registers(fold([[bought], burst(DAY + MINUTE)], {}))


# -- any order --------------------------------------------------------------------------------

moments = st.builds(
    lambda day, minute: DAY + (day - 1) * DAY_MS + minute * MINUTE,
    st.integers(0, 2),
    st.sampled_from([0, 1, 700, 1438, 1439]),
)
acts = st.one_of(
    moments.map(lambda time: [at(time)]),
    st.tuples(moments, st.sampled_from([LIMIT // 2, LIMIT, LIMIT + 1, LIMIT + 9])).map(
        lambda one: burst(*one)
    ),
    moments.map(lambda time: [at(time, 1, url="https://toyhouse.example/robots.txt")]),
    moments.map(lambda time: [at(time, 2, name="Order Completed")]),
    moments.map(lambda time: [at(time, 3, user="anna")]),
)


def wanted(history: list[Event]) -> dict[str, str]:
    """The same from the whole set at once, plainly."""
    minutes = Counter(each.event_time // MINUTE for each in history)
    fast = {minute * MINUTE // DAY_MS for minute, count in minutes.items() if count > LIMIT}
    asked = {e.event_time // DAY_MS for e in history if e.url.endswith("/robots.txt")}
    return {
        each.event_id: RATE
        if each.event_time // DAY_MS in fast
        else ROBOTS_TXT
        if each.event_time // DAY_MS in asked
        else ""
        for each in history
    }


@settings(max_examples=150, deadline=None)
@given(st.lists(acts, min_size=1, max_size=6), st.integers(0, 10**6))
def test_any_order_batching_and_repetition_flags_the_same_days(
    parts: list[list[Event]], seed: int
) -> None:
    history = list({each.event_id: each for part in parts for each in part}.values())
    in_order = fold([sorted(history, key=lambda e: (e.event_time, e.event_id))], {})
    chance = random.Random(seed)
    mixed = history + history[:5]
    chance.shuffle(mixed)
    cut = chance.randrange(len(mixed) + 1)
    states: States = {}
    lines = fold([mixed[:cut], mixed[cut:]], states)
    assert known_bots(lines) == known_bots(in_order) == wanted(history)
    assert registers(lines) == registers(in_order)


few = st.lists(st.integers(0, 1439), max_size=60)
many = st.lists(st.sampled_from([0, 1, 31, 32, 1439]), max_size=400)


@given(few | many)
def test_counts_of_a_day_are_a_function_of_its_events(minutes: list[int]) -> None:
    counts = ordered = b""
    said: Counter[int] = Counter()
    for minute in minutes:
        counts, count = add_to_minute(counts, minute)
        said[minute] += 1
        assert count == said[minute]
    for minute in sorted(minutes):
        ordered, _ = add_to_minute(ordered, minute)
    assert counts == ordered
    assert len(counts) == 2 * sum(-(-count // 32) for count in said.values())


def test_the_newest_flagged_days_are_kept() -> None:
    days: dict[int, str] = {}
    for day in range(100):
        days = with_day(days, day, ROBOTS_TXT)
    assert sorted(days) == list(range(36, 100))
    assert with_day(days, 35, ROBOTS_TXT) is days


@pytest.mark.parametrize(
    ("days", "until", "spans"),
    [
        ({1: RATE}, 3 * DAY_MS, [(0, DAY_MS - 1), (2 * DAY_MS, 3 * DAY_MS)]),
        ({0: RATE, 1: RATE}, DAY_MS, []),
        ({}, 5, [(0, 5)]),
    ],
)
def test_what_lies_outside_flagged_days(
    days: dict[int, str], until: int, spans: list[tuple[int, int]]
) -> None:
    assert spans_outside(days, until) == spans


def test_a_state_of_before_these_fields_has_none_of_them() -> None:
    assert not DeviceState(first_seen=0, last_seen=0).bot_days
