"""The device stage: single cases, and that order, batching and repetition cannot matter."""

from __future__ import annotations

from functools import lru_cache

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.batch import encode_batch
from schemas.event import Decision, EnrichedEvent, Event, Rejected
from schemas.identity import LOGOUT
from schemas.ids import person_of_device, person_of_user, session_of
from schemas.messages import Correction, Register
from schemas.site import Funnel, SessionRules, Site, Step
from streams.device_stage import DeviceStage, States
from streams.records import Emissions, Record
from tests.unit.test_identity import oracle as owner_oracle

NOW = 1_790_000_000_000
MINUTE = 60_000
GAP = 30 * MINUTE
CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/141.0.0.0 Safari/537.36"
)
SITE = Site(
    name="Toyhouse",
    hosts=("toyhouse.example",),
    session=SessionRules(gap_ms=GAP, lateness_ms=86_400_000),
    funnels={
        "checkout": Funnel(
            name="checkout",
            steps=(Step(name="product", page="/p/*"), Step(name="cart", event="Product Added")),
        )
    },
)


def event(minute: int, name: str = "", user: str = "", referrer: str = "", **more: object) -> Event:
    """One event of device `d`, so many minutes into the half day before NOW."""
    time = NOW - 60 * MINUTE * 12 + minute * MINUTE
    fields: dict[str, object] = {
        "event_id": f"{minute}-{name}-{user}-{referrer}",
        "event_time": time,
        "received_at": time,
        "type": "track" if name else "identify" if user else "page",
        "name": name or ("" if user else "Page Viewed"),
        "protocol": "segment",
        "device_id": "d",
        "consent": "granted",
        "user_id": user,
        "url": "https://toyhouse.example/p/1",
        "referrer": referrer,
        "user_agent": CHROME,
    }
    return msgspec.convert({**fields, **more}, Event)


def fold(
    batches: list[list[Event | Decision | bytes]], states: States | None = None
) -> dict[str, list[bytes]]:
    """All emitted lines by topic, each record one batch."""
    stage = DeviceStage(SITE, "secret")
    states = {} if states is None else states
    lines: dict[str, list[bytes]] = {}
    for offset, batch in enumerate(batches):
        value = b"\n".join(
            line if isinstance(line, bytes) else encode_batch([line]) for line in batch
        )
        record = Record(0, offset, NOW, value, lambda: None)
        emissions: Emissions = stage.fold(states, [(record, stage.decode(record))], 1).emissions
        for (topic, _), emitted in emissions.lines.items():
            lines.setdefault(topic, []).extend(emitted)
    return lines


def rows(lines: dict[str, list[bytes]]) -> list[EnrichedEvent]:
    emitted = lines.get("footfall.events", [])
    return [msgspec.json.decode(line, type=EnrichedEvent) for line in emitted]


def test_a_page_view_becomes_a_row() -> None:
    (row,) = rows(fold([[event(0, referrer="https://www.google.com/")]]))
    assert (row.host, row.path) == ("toyhouse.example", "/p/1")
    assert (row.referrer_medium, row.referrer_source) == ("search", "Google")
    assert (row.browser, row.os, row.device_class) == ("Chrome", "Windows", "desktop")
    assert row.person_id == person_of_device("d")
    assert row.session_id == session_of("d", row.event_time)


def test_a_repeated_event_is_the_event_that_was_there_before() -> None:
    assert len(rows(fold([[event(0), event(0)], [event(0)]]))) == 1


def test_the_same_id_under_two_devices_is_two_events() -> None:
    assert len(rows(fold([[event(0), event(0, device_id="e")]]))) == 2


def test_a_bot_is_flagged_and_leaves_no_state() -> None:
    states: States = {}
    (row,) = rows(fold([[event(0, user_agent="Googlebot/2.1")]], states))
    assert (row.is_bot, row.bot_reason, row.person_id) == (True, "known_crawler", None)
    assert not any(states.values())


def test_a_log_that_writes_no_user_agents_is_not_all_bots() -> None:
    silent = {"user_agent": "", "protocol": "log", "device_id": "p_x"}
    assert rows(fold([[event(0, **silent)]]))[0].bot_reason == "no_user_agent"
    assert not rows(fold([[event(0, **silent, notes=["agent_not_logged"])]]))[0].is_bot


def test_a_pseudonym_has_a_session_and_no_person() -> None:
    lines = fold([[event(0, device_id="p_x", consent="unknown", user_id="")]])
    (row,) = rows(lines)
    assert row.person_id is None
    assert row.session_id is not None
    assert "footfall.identity" not in lines


def test_a_line_that_is_no_record_is_rejected_and_the_rest_kept() -> None:
    lines = fold([[b'{"kind": "event"}', event(0), b"\xff\x00"]])
    rejected = [msgspec.json.decode(line, type=Rejected) for line in lines["footfall.rejected"]]
    assert [r.original for r in rejected] == [b'{"kind": "event"}', b"\xff\x00"]
    assert len(rows(lines)) == 1


def test_a_decision_passes_on_to_its_own_topic() -> None:
    decision = Decision(
        decision_id="x", decided_at=NOW, device_id="d", scenario="s", variant="v", reason="r"
    )
    assert len(fold([[decision]])["footfall.decisions"]) == 1


def test_an_order_is_read_from_the_properties() -> None:
    bought = event(
        0,
        "Order Completed",
        properties=msgspec.Raw(b'{"order_id": 7, "revenue": "19.90", "currency": "eur"}'),
    )
    (row,) = rows(fold([[bought]]))
    assert (row.order_id, row.revenue, row.currency) == ("7", "19.9000", "EUR")


def test_money_that_cannot_be_read_is_noted_and_the_event_kept() -> None:
    bought = event(0, "Order Completed", properties=msgspec.Raw(b'{"revenue": "a lot"}'))
    (row,) = rows(fold([[bought]]))
    assert (row.revenue, row.notes) == (None, ["revenue_unreadable"])


def searched(properties: bytes, name: str = "Products Searched") -> str:
    (row,) = rows(fold([[event(0, name, properties=msgspec.Raw(properties))]]))
    return row.search_query


def test_what_was_searched_for_is_read_from_the_event() -> None:
    assert searched(b'{"query": " blue train "}') == "blue train"
    assert len(searched(b'{"query": "%s"}' % (b"x" * 5000))) == 500
    assert searched(b'{"query": ["no text"]}') == ""
    assert searched(b"{}") == ""
    assert searched(b'{"query": "train"}', name="Product Added") == ""


@pytest.mark.parametrize("depth", [*range(800, 1000, 3), 30_000])
def test_what_is_nested_too_deeply_is_refused_or_a_row(depth: int) -> None:
    said = b'{"order_id": "7", "query": "train", "x": %s%s}' % (b"[" * depth, b"]" * depth)
    lines = fold([[event(0, "Products Searched", properties=msgspec.Raw(said))]])
    assert len(rows(lines)) + len(lines.get("footfall.rejected", ())) == 1


def test_after_a_login_the_register_moves_to_the_user() -> None:
    lines = fold([[event(0)], [event(5, user="anna")]])
    registers = [msgspec.json.decode(line, type=Register) for line in lines["footfall.registers"]]
    newest = {register.person_id: register for register in registers}
    assert newest[person_of_device("d")].gone
    assert not newest[person_of_user("anna")].gone


# -- order, batching, repetition --------------------------------------------------------------

SOURCES = ["", "", "", "https://a.example/", "https://b.example/"]
histories = st.lists(
    st.one_of(
        st.builds(event, st.integers(0, 600), referrer=st.sampled_from(SOURCES)),
        st.builds(event, st.integers(0, 600), user=st.sampled_from(["anna", "ben"])),
        st.builds(event, st.integers(0, 600), name=st.just("Logged Out")),
    ),
    min_size=1,
    max_size=12,
    unique_by=lambda e: e.event_id,
)


def as_known_now(lines: dict[str, list[bytes]]) -> dict[str, tuple[str | None, str | None]]:
    """event id -> (person, session): what the ClickHouse views make of rows and corrections."""
    newest: dict[tuple[str, int], Correction] = {}
    for line in lines.get("footfall.corrections", []):
        span = msgspec.json.decode(line, type=Correction)
        newest[span.what, span.since] = span
    kept = sorted((r for r in newest.values() if not r.removed), key=lambda r: r.since)
    known: dict[str, tuple[str | None, str | None]] = {}
    for row in rows(lines):
        person, session = row.person_id, row.session_id
        for correction in kept:
            if correction.since <= row.event_time <= correction.until:
                if correction.what == "session":
                    session = correction.session_id
                elif not row.user_id:
                    person = correction.person_id
        known[row.event_id] = (person, session)
    return known


@lru_cache
def mark_of(referrer: str) -> str:
    """The source as a state's marks name it; of several at one moment the least name counts."""
    states: States = {}
    fold([[event(0, referrer=referrer)]], states)
    state = states["d"]
    assert state is not None
    return state.marks[0][1] if state.marks else ""


def wanted(history: list[Event]) -> dict[str, tuple[str | None, str | None]]:
    """The same from the whole set at once, slowly and plainly."""
    ordered = sorted(history, key=lambda e: e.event_time)
    marks = [(e.event_time, e.user_id) for e in history if e.user_id]
    marks += [(e.event_time, LOGOUT) for e in history if e.name == "Logged Out"]
    result: dict[str, tuple[str | None, str | None]] = {}
    start, last, source, owner = 0, None, "", None
    for time in sorted({e.event_time for e in ordered}):
        now = [e for e in ordered if e.event_time == time]
        sources = sorted({mark_of(e.referrer) for e in now} - {""})
        owner_now = owner_oracle(marks, time)
        if last is None or time - last > GAP:
            start, source = time, sources[0] if sources else ""  # of several the least counts
        else:
            for moment in (last + 1, time):  # after a logout the next session begins at once
                if (other := owner_oracle(marks, moment)) != owner:
                    start, owner = moment, other
            for mark in sources:
                if mark != source:
                    start, source = time, mark
        last, owner = time, owner_now
        user, logout = owner_now
        for e in now:
            who = e.user_id or user
            person = person_of_user(who) if who else person_of_device("d", logout)
            result[e.event_id] = (person, session_of("d", start))
    return result


@settings(max_examples=400, deadline=None)
@given(histories, st.randoms(use_true_random=False))
def test_any_order_batching_and_repetition_gives_the_same_persons_and_sessions(
    history: list[Event], random: object
) -> None:
    events = history + history[:2]
    random.shuffle(events)  # type: ignore[attr-defined]
    cut = random.randrange(len(events) + 1)  # type: ignore[attr-defined]
    batches: list[list[Event | Decision | bytes]] = [list(events[:cut]), list(events[cut:])]
    assert as_known_now(fold(batches)) == wanted(history)


@settings(max_examples=100, deadline=None)
@given(histories)
def test_what_is_emitted_does_not_depend_on_batch_borders(history: list[Event]) -> None:
    stage = DeviceStage(SITE, "secret")
    records = [Record(0, i, NOW, encode_batch([e]), lambda: None) for i, e in enumerate(history)]
    together: States = {}
    at_once = stage.fold(together, [(r, stage.decode(r)) for r in records], 1).emissions.lines
    apart: dict[tuple[str, int], list[bytes]] = {}
    states: States = {}
    for record in records:
        for key, lines in stage.fold(
            states, [(record, stage.decode(record))], 1
        ).emissions.lines.items():
            apart.setdefault(key, []).extend(lines)
    assert apart == dict(at_once)
    assert states == together
