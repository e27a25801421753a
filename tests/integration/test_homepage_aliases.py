"""Whoever is another user's alias, or comes with a device above the limit, to the website."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import redis

from schemas.aliases import Component, Edge, encode_component
from schemas.device_state import encode_device_state
from schemas.ids import person_of_device, person_of_user
from schemas.person_state import Contribution, PersonState, encode_person_state
from schemas.persons import MAX_DEVICES, contribution_key
from schemas.profiles import Fact
from schemas.redis_keys import alias_key, device_key, person_key
from schemas.settings import Settings
from tests.integration.personalize_service import (
    ADMIN,
    SERVER_KEY,
    SITE,
    Client,
    device_state,
    serving,
)

ADA, BEA, CEM = (person_of_user(user) for user in ("alias-ada", "alias-bea", "alias-cem"))


@pytest.fixture(scope="module")
def client(addresses: Settings, redis_url: str, kafka_address: str) -> Iterator[Client]:
    with redis.Redis.from_url(redis_url) as store:
        own, theirs = contribution(orders=2), contribution()
        bea = PersonState("alias-bea", True, {"beas": theirs}, root="alias-ada", root_version=1)
        handed_on = {"adas": own, contribution_key("beas", BEA): theirs}
        ada = PersonState("alias-ada", True, handed_on)
        cem = PersonState(
            "alias-cem",
            True,
            {f"cems-{n:03}": contribution(n, orders=1) for n in range(MAX_DEVICES + 1)},
        )
        for person, state in ((ADA, ada), (BEA, bea), (CEM, cem)):
            store.set(person_key(person), encode_person_state(state))
        edges = (
            Edge("alias-ada", "alias-bea", 5, "e"),
            Edge("alias-ada", "alias-old", 6, "f", True),
        )
        for user in ("alias-ada", "alias-bea", "alias-old"):
            store.set(alias_key(user), encode_component(Component(edges)))
        for device, user in (("beas", "alias-bea"), (APART, "alias-cem")):
            login = device_state(logins=((user, 5, 5),))
            store.set(device_key(device), encode_device_state(login))
    with serving(addresses, SITE) as client:
        yield client


APART = f"cems-{MAX_DEVICES:03}"


def contribution(first_seen: int = 0, orders: int = 0) -> Contribution:
    told = {"": {"likes": Fact(1, b"", "trains")}}
    return Contribution(1, False, first_seen, first_seen, 1, orders, told)


def test_an_alias_is_answered_as_the_person_it_leads_to(client: Client) -> None:
    for asked in ({"user_id": "alias-bea"}, {"anonymous_id": "beas"}):
        visitor = client.homepage(SERVER_KEY, **asked)["visitor"]
        assert (visitor["person_id"], visitor["class"]) == (ADA, "customer"), asked
        assert visitor["logged_in"] is True


def test_one_touch_shows_who_else_the_person_is(client: Client) -> None:
    found = client.ask("/v1/visitors/alias-bea", headers=ADMIN).json()
    assert (found["user_id"], found["person_id"]) == ("alias-bea", ADA)
    assert (found["aliases"], found["orders"]) == (["alias-ada"], 2)
    assert [device["device_id"] for device in found["devices"]] == ["adas", "beas"]
    root = client.ask("/v1/visitors/alias-ada", headers=ADMIN).json()
    assert (root["aliases"], root["devices"]) == (["alias-bea"], found["devices"])
    by_person = client.ask(f"/v1/visitors/{BEA}", headers=ADMIN).json()
    assert (by_person["kind"], by_person["person_id"]) == ("person_id", ADA)


def test_a_device_above_the_limit_is_a_visitor_of_its_own(client: Client) -> None:
    visitor = client.homepage(SERVER_KEY, anonymous_id=APART)["visitor"]
    assert (visitor["person_id"], visitor["class"]) == (person_of_device(APART), "registered")
    within = client.homepage(SERVER_KEY, user_id="alias-cem")["visitor"]
    assert (within["person_id"], within["class"]) == (CEM, "customer")


def test_one_touch_names_the_devices_above_the_limit(client: Client) -> None:
    found = client.ask("/v1/visitors/alias-cem", headers=ADMIN).json()
    assert (found["devices_apart"], len(found["devices"])) == ([APART], MAX_DEVICES)
    assert found["orders"] == MAX_DEVICES
    apart = client.ask(f"/v1/visitors/{APART}", headers=ADMIN).json()
    assert (apart["person_id"], apart["orders"]) == (person_of_device(APART), 0)
    assert apart["profiles"][0]["attributes"] == {"likes": "trains"}, "what servers told stays"
