"""What analysts read: each event once, persons and sessions as known now, counts that add up."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from schemas.event import Decision, EnrichedEvent, Rejected
from schemas.ids import person_of_device, person_of_user, session_of
from schemas.messages import Correction, IdentityLink
from schemas.settings import Settings
from sinks.clickhouse.rows import CORRECTIONS, DECISIONS, EVENTS, IDENTITY, REJECTED
from tests.sink_world import DAY, MINUTE, NOON, Store, event, new_device, store


@pytest.fixture(scope="module")
def opened(settings: Settings) -> Iterator[Store]:
    with store(settings) as one:
        yield one


def correction(device: str, **fields: Any) -> Correction:
    given: dict[str, Any] = {
        "what": "person",
        "since": 0,
        "until": NOON + 3_600_000,
        "person_id": None,
        "session_id": None,
        "version": 1,
    }
    return Correction(device_id=device, **{**given, **fields})


def persons_of(opened: Store, device: str) -> list[str]:
    rows = opened.ask(
        "SELECT person_id FROM events_all WHERE device_id = {d:String} ORDER BY event_time",
        d=device,
    )
    return [str(person) for (person,) in rows]


def test_what_a_device_did_on_a_flagged_day_is_a_bots(opened: Store) -> None:
    device = new_device()
    midnight = NOON // DAY * DAY
    before = event(device, midnight - 1 - NOON)
    first, later = event(device, midnight - NOON), event(device)
    known = event(device, is_bot=True, bot_reason="known_crawler")
    opened.put(EVENTS, before, first, later, known)
    flag = {"what": "bot", "since": midnight, "until": midnight + DAY - 1}
    opened.put(CORRECTIONS, correction(device, **flag, bot_reason="reads_robots_txt"))
    opened.put(CORRECTIONS, correction(device, **flag, bot_reason="impossible_rate", version=2))
    rows = opened.ask(
        "SELECT event_id, is_bot, bot_reason FROM events_all WHERE device_id = {d:String}", d=device
    )
    flagged = (True, "impossible_rate")
    assert {str(row[0]): row[1:] for row in rows} == {
        before.event_id: (False, ""),
        first.event_id: flagged,
        later.event_id: flagged,
        known.event_id: flagged,
    }
    for view in ("events", "sessions", "persons"):
        condition = "device_id = {d:String}" if view != "persons" else "person_id = {p:String}"
        counted = opened.ask(
            f"SELECT count() FROM {view} WHERE {condition}", d=device, p=before.person_id
        )
        assert counted == [(1,)], view


def test_all_columns_of_the_contract_come_back_as_they_were_sent(opened: Store) -> None:
    device = new_device()
    sent = event(
        device,
        user_id="u1",
        title="Bär & Söhne \U0001f9f8",
        search_results=0,
        revenue="12.3400",
        currency="EUR",
        http_status=200,
        late=True,
        notes=["nan_nulled"],
        properties=msgspec.Raw(
            b'{"product_id":"p1","price":1.50,"when":"2026-01-01T00:00:00Z",'
            b'"n":{"a":[1,2]},"huge":123456789012345678901234567890}'
        ),
    )
    opened.put(EVENTS, sent)
    names = [field for field in EnrichedEvent.__struct_fields__ if field != "properties"]
    (row,) = opened.ask(
        f"SELECT {', '.join(names)}, toString(properties.product_id), toString(properties.price),"
        " toString(properties.when), toString(properties.n.a), toString(properties.huge)"
        " FROM events WHERE device_id = {d:String}",
        d=device,
    )
    found = dict(zip(names, row, strict=False))
    for name in ("event_id", "person_id", "session_id"):
        found[name] = str(found[name])
    for name in ("event_time", "received_at"):
        found[name] = round(found[name].timestamp() * 1000)
    found["revenue"] = f"{found['revenue']:.4f}"
    assert found == {name: getattr(sent, name) for name in names}
    assert row[len(names) :] == (
        "p1",
        "1.5",
        "2026-01-01T00:00:00Z",
        "[1,2]",
        "123456789012345678901234567890",
    )


def test_repeated_inserts_in_other_blocks_have_no_effect(opened: Store) -> None:
    device = new_device()
    sent = [event(device, at * MINUTE) for at in range(20)]
    opened.put(EVENTS, *sent)
    opened.put(EVENTS, *sent[5:15])
    opened.put(EVENTS, *sent[::-1], *sent)
    count = "SELECT count(), uniqExact(event_id) FROM events WHERE device_id = {d:String}"
    assert opened.ask(count, d=device) == [(20, 20)]


def test_of_copies_that_differ_the_first_received_holds(opened: Store) -> None:
    device = new_device()
    first = event(device, title="first", received_at=NOON + 1000)
    later = msgspec.structs.replace(first, title="later", received_at=NOON + 9000)
    opened.put(EVENTS, later)
    opened.put(EVENTS, first)
    opened.put(EVENTS, later)
    titles = "SELECT title FROM events WHERE device_id = {d:String}"
    assert opened.ask(titles, d=device) == [("first",)]


def test_one_id_under_two_devices_is_two_events(opened: Store) -> None:
    one, other = new_device(), new_device()
    shared = str(uuid.uuid4())
    opened.put(EVENTS, event(one, event_id=shared), event(other, event_id=shared))
    count = "SELECT count() FROM events WHERE event_id = {id:UUID}"
    assert opened.ask(count, id=shared) == [(2,)]


def test_bots_are_in_events_all_only(opened: Store) -> None:
    device = new_device()
    opened.put(EVENTS, event(device, is_bot=True, person_id=None, session_id=None))
    for view, count in (("events_all", 1), ("events", 0)):
        query = f"SELECT count() FROM {view} WHERE device_id = {{d:String}}"
        assert opened.ask(query, d=device) == [(count,)]


def test_a_correction_moves_earlier_events_to_the_person_known_now(opened: Store) -> None:
    device = new_device()
    ann, bob = person_of_user(f"ann-{device}"), person_of_user(f"bob-{device}")
    opened.put(EVENTS, *(event(device, at) for at in (0, 1000, 2000, 3000)))
    assert persons_of(opened, device) == [person_of_device(device)] * 4
    opened.put(
        CORRECTIONS,
        correction(device, person_id=ann, until=NOON + 1999),
        correction(device, since=NOON + 2000, until=NOON + 2500, person_id=bob),
    )
    # what came after the span was emitted with the right person
    assert persons_of(opened, device) == [ann, ann, bob, person_of_device(device)]


def test_the_newest_version_of_a_correction_holds_in_whatever_order(opened: Store) -> None:
    device = new_device()
    ann, bob = person_of_user(f"ann-{device}"), person_of_user(f"bob-{device}")
    opened.put(EVENTS, event(device))
    opened.put(CORRECTIONS, correction(device, person_id=ann, version=7))
    opened.put(CORRECTIONS, correction(device, person_id=bob, version=3))
    assert persons_of(opened, device) == [ann]
    opened.put(CORRECTIONS, correction(device, person_id=ann, version=8, removed=True))
    opened.put(CORRECTIONS, correction(device, person_id=ann, version=7))
    assert persons_of(opened, device) == [person_of_device(device)]


def test_a_correction_gives_no_person_to_bots_pseudonyms_or_another_login(opened: Store) -> None:
    device = new_device()
    ann, bob = person_of_user(f"ann-{device}"), person_of_user(f"bob-{device}")
    opened.put(
        EVENTS,
        event(device, 0, is_bot=True, person_id=None, session_id=None),
        event(device, 1, user_id="bob", person_id=bob, type="track", name="Order Completed"),
        event(device, 2, user_id="bob", type="alias", name=""),
    )
    opened.put(CORRECTIONS, correction(device, person_id=ann))
    assert persons_of(opened, device) == ["None", bob, ann]


def test_a_session_correction_holds_until_its_end_or_the_next(opened: Store) -> None:
    device = new_device()
    stored, early, late = (session_of(device, NOON + at) for at in (0, 1, 2))
    opened.put(EVENTS, *(event(device, at, session_id=stored) for at in (0, 10, 20, 30, 40)))
    opened.put(
        CORRECTIONS,
        correction(device, what="session", since=NOON + 10, until=NOON + 25, session_id=early),
        correction(device, what="session", since=NOON + 20, until=NOON + 30, session_id=late),
    )
    rows = opened.ask(
        "SELECT session_id FROM events WHERE device_id = {d:String} ORDER BY event_time", d=device
    )
    assert [str(session) for (session,) in rows] == [stored, early, late, late, stored]


def test_a_decision_is_shown_when_an_event_that_is_no_bots_carries_it(opened: Store) -> None:
    ids = [f"decision-{uuid.uuid4()}" for _ in range(3)]
    opened.put(
        DECISIONS,
        *(
            Decision(
                decision_id=decision_id,
                decided_at=NOON,
                device_id="d",
                scenario="encyclopedia",
                variant="bestsellers",
                reason="referrer",
                latency_ms=1.5,
            )
            for decision_id in [*ids, *ids]
        ),
    )
    opened.put(
        EVENTS,
        event(new_device(), decision_id=ids[0]),
        event(new_device(), decision_id=ids[1], is_bot=True, person_id=None, session_id=None),
    )
    rows = opened.ask(
        "SELECT decision_id, shown, latency_ms FROM decisions"
        " WHERE decision_id IN {ids:Array(String)}",
        ids=ids,
    )
    assert sorted(rows) == sorted([(ids[0], True, 1.5), (ids[1], False, 1.5), (ids[2], False, 1.5)])


def test_an_identity_is_one_row_a_reason_from_its_earliest_evidence_on(opened: Store) -> None:
    device, person = new_device(), person_of_user("x")

    def link(valid_from: int, version: int, seen_on: str) -> IdentityLink:
        return IdentityLink(
            identifier=device,
            kind="cookie",
            person_id=person,
            valid_from=valid_from,
            reason="login",
            device_id=seen_on,
            version=version,
        )

    opened.put(IDENTITY, link(NOON, 1, device), link(NOON - 5, 2, device), link(NOON, 1, "other"))
    rows = opened.ask(
        "SELECT kind, person_id, toUnixTimestamp64Milli(valid_from), reason FROM identities"
        " WHERE identifier = {d:String}",
        d=device,
    )
    assert rows == [("cookie", uuid.UUID(person), NOON - 5, "login")]
    taken_back = link(NOON - 5, 3, device)
    taken_back.status = "revoked"
    opened.put(IDENTITY, taken_back)
    held = "SELECT count() FROM identities WHERE identifier = {d:String}"
    assert opened.ask(held, d=device) == [(1,)], "what was seen on another device still says so"
    opened.put(IDENTITY, msgspec.structs.replace(link(NOON, 4, "other"), removed=True))
    assert opened.ask(held, d=device) == [(0,)]
    conflicts = "SELECT status, device_id FROM identity_conflicts WHERE identifier = {d:String}"
    assert opened.ask(conflicts, d=device) == [("revoked", device)]


def test_a_refusal_keeps_its_bytes_and_is_one_however_often_it_came(opened: Store) -> None:
    one = Rejected(
        rejected_id=str(uuid.uuid4()),
        rejected_at=NOON,
        reason="wrong_type",
        detail="event_time: expected int",
        protocol="segment",
        event_id="not a uuid",
        original=bytes(range(256)),
    )
    opened.put(REJECTED, msgspec.structs.replace(one, rejected_at=NOON + 40 * DAY))
    opened.put(REJECTED, one, one)
    rows = opened.ask(
        "SELECT toUnixTimestamp64Milli(rejected_at), reason, detail, protocol, event_id,"
        " hex(original) FROM rejected WHERE rejected_id = {id:UUID}",
        id=one.rejected_id,
    )
    assert rows == [
        (
            *(NOON, "wrong_type", "event_time: expected int", "segment", "not a uuid"),
            bytes(range(256)).hex().upper(),
        )
    ]
