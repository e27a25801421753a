"""`/v1/me`: a device is told of itself, a member of the account, and nobody of anybody else."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
import redis

from personalize_api.caller.user_token import sign
from personalize_api.one_touch.purposes import PURPOSES
from schemas.activity import (
    ADDED,
    contact_name,
    interest_name,
    page_name,
    product_name,
    touch_name,
    with_cell,
)
from schemas.device_state import encode_device_state
from schemas.evidence import Evidence, Said, pack
from schemas.ids import person_of_user
from schemas.person_state import Contribution, PersonState, encode_person_state
from schemas.profiles import Fact
from schemas.purchases import UNIT, Purchase
from schemas.redis_keys import device_key, person_key
from schemas.settings import Settings
from tests.integration.personalize_service import (
    BROWSER_KEY,
    ORIGIN,
    SERVER_KEY,
    Answer,
    Client,
    device_state,
    now_ms,
    serving,
)
from tests.servers import own_settings

NOW = now_ms()
MINUTE = 60_000


def done(time_ms: int, product: str) -> Any:
    activity = with_cell({}, touch_name("search", "Google", ""), time_ms)
    activity = with_cell(activity, interest_name("trains"), time_ms, 7)
    activity = with_cell(activity, page_name(f"/p/{product}"), time_ms)
    return with_cell(activity, product_name(product), time_ms, ADDED)


def put(store: redis.Redis) -> None:
    """`mia-1` is a device without login, `nils-1` one of Nils until he logged out."""
    plain = device_state(
        activity=done(NOW - MINUTE, "kite"),
        evidence=pack([Evidence(NOW - MINUTE, Said((1,)))]),
        starts=(NOW - MINUTE,),
    )
    store.set(device_key("mia-1"), encode_device_state(plain))
    logout = NOW - 10 * MINUTE
    shared = with_cell(done(NOW - 30 * MINUTE, "secret-gift"), product_name("own"), NOW - MINUTE, 1)
    lent = device_state(
        first_seen=NOW - 60 * MINUTE,
        starts=(NOW - 60 * MINUTE, NOW - MINUTE),
        logins=(("nils", NOW - 50 * MINUTE, NOW - 40 * MINUTE), ("", logout, logout)),
        activity=shared,
        orders=(Purchase(NOW - 30 * MINUTE, b"o", 40 * UNIT, "EUR", (), ("secret-gift",)),),
    )
    store.set(device_key("nils-1"), encode_device_state(lent))
    held = Contribution(1, False, NOW - 60 * MINUTE, NOW - 10 * MINUTE, 2, 1)
    held.purchases = lent.orders
    held.activity = with_cell(
        done(NOW - 30 * MINUTE, "secret-gift"), contact_name("Mail Received", "late"), NOW - MINUTE
    )
    held.profiles = {"kid": {"likes": Fact(1, b"", "trains")}}
    nils = PersonState(user_id="nils", counted=True, devices={"nils-1": held})
    store.set(person_key(person_of_user("nils")), encode_person_state(nils))


@pytest.fixture(scope="module")
def client(addresses: Settings, redis_url: str, kafka_address: str) -> Iterator[Client]:
    with redis.Redis.from_url(redis_url) as store:
        put(store)
    with serving(addresses) as client:
        yield client


def ask(client: Client, query: str = "", **headers: str) -> Answer:
    return client.ask(f"/v1/me{query}", headers=headers)


def items(answer: Answer) -> dict[tuple[str, str], Any]:
    assert answer.status == 200, answer.body
    return {(item["of"], item["what"]): item["value"] for item in answer.json()["items"]}


def token(addresses: Settings, user: str = "nils") -> str:
    return sign(user, int(time.time()) + 600, addresses.secret_key)


def test_a_cookie_is_told_what_it_stands_for_and_what_for(client: Client) -> None:
    answer = ask(client, Cookie="ff_id=mia-1")
    found = items(answer)
    assert found["device", "cookie"] == "mia-1"
    assert found["device", "visits"]["count"] == 1
    assert found["device", "interests"] == ["trains"]
    assert found["device", "products"][0]["product_id"] == "kite"
    assert found["device", "pages"][0]["path"] == "/p/kite"
    assert found["device", "arrivals"][0]["source"] == "Google"
    assert found["device", "steps"] == 1
    told = answer.json()
    assert (told["held"], told["consent"], told["device_id"]) == (True, "unknown", "mia-1")
    for item in told["items"]:
        assert item["purpose"] == PURPOSES[item["what"]]
        assert item["kept_days"] > 0
    assert answer.headers["cache-control"] == "no-store"


def test_a_page_asks_by_its_cookie_or_with_its_key_and_may_read_it(client: Client) -> None:
    by_cookie = ask(client, Cookie="ff_id=mia-1", Origin=ORIGIN)
    assert by_cookie.headers["access-control-allow-origin"] == ORIGIN
    assert by_cookie.headers["access-control-allow-credentials"] == "true"
    by_key = ask(client, "?anonymous_id=mia-1", **BROWSER_KEY)
    assert items(by_key) == items(by_cookie)
    preflight = client.ask("/v1/me", method="OPTIONS", headers={"Origin": ORIGIN})
    assert preflight.headers["access-control-allow-methods"] == "GET"
    assert "footfall-user-token" in preflight.headers["access-control-allow-headers"]
    elsewhere = ask(client, Cookie="ff_id=mia-1", Origin="https://evil.example")
    assert "access-control-allow-origin" not in elsewhere.headers


def test_nobody_is_told_of_another_device(client: Client) -> None:
    assert items(ask(client, "?anonymous_id=mia-1")) == {}
    other = ask(client, "?anonymous_id=mia-1", Cookie="ff_id=nils-1", **BROWSER_KEY)
    assert other.json()["device_id"] == "nils-1"
    foreign = {**BROWSER_KEY, "Origin": "https://evil.example"}
    assert ask(client, "?anonymous_id=mia-1", **foreign).status == 403


def test_without_a_cookie_nothing_is_held(client: Client) -> None:
    for headers in ({}, {"Cookie": "ff_id=never-seen"}, {"Cookie": "ff_id=user:nils"}):
        told = ask(client, **headers).json()
        assert (told["held"], told["items"]) == (False, [])
        assert told["says"].startswith("Nothing is held")


def test_what_a_member_did_on_a_shared_device_is_not_shown_to_it(client: Client) -> None:
    answer = ask(client, Cookie="ff_id=nils-1")
    assert b"secret-gift" not in answer.body
    assert b"nils" not in answer.body.replace(b"nils-1", b"")
    found = items(answer)
    assert [each["product_id"] for each in found["device", "products"]] == ["own"]
    assert ("device", "orders") not in found
    assert "shown to its member only" in answer.json()["says"]


def test_a_member_is_told_all_with_a_user_token(client: Client, addresses: Settings) -> None:
    for headers in (
        {"Footfall-User-Token": token(addresses)},
        {"Footfall-User-Token": token(addresses), "Cookie": "ff_id=mia-1", **BROWSER_KEY},
    ):
        found = items(ask(client, **headers))
        assert found["account", "login"] == "nils"
        assert found["account", "orders"][0]["amount"] == "40.00"
        assert found["account", "profiles"] == [
            {"profile_id": "kid", "attributes": {"likes": "trains"}}
        ]
        assert found["account", "contacts"][0]["subject"] == "late"
        assert found["account", "devices"][0]["device_id"] == "nils-1"
    assert items(ask(client, "?user_id=nils", **SERVER_KEY))["account", "login"] == "nils"


def test_a_member_is_told_nothing_without_one(client: Client, addresses: Settings) -> None:
    for query, headers in (
        ("?user_id=nils", {}),
        ("?user_id=nils", BROWSER_KEY),
        ("?user_id=nils", {"Footfall-User-Token": token(addresses, "mia")}),
    ):
        answer = ask(client, query, **headers)
        assert b"secret-gift" not in answer.body
        assert not any(of == "account" for of, _ in items(answer))


def test_a_token_that_does_not_count_is_refused(client: Client, addresses: Settings) -> None:
    expired = sign("nils", int(time.time()) - 600, addresses.secret_key)
    for bad in (expired, token(addresses)[:-2], "x"):
        answer = ask(client, **{"Footfall-User-Token": bad, "Origin": ORIGIN})
        assert (answer.status, answer.json()["code"]) == (401, "user_token_refused")
        assert answer.headers["access-control-allow-origin"] == ORIGIN
        assert bad not in answer.body.decode() or bad == "x"


def test_who_refuses_is_told_that_nothing_is_added(client: Client) -> None:
    kept = ask(client, **{"Cookie": "ff_id=mia-1", "Sec-GPC": "1"}).json()
    assert kept["consent"] == "denied"
    assert kept["says"].startswith("Consent is refused: nothing is added.")
    none = ask(client, **{"Cookie": "ff_id=never-seen", "Sec-GPC": "1"}).json()
    assert (none["held"], none["items"]) == (False, [])


def test_what_cannot_be_read_is_no_empty_answer(
    addresses: Settings, redis_url: str, kafka_address: str
) -> None:
    away = msgspec.structs.replace(addresses, redis_url=own_settings().redis_url)
    with serving(away) as client:
        assert ask(client, Cookie="ff_id=mia-1").json()["code"] == "state_unavailable"
    with redis.Redis.from_url(redis_url) as store, serving(addresses) as client:
        store.set(device_key("garbled"), b"\x93\x01")
        assert ask(client, Cookie="ff_id=garbled").status == 503
