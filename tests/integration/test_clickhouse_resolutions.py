"""What analysts read of aliases and of devices above the limit: persons as known now."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from schemas.ids import person_of_device, person_of_user
from schemas.messages import Correction, IdentityLink, Resolution
from schemas.settings import Settings
from sinks.clickhouse.rows import CORRECTIONS, EVENTS, IDENTITY, RESOLUTIONS
from tests.sink_world import NOON, Store, event, new_device, store


@pytest.fixture(scope="module")
def opened(settings: Settings) -> Iterator[Store]:
    with store(settings) as one:
        yield one


def new_user() -> str:
    return new_device()


def person_of(opened: Store, device: str) -> str:
    """The one person of a device's events, in the view with bots, and in the one without."""
    ((everything, visits),) = opened.ask(
        "SELECT groupUniqArray(person_id), (SELECT groupUniqArray(person_id) FROM events"
        " WHERE device_id = {d:String}) FROM events_all WHERE device_id = {d:String}",
        d=device,
    )
    (person,) = everything
    assert visits == everything
    return str(person)


def visit(opened: Store, device: str, user: str) -> None:
    """Seen before a login that owns it all, so that the person comes of a correction."""
    opened.put(EVENTS, event(device))
    span = Correction(
        device_id=device,
        what="person",
        since=0,
        until=NOON + 1,
        person_id=person_of_user(user),
        session_id=None,
        version=1,
    )
    opened.put(CORRECTIONS, span)


def resolve(opened: Store, person: str, to: str, version: int = 1, device: str = "") -> None:
    line = Resolution(person_id=person, device_id=device, resolved_id=to, version=version)
    opened.put(RESOLUTIONS, line)


def test_an_alias_is_the_person_it_leads_to_until_it_is_revoked(opened: Store) -> None:
    phone, backend, ada, bea = new_device(), new_device(), new_user(), new_user()
    root, alias = person_of_user(ada), person_of_user(bea)
    visit(opened, phone, bea)
    opened.put(EVENTS, event(backend, person_id=alias, user_id=bea))
    assert [person_of(opened, device) for device in (phone, backend)] == [alias, alias]
    resolve(opened, alias, root)
    assert [person_of(opened, device) for device in (phone, backend)] == [root, root]
    resolve(opened, alias, alias, version=3)
    resolve(opened, alias, root, version=2)
    assert [person_of(opened, device) for device in (phone, backend)] == [alias, alias]


def test_a_device_that_is_apart_is_nobody_elses(opened: Store) -> None:
    phone, kiosk, ada, bea = new_device(), new_device(), new_user(), new_user()
    root = person_of_user(ada)
    for device in (phone, kiosk):
        visit(opened, device, bea)
    resolve(opened, person_of_user(bea), root)
    resolve(opened, root, person_of_device(kiosk), device=kiosk)
    assert person_of(opened, phone) == root
    assert person_of(opened, kiosk) == person_of_device(kiosk)
    resolve(opened, root, root, version=2, device=kiosk)
    assert person_of(opened, kiosk) == root


def test_being_apart_from_one_person_says_nothing_of_another(opened: Store) -> None:
    kiosk, ada, bea = new_device(), new_user(), new_user()
    visit(opened, kiosk, bea)
    resolve(opened, person_of_user(ada), person_of_device(kiosk), device=kiosk)
    assert person_of(opened, kiosk) == person_of_user(bea)


def test_who_is_nobody_stays_nobody(opened: Store) -> None:
    bot = new_device()
    opened.put(EVENTS, event(bot, person_id=None, is_bot=True))
    resolve(opened, person_of_user(bot), person_of_device(bot), device=bot)
    found = opened.ask("SELECT person_id FROM events_all WHERE device_id = {d:String}", d=bot)
    assert found == [(None,)]


def test_a_persons_events_are_found_by_the_person(opened: Store) -> None:
    phone, ada, bea = new_device(), new_user(), new_user()
    visit(opened, phone, bea)
    resolve(opened, person_of_user(bea), person_of_user(ada))
    found = opened.ask(
        "SELECT device_id FROM events WHERE person_id = {p:UUID}", p=person_of_user(ada)
    )
    assert found == [(phone,)]


def link(identifier: str, user: str, **more: object) -> IdentityLink:
    return IdentityLink(
        identifier=identifier,
        kind="user_id" if more else "cookie",
        person_id=person_of_user(user),
        valid_from=NOON,
        reason=str(more.get("reason", "login")),
        device_id="",
        version=1,
    )


def test_identities_lead_to_the_persons_of_now(opened: Store) -> None:
    phone, kiosk, ada, bea = new_device(), new_device(), new_user(), new_user()
    root = person_of_user(ada)
    opened.put(IDENTITY, link(phone, bea), link(kiosk, bea), link(bea, ada, reason="alias"))
    resolve(opened, person_of_user(bea), root)
    resolve(opened, root, person_of_device(kiosk), device=kiosk)
    rows = opened.ask(
        "SELECT identifier, kind, toString(person_id), reason FROM identities"
        " WHERE identifier IN ({a:String}, {b:String}, {c:String}) ORDER BY kind",
        a=phone,
        b=kiosk,
        c=bea,
    )
    assert rows == [(phone, "cookie", root, "login"), (bea, "user_id", root, "alias")]
