"""Two user ids of one person, on the whole stack: joined by an alias, parted when it is revoked."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from schemas.ids import person_of_device, person_of_user
from tests.stack import Stack, stack

ADA, BEA = person_of_user("ada"), person_of_user("bea")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    folder = tmp_path_factory.mktemp("aliases")
    with stack(folder / "state", folder / "up.log") as running:
        yield running


def persons(site: Stack) -> dict[str, set[str]]:
    """Device -> its persons, as analysts see them."""
    found: dict[str, set[str]] = {}
    for device, person in site.sql("SELECT DISTINCT device_id, person_id FROM events"):
        found.setdefault(device, set()).add(person)
    return found


def links(site: Stack, view: str) -> list[list[str]]:
    columns = "identifier, person_id" + (", status" if view == "identity_conflicts" else "")
    return site.sql(f"SELECT {columns} FROM {view} WHERE reason = 'alias'")


def visitor(site: Stack, identifier: str) -> Any:
    return json.loads(site.footfall("visitor", identifier))


def assert_live_equals_batch(site: Stack, entered: int, ordered: int) -> None:
    live = site.live_funnel("checkout")
    steps = list(live)
    assert (live[steps[0]], live[steps[-1]]) == (entered, ordered)
    batch = {step["name"]: step["count"] for step in site.funnel("checkout")["steps"]}
    assert batch == live


def test_two_users_become_one_person_and_two_again(site: Stack) -> None:
    # Ada looks on her telephone; as Bea, her old login, she buys on the laptop
    site.page("phone", "/p/bear")
    site.segment("identify", anonymousId="phone", userId="ada")
    site.page("laptop", "/p/train")
    site.segment("identify", anonymousId="laptop", userId="bea")
    for event in ("Product Added", "Checkout Started", "Order Completed"):
        said = {"order_id": "7", "currency": "EUR", "revenue": 5}
        site.segment("track", anonymousId="laptop", event=event, properties=said)
    site.drain()
    apart = {"phone": {ADA}, "laptop": {BEA}}
    assert persons(site) == apart
    assert_live_equals_batch(site, entered=2, ordered=1)

    site.segment("alias", userId="bea", previousId="ada")
    site.drain()
    found = persons(site)
    assert (found["phone"], found["laptop"]) == ({ADA}, {ADA})
    assert_live_equals_batch(site, entered=1, ordered=1)
    assert links(site, "identities") == [["bea", ADA]]
    seen = visitor(site, "bea")
    assert (seen["person_id"], seen["aliases"], seen["orders"]) == (ADA, ["ada"], 1)
    answer = site.homepage(user_id="ada")["visitor"]
    assert (answer["person_id"], answer["class"]) == (ADA, "customer")

    revoked = {"userId": "bea", "previousId": "ada", "context": {"revoke": True}}
    site.segment("alias", **revoked)
    site.drain()
    found = persons(site)
    assert (found["phone"], found["laptop"]) == ({ADA}, {BEA})
    assert_live_equals_batch(site, entered=2, ordered=1)
    assert links(site, "identities") == []
    assert links(site, "identity_conflicts") == [["bea", ADA, "revoked"]]
    assert site.homepage(user_id="ada")["visitor"]["class"] == "registered"


def test_what_comes_after_the_alias_is_the_same_persons(site: Stack) -> None:
    site.segment("alias", userId="cem", previousId="dana")
    site.drain()
    site.page("tablet", "/p/ball")
    site.segment("identify", anonymousId="tablet", userId="dana")
    site.segment("track", userId="dana", event="Order Completed", properties={"order_id": "8"})
    site.drain()
    found = persons(site)
    assert found["tablet"] == found["user:dana"] == {person_of_user("cem")}
    assert visitor(site, "tablet")["person_id"] == person_of_user("cem")


def test_the_hundred_and_first_device_is_a_visitor_of_its_own(site: Stack) -> None:
    devices = [f"kiosk-{n:03}" for n in range(101)]
    batch = [
        {"type": "identify", "anonymousId": device, "userId": "everybody"} for device in devices
    ]
    for at in range(0, len(batch), 50):
        site.segment("batch", batch=batch[at : at + 50])
    site.drain()
    owners = persons(site)
    own = [device for device in devices if owners[device] == {person_of_device(device)}]
    rest = [device for device in devices if owners[device] == {person_of_user("everybody")}]
    assert (len(own), len(rest)) == (1, 100)
    suspicious = site.sql(
        "SELECT identifier, person_id, reason, status FROM identity_conflicts"
        " WHERE status = 'suspicious'"
    )
    assert suspicious == [[own[0], person_of_user("everybody"), "device_limit", "suspicious"]]
    assert visitor(site, own[0])["person_id"] == person_of_device(own[0])
