"""Who may ask what: each rule of contract.md section 4, and somebody who tries to get round it."""

from __future__ import annotations

import subprocess
import sys
import time
import warnings
from collections.abc import Iterator
from typing import Any

import jwt
import pytest
import redis

from personalize_api.caller.user_token import sign
from schemas.device_state import encode_device_state
from schemas.ids import person_of_user
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

FORWARDED = {"X-Forwarded-For": "127.0.0.1", "Host": "127.0.0.1"}
ADMIN_ONLY = (("GET", "/v1/visitors/anna"), ("DELETE", "/v1/visitors/anna"))
OPERATORS_ONLY = ("/ops", "/v1/live", "/v1/funnels", "/v1/funnels/checkout", "/v1/experiments")


@pytest.fixture(scope="module")
def client(addresses: Settings, redis_url: str, kafka_address: str) -> Iterator[Client]:
    with redis.Redis.from_url(redis_url) as store:
        held = Contribution(1, False, now_ms(), now_ms(), 1, 2, {})
        anna = PersonState(user_id="anna", counted=True, devices={"phone": held})
        store.set(person_key(person_of_user("anna")), encode_person_state(anna))
        logged_in = device_state(logins=(("anna", 5, 5),))
        store.set(device_key("annas-phone"), encode_device_state(logged_in))
    with patient(), serving(addresses) as client:
        yield client


def good_token(key: str, user: str = "anna", ttl_s: int = 600, **claims: Any) -> str:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", jwt.InsecureKeyLengthWarning)
        return jwt.encode({"sub": user, "exp": int(time.time()) + ttl_s, **claims}, key, "HS256")


def decision(client: Client, token: str, headers: dict[str, str] = BROWSER_KEY, **more: str) -> Any:
    return client.homepage({**headers, "Footfall-User-Token": token}, **more)


def test_a_browser_with_its_users_token_gets_the_members_decision(
    client: Client, addresses: Settings
) -> None:
    expires = int(time.time()) + 60
    for token in (sign("anna", expires, addresses.secret_key), good_token("sk_demo")):
        answer = decision(client, token)
        assert (answer["scenario"], answer["visitor"]["logged_in"]) == ("members", True)
        assert answer["visitor"]["class"] == "customer"
        assert answer["visitor"].keys() == {"class", "logged_in", "anonymous_id"}
        assert person_of_user("anna") not in str(answer)


def test_the_token_may_stand_in_the_query_or_the_body(client: Client) -> None:
    token = good_token("sk_demo")
    asked = client.homepage(BROWSER_KEY, user_token=token)
    body = f'{{"user_token": "{token}"}}'.encode()
    posted = client.ask("/v1/homepage", method="POST", body=body, headers=BROWSER_KEY).json()
    assert asked["scenario"] == posted["scenario"] == "members"
    assert token not in str(asked) + str(posted)


def test_picks_are_a_members_with_the_same_token(client: Client) -> None:
    def picks(headers: dict[str, str], query: str = "") -> Any:
        return client.ask(f"/v1/picks{query}", headers=headers).json()

    member = picks({**BROWSER_KEY, "Footfall-User-Token": good_token("sk_demo")})
    assert (member["scenario"], member["visitor"]["logged_in"]) == ("members", True)
    assert "person_id" not in member["visitor"]
    named = picks(BROWSER_KEY, "?user_id=anna")
    assert named["visitor"]["logged_in"] is False
    assert "user_id ignored" in named["reason"]


@pytest.mark.parametrize("headers", [{}, BROWSER_KEY, {"Origin": ORIGIN}])
def test_a_browser_that_names_a_member_is_nobody(client: Client, headers: dict[str, str]) -> None:
    answer = client.homepage(headers, user_id="anna", profile_id="kid")
    assert answer["visitor"]["class"] == "first-time"
    assert not answer["visitor"]["logged_in"]
    assert "user_id ignored" in answer["reason"]
    assert "profile_id ignored" in answer["reason"]


@pytest.mark.parametrize(
    "token",
    [
        pytest.param(good_token("sk_of_another_site"), id="another key"),
        pytest.param(good_token("pk_demo"), id="the public key"),
        pytest.param(good_token("sk_demo", ttl_s=-120), id="expired"),
        pytest.param(good_token("sk_demo", ttl_s=90_000), id="longer than a day"),
        pytest.param(good_token("sk_demo", user="guest"), id="no identifier"),
        pytest.param(good_token("sk_demo", aud="another"), id="another audience"),
        pytest.param(jwt.encode({"sub": "anna", "exp": 2e9}, "", "none"), id="none"),
        pytest.param(good_token("sk_demo")[:-3] + "AAA", id="forged"),
        pytest.param("x" * 5000, id="long"),
        pytest.param("\xff.\xff.\xff", id="bytes"),
    ],
)
def test_a_token_that_does_not_hold_says_nothing(client: Client, token: str) -> None:
    answer = decision(client, token)
    assert answer["visitor"]["class"] == "first-time"
    assert not answer["visitor"]["logged_in"]
    assert "user_token ignored" in answer["reason"]


def test_a_token_speaks_for_its_own_member_only(client: Client) -> None:
    answer = decision(client, good_token("sk_demo", user="access-ben"), user_id="anna")
    assert answer["visitor"]["class"] == "registered"
    assert "user_id ignored" in answer["reason"]
    answer = decision(client, good_token("sk_demo", profile="kid"), profile_id="other")
    assert "profile_id ignored" in answer["reason"]
    answer = decision(client, good_token("sk_demo", user="access-ben"), SERVER_KEY, user_id="anna")
    assert answer["visitor"]["user_id"] == "anna"
    assert "user_token ignored" in answer["reason"]


def test_who_refuses_is_not_looked_up_with_a_token_either(client: Client) -> None:
    answer = decision(client, good_token("sk_demo"), gpc="1")
    assert answer["visitor"] == {"class": "unknown", "logged_in": True, "anonymous_id": None}


def test_a_page_of_a_listed_origin_may_send_the_token(client: Client) -> None:
    preflight = client.ask("/v1/homepage", method="OPTIONS", headers={"Origin": ORIGIN})
    assert "footfall-user-token" in preflight.headers["access-control-allow-headers"]


@pytest.mark.parametrize("headers", [{}, BROWSER_KEY, {"Origin": ORIGIN}])
def test_a_person_id_goes_to_servers_only(client: Client, headers: dict[str, str]) -> None:
    for inputs in ({}, {"anonymous_id": "annas-phone"}, {"user_token": good_token("sk_demo")}):
        assert "person_id" not in client.homepage(headers, **inputs)["visitor"]
    known = client.homepage(SERVER_KEY, anonymous_id="annas-phone")["visitor"]
    assert known["person_id"] == person_of_user("anna")


def test_an_id_is_minted_with_consent_only(client: Client) -> None:
    for headers in ({}, BROWSER_KEY, SERVER_KEY):
        for inputs in ({}, {"consent": "denied"}, {"consent": "granted", "gpc": "1"}):
            assert client.homepage(headers, **inputs)["visitor"]["anonymous_id"] is None
        signal = client.homepage({**headers, "Sec-GPC": "1"}, consent="granted")
        assert signal["visitor"]["anonymous_id"] is None
        assert client.homepage(headers, consent="granted")["visitor"]["anonymous_id"]


@pytest.mark.parametrize(("method", "path"), ADMIN_ONLY)
def test_administration_is_behind_the_admin_token(client: Client, method: str, path: str) -> None:
    token = good_token("sk_demo")
    wrong = ADMIN["Authorization"] + "x"
    for headers in (
        *({}, SERVER_KEY, FORWARDED, {"Footfall-User-Token": token}, {"Authorization": wrong}),
        *({"Authorization": "Bearer é"}, {"Authorization": "Basic b3BzOmEgdG9rZW4gZm9yIHRlc3Rz"}),
    ):
        refused = client.ask(path, method=method, headers=headers)
        assert (refused.status, refused.json()["code"]) == (401, "admin_only")
    assert client.ask("/v1/visitors/anna", headers=ADMIN).status == 200


def test_the_admin_token_cannot_be_guessed_at_full_speed(
    addresses: Settings, redis_url: str, kafka_address: str
) -> None:
    with serving(addresses) as client:
        paths = ("/v1/visitors/anna", "/ops")
        wrong = {"Authorization": "Bearer guess", **FORWARDED}
        statuses = [client.ask(paths[n % 2], headers=wrong).status for n in range(30)]
        assert statuses[:20] == [401] * 20
        assert statuses[-1] == 429
        right = client.ask("/v1/visitors/anna", headers=ADMIN)
        assert (right.status, right.json()["code"]) == (429, "too_many_attempts")
        assert int(right.headers["retry-after"]) > 0


@pytest.mark.parametrize("path", OPERATORS_ONLY)
def test_operators_pages_are_for_this_machine_or_the_admin(client: Client, path: str) -> None:
    for headers in (
        *(FORWARDED, {"Forwarded": "for=127.0.0.1"}, {"X-Real-IP": "127.0.0.1"}),
        *({"Host": "toyhouse.example"}, {"Host": "127.0.0.1.evil.example"}),
        {**FORWARDED, "Footfall-User-Token": good_token("sk_demo")},
    ):
        refused = client.ask(path, headers=headers)
        assert (refused.status, refused.json()["code"]) == (401, "admin_only")


def test_the_command_makes_a_token_that_holds(
    client: Client, addresses: Settings, tmp_path: Any
) -> None:
    command = [sys.executable, "-m", "infra.cli", "user-token", "anna", "--state-dir", tmp_path]
    own = {"PATH": "", "FOOTFALL_SECRET_KEY": addresses.secret_key}
    made = subprocess.run(command, env=own, capture_output=True, text=True, check=True)
    assert decision(client, made.stdout.strip())["scenario"] == "members"
    too_long = subprocess.run([*command, "--ttl", "25h"], env=own, capture_output=True)
    assert too_long.returncode == 2
    assert b"24h" in too_long.stderr
    no_secret = subprocess.run(command, env={"PATH": ""}, capture_output=True)
    assert no_secret.returncode == 1
    assert b"FOOTFALL_SECRET_KEY" in no_secret.stderr
