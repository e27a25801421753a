"""`/v1/homepage` with Redis there: who is asking, what that caller may say, what is answered."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import redis

from schemas.decision_token import Decided, read
from schemas.device_state import DeviceState, encode_device_state
from schemas.ids import person_of_device, person_of_user
from schemas.person_state import Contribution, PersonState, encode_person_state
from schemas.redis_keys import device_key, person_key
from schemas.settings import Settings
from tests.integration.personalize_service import (
    ADMIN,
    BROWSER_KEY,
    ORIGIN,
    SERVER_KEY,
    Client,
    device_state,
    now_ms,
    patient,
    serving,
)

SEARCH = "https://www.google.com/"
ENCYCLOPEDIA = "https://encyclopedia.example/wiki/Toy"


@pytest.fixture(scope="module")
def client(addresses: Settings, redis_url: str, kafka_address: str) -> Iterator[Client]:
    with patient(), serving(addresses) as client:
        yield client


@pytest.fixture
def store(redis_url: str) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(redis_url) as store:
        yield store


def put_device(store: redis.Redis, device: str, state: DeviceState) -> None:
    store.set(device_key(device), encode_device_state(state))


def put_person(store: redis.Redis, user: str, orders: int) -> None:
    held = Contribution(1, False, now_ms(), now_ms(), 1, orders, {})
    state = PersonState(user_id=user, counted=True, devices={"phone": held})
    store.set(person_key(person_of_user(user)), encode_person_state(state))


def test_the_answer_has_the_fields_of_the_contract(client: Client, addresses: Settings) -> None:
    answer = client.homepage(referrer=ENCYCLOPEDIA, consent="granted")
    assert list(answer) == [
        *("variant", "scenario", "reason", "visitor", "experiment", "picks"),
        *("decision_id", "cache_key", "ttl_s", "degraded"),
    ]
    assert (answer["variant"], answer["scenario"]) == ("bestsellers", "encyclopedia")
    assert answer["reason"] == "referrer_source is Encyclopedia"
    assert answer["visitor"].keys() == {"class", "logged_in", "anonymous_id"}
    assert read(answer["decision_id"], addresses.secret_key) == Decided(
        "encyclopedia", "bestsellers"
    )


def test_post_and_get_answer_alike(client: Client) -> None:
    body = f'{{"anonymous_id": "alike", "referrer": "{ENCYCLOPEDIA}"}}'.encode()
    posted = client.ask("/v1/homepage", method="POST", body=body).json()
    asked = client.homepage(anonymous_id="alike", referrer=ENCYCLOPEDIA)
    assert posted["decision_id"] != asked["decision_id"]
    assert posted | {"decision_id": ""} == asked | {"decision_id": ""}


def test_with_consent_an_id_is_made_and_without_none(client: Client) -> None:
    made = client.homepage(consent="granted")["visitor"]["anonymous_id"]
    again = client.homepage(consent="granted")["visitor"]["anonymous_id"]
    assert made
    assert again
    assert made != again
    answer = client.homepage()
    assert answer["visitor"] == {"class": "first-time", "logged_in": False, "anonymous_id": None}
    assert not answer["degraded"]


def test_a_known_id_is_kept(client: Client) -> None:
    assert client.homepage(anonymous_id="known")["visitor"]["anonymous_id"] == "known"


def test_who_refuses_is_not_looked_up(client: Client, store: redis.Redis) -> None:
    put_device(store, "refuser", device_state(orders=((now_ms(), b"1"),)))
    for refusal in ({"consent": "denied"}, {"gpc": "1"}):
        answer = client.homepage(anonymous_id="refuser", referrer=ENCYCLOPEDIA, **refusal)
        assert answer["visitor"] == {"class": "unknown", "logged_in": False, "anonymous_id": None}
        assert answer["variant"] == "bestsellers"
        assert not answer["degraded"]
        assert "consent is refused: nothing was looked up" in answer["reason"]


def test_classes_come_from_the_state(client: Client, store: redis.Redis) -> None:
    put_device(store, "first", device_state())
    put_device(store, "back", device_state(past_sessions=1))
    put_device(store, "member", device_state(logins=(("", 1, 1), ("eve", 0, 0))))
    put_device(store, "buyer", device_state(orders=((now_ms(), b"1"),)))
    classes = {
        device: client.homepage(anonymous_id=device)["visitor"]["class"]
        for device in ("nobody", "first", "back", "member", "buyer")
    }
    assert classes == {
        "nobody": "first-time",
        "first": "first-time",
        "back": "returning",
        "member": "registered",
        "buyer": "customer",
    }


def test_a_login_on_the_device_leads_to_the_person(client: Client, store: redis.Redis) -> None:
    put_device(store, "annas-laptop", device_state(logins=(("anna", 5, 5),)))
    put_person(store, "anna", orders=1)
    answer = client.homepage(anonymous_id="annas-laptop")
    assert answer["visitor"]["class"] == "customer"
    assert answer["visitor"]["logged_in"] is True
    assert answer["scenario"] == "members"


def test_a_user_counts_only_with_a_server_key(client: Client, store: redis.Redis) -> None:
    put_person(store, "ben", orders=1)
    trusted = client.homepage(SERVER_KEY, user_id="ben", profile_id="kid")
    assert trusted["visitor"]["class"] == "customer"
    assert trusted["visitor"]["logged_in"] is True
    assert trusted["visitor"]["person_id"] == person_of_user("ben")
    assert trusted["visitor"]["profile_id"] == "kid"
    for headers in ({}, BROWSER_KEY):
        answer = client.homepage(headers, user_id="ben", profile_id="kid")
        assert answer["visitor"].keys() == {"class", "logged_in", "anonymous_id"}
        assert answer["visitor"]["class"] == "first-time"
        assert "user_id ignored: needs a server key or a user token" in answer["reason"]
        assert "profile_id ignored: needs a server key or a user token" in answer["reason"]


def test_a_server_key_learns_the_anonymous_person(client: Client) -> None:
    answer = client.homepage(SERVER_KEY, anonymous_id="plain")
    assert answer["visitor"]["person_id"] == person_of_device("plain")


def test_a_users_device_cannot_be_asked_for_as_a_cookie(client: Client, store: redis.Redis) -> None:
    put_device(store, "user:ben", device_state(orders=((now_ms(), b"1"),)))
    answer = client.homepage(anonymous_id="user:ben")
    assert answer["visitor"]["class"] == "first-time"
    assert "anonymous_id ignored" in answer["reason"]


def test_a_browser_speaks_for_its_own_cookie(client: Client, store: redis.Redis) -> None:
    put_device(store, "mine", device_state(past_sessions=3))
    put_device(store, "other", device_state(orders=((now_ms(), b"1"),)))
    headers = {**BROWSER_KEY, "Cookie": "a=b; ff_id=mine; c=d"}
    answer = client.homepage(headers, anonymous_id="other")
    assert answer["visitor"]["anonymous_id"] == "mine"
    assert answer["visitor"]["class"] == "returning"
    assert "anonymous_id ignored" in answer["reason"]


def test_keys_that_do_not_count_are_refused(client: Client) -> None:
    unknown = client.ask("/v1/homepage", headers={"Authorization": "Bearer nobody"})
    assert (unknown.status, unknown.json()["code"]) == (401, "unknown_key")
    headers = {**BROWSER_KEY, "Origin": "https://evil.example"}
    refused = client.ask("/v1/homepage", headers=headers)
    assert (refused.status, refused.json()["code"]) == (403, "origin_refused")
    assert "access-control-allow-origin" not in refused.headers


def test_a_listed_page_may_read_the_answer(client: Client) -> None:
    preflight = client.ask("/v1/homepage", method="OPTIONS", headers={"Origin": ORIGIN})
    assert preflight.status == 204
    assert "authorization" in preflight.headers["access-control-allow-headers"]
    for path in ("/v1/homepage", "/v1/homepage?" + "a=1&" * 100):
        answer = client.ask(path, headers={"Origin": ORIGIN})
        assert answer.headers["access-control-allow-origin"] == ORIGIN
        assert answer.headers["access-control-allow-credentials"] == "true"


def test_an_arm_lasts_and_is_in_the_answer(client: Client) -> None:
    answers = [client.homepage(anonymous_id="armed", referrer=SEARCH) for _ in range(3)]
    assert {a["variant"] for a in answers} == {"search-hero"}
    assert answers[0]["experiment"] == {"name": "hero", "arm": "search-hero"}
    assert len({a["cache_key"] for a in answers}) == 1
    assert client.homepage(referrer=SEARCH)["experiment"] is None


def test_explain_is_for_those_who_run_the_site(client: Client) -> None:
    names = ["encyclopedia", "members", "search-toys", "returning"]
    asked = client.homepage(anonymous_id="x", explain=1)["explained"]
    assert [tried["scenario"] for tried in asked] == names
    forwarded = client.homepage({"X-Forwarded-For": "10.0.0.1"}, anonymous_id="x", explain=1)
    assert "explained" not in forwarded
    headers = {"X-Forwarded-For": "10.0.0.1", **SERVER_KEY}
    assert "explained" in client.homepage(headers, anonymous_id="x", explain=1)


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "", b"{bad", 400),
        ("POST", "", b"\xff\xfe\x00", 400),
        ("POST", "", b'{"anonymous_id": ["x"]}', 400),
        ("POST", "", b"[" * 60_000, 400),
        ("POST", "", b'{"url": "' + b"a" * 70_000 + b'"}', 413),
        ("GET", "?url=" + "a" * 17_000, None, 413),
        ("GET", "?" + "a=1&" * 100, None, 400),
        ("PUT", "", b"{}", 405),
        ("DELETE", "", None, 405),
        ("GET", "?anonymous_id=%ff%00%0d%0a&referrer=http://[::1&url=%00", None, 200),
        ("GET", "?user_id=%F0%9F%98%80&language=%00", None, 200),
        ("POST", "", b"", 200),
    ],
)
def test_bad_input_is_never_our_fault(
    client: Client, method: str, path: str, body: bytes | None, status: int
) -> None:
    answer = client.ask("/v1/homepage" + path, method=method, body=body)
    assert answer.status == status
    if status != 200:
        assert answer.json().keys() == {"code", "message"}


def test_one_touch_view_needs_the_admin_token(client: Client, store: redis.Redis) -> None:
    put_device(store, "touched", device_state(logins=(("carl", 5, 5),)))
    put_person(store, "carl", orders=2)
    assert client.ask("/v1/visitors/touched").status == 401
    assert client.ask("/v1/visitors/touched", headers=SERVER_KEY).status == 401
    by_cookie = client.ask("/v1/visitors/touched", headers=ADMIN).json()
    assert by_cookie["kind"] == "cookie"
    assert by_cookie["person_id"] == person_of_user("carl")
    assert (by_cookie["class"], by_cookie["orders"]) == ("customer", 2)
    assert [device["device_id"] for device in by_cookie["devices"]] == ["phone"]
    by_login = client.ask("/v1/visitors/carl", headers=ADMIN).json()
    assert (by_login["kind"], by_login["person_id"]) == ("user_id", person_of_user("carl"))
    by_person = client.ask(f"/v1/visitors/{person_of_user('carl')}", headers=ADMIN).json()
    assert (by_person["kind"], by_person["user_id"]) == ("person_id", "carl")
    nobody = client.ask("/v1/visitors/no/body%0a", headers=ADMIN)
    assert (nobody.status, nobody.json()["code"]) == (404, "not_found")


def test_the_whole_interface_is_described(client: Client) -> None:
    paths = client.ask("/openapi.json").json()["paths"]
    assert {"/v1/homepage", "/v1/funnels/{name}", "/v1/live", "/ops", "/health"} <= paths.keys()
    assert {"get", "post"} <= paths["/v1/homepage"].keys()
    docs = client.ask("/docs")
    assert docs.status == 200
    assert b"http://" not in docs.body
    assert b"https://" not in docs.body


def test_errors_elsewhere_have_the_same_shape(client: Client) -> None:
    for path, method, status in (
        ("/nothing", "GET", 404),
        ("/ops/../app.py", "GET", 404),
        ("/ops/ops.html", "GET", 404),
        ("/v1/funnels?minutes=x", "GET", 400),
        ("/v1/funnels?minutes=0", "GET", 400),
        ("/v1/live", "POST", 405),
    ):
        answer = client.ask(path, method=method)
        assert answer.status == status
        assert answer.json().keys() == {"code", "message"}
