"""Homepages by segment, lifecycle and device: known from the person, read with the device."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
import pytest
import redis

from schemas.activity import Activity, interest_name, with_cell
from schemas.device_state import encode_device_state
from schemas.ids import person_of_device, person_of_user
from schemas.person_state import Contribution, PersonState, encode_person_state
from schemas.purchases import UNIT, Purchase
from schemas.redis_keys import device_key, person_key
from schemas.settings import Settings
from schemas.site import Homepage, InterestRule, Range, Scenario, SegmentRule
from tests.integration.personalize_service import (
    BROWSER_KEY,
    SERVER_KEY,
    SITE,
    Client,
    device_state,
    now_ms,
    serving,
)

DAY = 86_400_000
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1 Mobile/15E148"
SEGMENTS = {
    "fans": SegmentRule(name="fans", when={"interest": (InterestRule(category="trains"),)}),
    "spenders": SegmentRule(name="spenders", when={"revenue": (Range(low=50, high=1e9),)}),
}
SHOP = msgspec.structs.replace(
    SITE,
    currency="EUR",
    segments=SEGMENTS,
    homepage=Homepage(
        default="classic",
        scenarios=(
            Scenario(name="phones", when={"device_class": ("phone",)}, variant="small"),
            Scenario(name="spenders", when={"segment": ("spenders",)}, variant="gold"),
            Scenario(name="fans", when={"segment": ("fans",)}, variant="trains"),
            Scenario(name="silent", when={"lifecycle": ("silent",)}, variant="win-back"),
        ),
    ),
)


@pytest.fixture(scope="module")
def client(addresses: Settings, redis_url: str, kafka_address: str) -> Iterator[Client]:
    with redis.Redis.from_url(redis_url) as store:
        looked = with_cell(Activity(), interest_name("trains"), now_ms() - DAY, 1)
        put(store, "fan", person_of_device("fan"), contribution(activity=looked))
        put(store, "left", person_of_device("left", 7), contribution(activity=looked), logout=7)
        order = Purchase(now_ms() - 40 * DAY, b"1", 60 * UNIT, "EUR")
        put(store, "rich", person_of_device("rich"), contribution(purchases=(order,)))
        lapsed = contribution(purchases=(msgspec.structs.replace(order, amount=UNIT),), days_ago=40)
        put(store, "", person_of_user("anna"), lapsed, user="anna")
    with serving(addresses, SHOP) as client:
        yield client


def contribution(days_ago: int = 1, **fields: object) -> Contribution:
    at = now_ms() - days_ago * DAY
    return msgspec.structs.replace(Contribution(1, False, at, at, 1, 0), **fields)


def put(
    store: redis.Redis,
    device: str,
    person: str,
    held: Contribution,
    user: str = "",
    logout: int = 0,
) -> None:
    state = PersonState(user_id=user, counted=True, devices={"d": held})
    store.set(person_key(person), encode_person_state(state))
    if device:
        logins = (("", logout, logout),) if logout else ()
        known = device_state(first_seen=5, seen={1: b"12345678"}, logins=logins)
        store.set(device_key(device), encode_device_state(known))


def test_an_anonymous_visitor_is_in_segments_by_what_the_device_did(client: Client) -> None:
    answer = client.homepage(anonymous_id="fan")
    assert (answer["variant"], answer["reason"]) == ("trains", "segment is fans")
    answer = client.homepage(anonymous_id="rich")
    assert (answer["variant"], answer["reason"]) == ("gold", "segment is spenders")


def test_device_and_person_come_in_one_round_trip(client: Client) -> None:
    before = lookups(client)
    assert client.homepage(anonymous_id="fan")["variant"] == "trains"
    trips, keys = (now - then for now, then in zip(lookups(client), before, strict=True))
    assert (trips, keys) == (1, 2)


def lookups(client: Client) -> tuple[float, float]:
    """Round trips, and keys asked for in them."""
    trips, keys = "footfall_lookup_batches_total", "footfall_lookup_keys_total"
    return client.metric(trips), client.metric(keys)


def test_after_a_logout_it_is_the_person_since_then(client: Client) -> None:
    assert client.homepage(anonymous_id="left")["variant"] == "trains"


def test_a_customer_who_was_not_seen_for_long_is_silent(client: Client) -> None:
    answer = client.homepage(SERVER_KEY, user_id="anna")
    assert (answer["variant"], answer["reason"]) == ("win-back", "lifecycle is silent")


def test_who_is_not_known_is_in_no_segment(client: Client) -> None:
    for inputs in ({"anonymous_id": "new"}, {}):
        answer = client.homepage(SERVER_KEY, explain=1, **inputs)
        assert answer["variant"] == "classic"
        why = [tried["why"] for tried in answer["explained"]]
        assert why[1:] == [
            "segment is empty, not spenders",
            "segment is empty, not fans",
            "lifecycle is visitor, not silent",
        ]


def test_without_consent_nothing_is_known_of_a_person(client: Client) -> None:
    answer = client.homepage(SERVER_KEY, anonymous_id="fan", consent="denied", explain=1)
    assert answer["variant"] == "classic"
    assert answer["explained"][2]["why"] == "segment is not known"


def test_the_kind_of_device_is_that_of_the_visitor(client: Client) -> None:
    answer = client.homepage(SERVER_KEY, user_agent=IPHONE)
    assert (answer["variant"], answer["reason"]) == ("small", "device_class is phone")
    browser = {**BROWSER_KEY, "User-Agent": IPHONE}
    assert client.homepage(browser)["variant"] == "small"
    backend = {**SERVER_KEY, "User-Agent": IPHONE}  # a library's own, not the visitor's
    assert client.homepage(backend)["variant"] == "classic"
