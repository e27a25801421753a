"""Mails, telephone calls and orders lead to their user, on real servers; and links are revoked."""

from __future__ import annotations

import json

import pytest

from tests.stack import Stack, stack


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Stack:  # type: ignore[misc]
    directory = tmp_path_factory.mktemp("who")
    with stack(directory / "state", directory / "up.log") as running:
        yield running


def person_of(running: Stack, where: str) -> list[str]:
    """The persons, as known now, of the events that meet a condition."""
    running.drain()
    rows = running.sql(f"SELECT DISTINCT toString(person_id) FROM events WHERE {where} ORDER BY 1")
    return [row[0] for row in rows]


def told(running: Stack, *words: str) -> str:
    """What a command says that must know the stack's secret."""
    return running.footfall(*words, "--state-dir", str(running.state_dir))


def test_a_telephone_call_and_an_order_by_mail_are_of_the_customer_whose_they_are(
    running: Stack,
) -> None:
    call = {"event": "Call Received", "properties": {"phone": "030 123 456"}}
    running.segment("track", **call)
    stranger = person_of(running, "name = 'Call Received'")
    running.segment(
        "identify",
        userId="anna",
        traits={"phone": "030123456", "phone_verified": True,
                "email": "Anna@Example.com", "email_verified": True},
    )  # fmt: skip
    running.segment("track", event="Mail Received", properties={"email": "anna@example.com "})
    anna = person_of(running, "user_id = 'anna'")
    assert len(anna) == 1
    assert anna != stranger
    assert person_of(running, "name IN ('Call Received', 'Mail Received')") == anna

    kinds = running.sql(
        f"SELECT kind, identifier, reason FROM identities WHERE person_id = '{anna[0]}' ORDER BY 1"
    )
    assert ["email", "anna@example.com", "verified_email"] in kinds
    assert ["phone", "030123456", "verified_phone"] in kinds
    seen = json.loads(told(running, "visitor", "ANNA@example.com"))
    assert (seen["kind"], seen["user_id"], seen["person_id"]) == ("email", "anna", anna[0])


def test_a_second_claimant_is_a_conflict_for_a_human_to_look_at(running: Stack) -> None:
    said = {"email": "shared@example.com", "email_verified": True}
    running.segment("identify", userId="carla", traits=said)
    running.segment("identify", userId="dora", traits=said)
    running.segment("track", event="Newsletter Read", properties={"email": "shared@example.com"})
    carla = person_of(running, "user_id = 'carla'")
    assert person_of(running, "name = 'Newsletter Read'") == carla
    conflicts = running.sql(
        "SELECT kind, status, reason FROM identity_conflicts WHERE kind = 'email' AND "
        "identifier = 'shared@example.com'"
    )
    assert conflicts == [["email", "conflict", "verified_email"]]
    running.segment("identify", userId="carla", traits=said, context={"revoke": True})
    dora = person_of(running, "user_id = 'dora'")
    assert person_of(running, "name = 'Newsletter Read'") == dora


def test_a_click_in_a_mail_says_who_came_unless_somebody_else_logs_in_there(
    running: Stack,
) -> None:
    _, token = told(running, "click-token", "emil").split()
    running.page("at-home", "/p/teddy")
    running.page("at-home", f"/p/kite?utm_medium=email&ff_click={token}")
    running.page("at-a-friends", f"/p/kite?ff_click={token}")
    running.segment("identify", userId="emil")
    running.segment("identify", userId="fritz", anonymousId="at-a-friends")
    emil, fritz = person_of(running, "user_id = 'emil'"), person_of(running, "user_id = 'fritz'")
    assert person_of(running, "device_id = 'at-home'") == emil
    assert person_of(running, "device_id = 'at-a-friends'") == fritz
    assert running.sql("SELECT count() FROM events WHERE url LIKE '%ff_click%'") == [["0"]]
    visitor = running.homepage(anonymous_id="at-home")["visitor"]
    assert visitor["logged_in"] is False

    # Emil's mother had clicked: the shop takes it back
    running.segment("identify", userId="emil", anonymousId="at-home", context={"revoke": True})
    assert person_of(running, "device_id = 'at-home' AND type = 'page'") != emil
    statuses = running.sql("SELECT status FROM identity_conflicts WHERE identifier = 'at-home'")
    assert statuses == [["revoked"]]


def test_whose_login_was_taken_back_was_never_there_live_as_in_clickhouse(running: Stack) -> None:
    greta = {"anonymousId": "kiosk", "userId": "greta"}
    page = {"page": {"url": "https://toyhouse.example/p/kite"}}
    running.segment("page", **greta, context=page)
    running.segment("track", **greta, event="Product Added")
    running.segment("identify", **greta, context={"revoke": True})
    running.page("kiosk", "/p/bear")
    (nobody,) = person_of(running, "device_id = 'kiosk'")
    running.segment("identify", userId="greta")
    assert [nobody] != person_of(running, "device_id = 'user:greta'")
    assert running.live("checkout")["steps"] == running.funnel("checkout")["steps"]
