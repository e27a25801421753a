"""Clicks in mails, claims and revocations through the device stage, against the rules."""

from __future__ import annotations

import json
import random
from typing import Any, NamedTuple

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.batch import encode_line
from schemas.click_token import sign
from schemas.event import Claim, EnrichedEvent, Event
from schemas.identifiers import node_of
from schemas.identity import LOGOUT
from schemas.ids import person_of_device, person_of_user
from schemas.messages import Correction, IdentityLink, Register
from streams.device_stage import DeviceStage, States
from streams.records import Record
from tests.unit.test_device_stage import NOW, SITE, event
from tests.unit.test_identity import oracle as owner_oracle

SECRET = "secret"
MAIL = "anna@example.com"
NODE = node_of("email", MAIL, SECRET)
USERS = st.sampled_from(["anna", "ben"])
MINUTES = st.integers(0, 600)


class Told(NamedTuple):
    """What the stage emitted, as those read it who come after it."""

    persons: dict[str, str | None]  # event id -> person, as the ClickHouse view shows it
    links: dict[tuple[str, str, str, str], tuple[int, str]]  # that are there at the end
    registers: dict[str, tuple[int, int, int]]  # person -> first seen, sessions, orders


def tell(history: list[Event | Claim], chance: random.Random | None = None) -> Told:
    stage = DeviceStage(SITE, SECRET)
    states: States = {}
    lines: dict[str, list[bytes]] = {}
    left, offset = list(history), 0
    while left:
        size = chance.randrange(1, len(left) + 1) if chance else len(left)
        batch, left = left[:size], left[size:]
        value = b"\n".join(map(encode_line, batch))
        record = Record(0, offset, NOW, value, lambda: None)
        emitted = stage.fold(states, [(record, stage.decode(record))], 1).emissions.lines
        for (topic, _), found in emitted.items():
            lines.setdefault(topic, []).extend(found)
        offset += 1
    return Told(_persons(lines), _links(lines), _registers(lines))


def _persons(lines: dict[str, list[bytes]]) -> dict[str, str | None]:
    spans: dict[tuple[str, int], Correction] = {}
    voids: list[Correction] = []
    for line in lines.get("footfall.corrections", []):
        span = msgspec.json.decode(line, type=Correction)
        if span.what == "person":
            spans[span.device_id, span.since] = span
        elif span.what == "void":
            voids.append(span)
    kept = sorted((s for s in spans.values() if not s.removed), key=lambda s: s.since)
    persons: dict[str, str | None] = {}
    for line in lines.get("footfall.events", []):
        row = msgspec.json.decode(line, type=EnrichedEvent)
        persons[row.event_id] = row.person_id
        named = row.user_id and not any(
            void.device_id == row.device_id
            and void.user_id == row.user_id
            and row.event_time <= void.until
            for void in voids
        )
        for span in kept:
            mine = span.device_id == row.device_id and not named
            if mine and span.since <= row.event_time <= span.until:
                persons[row.event_id] = span.person_id
    return persons


def _links(lines: dict[str, list[bytes]]) -> dict[tuple[str, str, str, str], tuple[int, str]]:
    newest = {}
    for line in lines.get("footfall.identity", []):
        link = msgspec.json.decode(line, type=IdentityLink)
        newest[link.identifier, link.kind, link.person_id, link.reason] = link
    return {key: (k.valid_from, k.status) for key, k in newest.items() if not k.removed}


def _registers(lines: dict[str, list[bytes]]) -> dict[str, tuple[int, int, int]]:
    newest = {}
    for line in lines.get("footfall.registers", []):
        register = msgspec.json.decode(line, type=Register)
        newest[register.person_id, register.device_id] = register
    return {
        person: (r.first_seen, r.sessions, r.orders)
        for (person, device), r in newest.items()
        if not r.gone and device in ("d", NODE)
    }


def clicked(minute: int, user: str, days: int = 7) -> Event:
    token = sign(user, NOW + days * 86_400_000, SECRET)
    return event(minute, url=f"https://toyhouse.example/p/1?ff_click={token}",
                 event_id=f"click-{minute}-{user}")  # fmt: skip


def revoked(minute: int, user: str) -> Event:
    return event(minute, user=user, revoke=True, server=True, event_id=f"revoke-{minute}-{user}")


def claim(minute: int, user: str, *, back: bool = False) -> Claim:
    return Claim(
        device_id=NODE,
        what="email",
        value=MAIL,
        user_id=user,
        event_time=event(minute).event_time,
        event_id=f"{minute}-{user}-{back}",
        revoked=back,
    )


def called(minute: int, order: str = "") -> Event:
    """A server's event that names an e-mail alone."""
    said = msgspec.Raw(json.dumps({"order_id": order}).encode())
    return event(minute, "Order Completed" if order else "Call Received", device_id=NODE,
                 protocol="import", server=True, properties=said, user_agent="")  # fmt: skip


history_of_a_device = st.lists(
    st.one_of(
        st.builds(event, MINUTES),
        st.builds(event, MINUTES, user=USERS),
        st.builds(event, MINUTES, name=st.just("Logged Out")),
        st.builds(clicked, MINUTES, USERS),
        st.builds(revoked, MINUTES, USERS),
    ),
    min_size=1,
    max_size=12,
    unique_by=lambda e: e.event_id,
)
history_of_a_node = st.lists(
    st.one_of(
        st.builds(called, MINUTES),
        st.builds(claim, MINUTES, USERS),
        st.builds(claim, MINUTES, USERS, back=st.just(True)),
    ),
    min_size=1,
    max_size=12,
    unique_by=lambda e: e.event_id,
)


def marks_that_count(history: list[Event]) -> list[tuple[int, str]]:
    """Logins, and clicks where they may count, without what was taken back; slowly."""

    def stands(user: str, at: int) -> bool:
        return not any(e.revoke and e.user_id == user and e.event_time >= at for e in history)

    logins = [
        (e.event_time, e.user_id)
        for e in history
        if e.user_id and not e.revoke and stands(e.user_id, e.event_time)
    ]
    clicks = [
        (e.event_time, e.event_id.rpartition("-")[2])
        for e in history
        if "ff_click" in e.url and stands(e.event_id.rpartition("-")[2], e.event_time)
    ]
    logouts = [(e.event_time, LOGOUT) for e in history if e.name == "Logged Out"]
    agree = len({user for _, user in logins + clicks}) == 1
    return logins + logouts + (clicks if agree else [])


def persons_of_a_device(history: list[Event]) -> dict[str, str]:
    marks = marks_that_count(history)
    wanted = {}
    for one in history:
        user, logout = owner_oracle(marks, one.event_time)
        void = any(
            e.revoke and e.user_id == one.user_id and e.event_time >= one.event_time
            for e in history
        )
        who = user if void else one.user_id or user
        wanted[one.event_id] = person_of_user(who) if who else person_of_device("d", logout)
    return wanted


def holder_of_the_node(history: list[Event | Claim]) -> str:
    """The user of the earliest claim that was not taken back later; slowly."""
    claims = [one for one in history if isinstance(one, Claim)]
    live = []
    for one in claims:
        mine = [other for other in claims if other.user_id == one.user_id]
        backs = [other.event_time for other in mine if other.revoked]
        edge = max(backs, default=-1)
        given = [other.event_time for other in mine if not other.revoked]
        if given and min(given) > edge:
            live.append((min(given), one.user_id))
        elif given and max(given) > edge:  # of a user's claims the first and the last are kept
            live.append((max(given), one.user_id))
    return min(live)[1] if live else ""


@settings(max_examples=300, deadline=None)
@given(history_of_a_device, st.randoms(use_true_random=False))
def test_clicks_and_revocations_give_the_same_persons_in_any_order(
    history: list[Event], chance: random.Random
) -> None:
    again: list[Event | Claim] = [*history, *history[:2]]
    chance.shuffle(again)
    found = tell(again, chance)
    assert found.persons == persons_of_a_device(history)
    plain = tell(list(history))
    assert found.links == plain.links
    assert found.registers == plain.registers


@settings(max_examples=200, deadline=None)
@given(history_of_a_device, USERS, st.randoms(use_true_random=False))
def test_revoking_gives_what_never_having_linked_would_have_given(
    history: list[Event], user: str, chance: random.Random
) -> None:
    links = [e for e in history if e.type == "identify" or "ff_click" in e.url]
    others = [e for e in history if e not in links]
    after_all = 601
    takes_back = [revoked(after_all, user) for user in ("anna", "ben")]
    mixed: list[Event | Claim] = [*history, *takes_back]
    chance.shuffle(mixed)
    found = tell(mixed, chance)
    never = tell([*others])
    assert {e.event_id: found.persons[e.event_id] for e in others} == never.persons
    assert all(status != "applied" for _, status in found.links.values())


@settings(max_examples=300, deadline=None)
@given(history_of_a_node, st.randoms(use_true_random=False))
def test_an_identifier_is_the_earliest_claimants_in_any_order(
    history: list[Event | Claim], chance: random.Random
) -> None:
    again = [*history, *history[:2]]
    chance.shuffle(again)
    found = tell(again, chance)
    user = holder_of_the_node(history)
    person = person_of_user(user) if user else person_of_device(NODE)
    assert found.persons == {e.event_id: person for e in history if isinstance(e, Event)}
    plain = tell(list(history))
    assert found.links == plain.links
    assert found.registers == plain.registers
    applied = {key[2] for key, (_, status) in found.links.items() if status == "applied"}
    assert applied == ({person_of_user(user)} if user else set())


def test_a_click_says_who_came_before_there_was_a_login() -> None:
    found = tell([event(0), clicked(5, "anna"), event(9)])
    assert set(found.persons.values()) == {person_of_user("anna")}
    assert found.links["d", "cookie", person_of_user("anna"), "mail_click"][1] == "applied"


def test_a_forwarded_mail_never_captures_a_device_that_has_a_login() -> None:
    found = tell([event(0, user="ben"), clicked(5, "anna"), event(9)])
    assert set(found.persons.values()) == {person_of_user("ben")}
    assert found.links["d", "cookie", person_of_user("anna"), "mail_click"][1] == "conflict"


def test_a_click_with_an_expired_or_foreign_token_says_nothing() -> None:
    foreign = event(1, url="https://toyhouse.example/p/1?ff_click=" + sign("anna", NOW * 2, "x"))
    found = tell([clicked(5, "anna", days=-30), foreign])
    assert set(found.persons.values()) == {person_of_device("d")}
    assert found.links == {}


def test_the_token_is_in_no_row() -> None:
    stage, states = DeviceStage(SITE, SECRET), dict[str, Any]()
    came = clicked(5, "anna")
    after = event(6, referrer=came.url, event_id="after")
    record = Record(0, 0, NOW, b"\n".join(map(encode_line, [came, after])), lambda: None)
    emitted = stage.fold(states, [(record, stage.decode(record))], 1).emissions.lines
    rows = [line for (topic, _), found in emitted.items() for line in found]
    assert rows
    assert not any(b"ff_click" in row for row in rows)


def test_what_names_a_user_whose_login_was_taken_back_is_not_his_either() -> None:
    bought = event(3, "Order Completed", user="anna")
    found = tell([event(0, user="anna"), bought, revoked(5, "anna"), event(9), event(11)])
    nobody = person_of_device("d")
    assert set(found.persons.values()) == {nobody}
    assert found.registers == {nobody: (event(0).event_time, 1, 1)}, "live as in ClickHouse"
    later = tell([revoked(5, "anna"), bought, event(7, user="anna")])
    assert later.persons[bought.event_id] == person_of_user("anna"), "retroactively: she came back"


def test_a_second_claimant_is_a_conflict_and_no_merge() -> None:
    found = tell([claim(0, "anna"), claim(5, "ben"), called(9)])
    statuses = {key[2]: status for key, (_, status) in found.links.items()}
    assert statuses == {person_of_user("anna"): "applied", person_of_user("ben"): "conflict"}
    assert set(found.persons.values()) == {person_of_user("anna")}


def test_a_claim_alone_is_nobodys_visit() -> None:
    assert tell([claim(0, "anna")]).registers == {}
    (register,) = tell([claim(0, "anna"), called(9, "A-1")]).registers.items()
    assert register == (person_of_user("anna"), (event(9).event_time, 1, 1))


def test_the_profiles_of_an_account_lead_to_it() -> None:
    said = event(
        3, user="anna", server=True, profile_id="child", properties=msgspec.Raw(b'{"age": 7}')
    )
    links = tell([said]).links
    assert links["child", "profile_id", person_of_user("anna"), "profile"][1] == "applied"


def test_more_users_a_day_than_a_device_may_have_are_suspicious() -> None:
    found = tell([event(minute, user=f"user-{minute}") for minute in range(7)])
    statuses = {(key[0], key[3]): status for key, (_, status) in found.links.items()}
    assert statuses == {("d", "too_many_logins"): "suspicious"}


def test_a_login_that_comes_later_than_the_identity_horizon_is_noted_and_links_nobody() -> None:
    horizon = SITE.identity_horizon_ms
    old = event(5, user="anna", event_time=NOW - horizon - 1, received_at=NOW)
    found = tell([event(0), old])
    assert found.persons[event(0).event_id] == person_of_device("d")
    assert found.persons[old.event_id] == person_of_user("anna"), "the event says itself who it is"
    assert found.links == {}
    in_time = event(5, user="anna", event_time=NOW - horizon, received_at=NOW)
    assert tell([event(0), in_time]).persons[event(0).event_id] == person_of_user("anna")
