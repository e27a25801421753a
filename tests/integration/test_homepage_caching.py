"""What may be kept of a decision, and of the page that follows from it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import redis

from schemas.decision_token import Decided, read
from schemas.device_state import encode_device_state
from schemas.redis_keys import device_key
from schemas.settings import Settings
from tests.integration.personalize_service import (
    BROWSER_KEY,
    ORIGIN,
    SERVER_KEY,
    Answer,
    Client,
    device_state,
    make_raw_topic,
    serving,
)

ASKED = "/v1/homepage?referrer=https://encyclopedia.example/&consent=granted"


@pytest.fixture(scope="module")
def client(addresses: Settings, redis_url: str, kafka_address: str) -> Iterator[Client]:
    make_raw_topic(kafka_address)
    with serving(addresses) as client:
        yield client


def decisions(client: Client) -> float:
    return sum(
        float(line.rsplit(" ", 1)[1])
        for line in client.ask("/metrics").body.decode().splitlines()
        if line.startswith("footfall_homepage_decisions_total{")
    )


def varies_by(answer: Answer) -> set[str]:
    return {name.strip() for name in answer.headers["vary"].lower().split(",")}


def test_a_decision_is_kept_by_nobody(client: Client) -> None:
    for headers in ({}, SERVER_KEY, BROWSER_KEY, {"Origin": "https://evil.example"}):
        for method in ("GET", "POST", "HEAD"):
            answer = client.ask(ASKED, method=method, headers=headers)
            assert answer.headers["cache-control"] == "private, no-store"


def test_it_says_what_it_depends_on_whatever_was_sent(client: Client) -> None:
    expected = {"origin", "authorization", "cookie", "sec-gpc", "dnt"}
    for headers in ({}, SERVER_KEY, BROWSER_KEY):
        assert expected <= varies_by(client.ask(ASKED, headers=headers))
    refused = client.ask(ASKED, headers={"Authorization": "Bearer nobody"})
    assert refused.status == 401
    assert expected <= varies_by(refused)


def test_each_header_that_it_varies_by_makes_a_difference(client: Client, redis_url: str) -> None:
    with redis.Redis.from_url(redis_url) as store:
        store.set(device_key("own"), encode_device_state(device_state(past_sessions=2)))
    plain = client.ask("/v1/homepage?anonymous_id=own", headers=BROWSER_KEY).json()
    assert plain["variant"] == "recently-viewed"
    for more in ({"Sec-GPC": "1"}, {"Cookie": "ff_id=another"}):
        answer = client.ask("/v1/homepage?anonymous_id=own", headers={**BROWSER_KEY, **more})
        assert answer.json()["variant"] == "classic", more
    trusted = client.homepage(SERVER_KEY, anonymous_id="own")["visitor"]
    assert "person_id" in trusted
    assert "person_id" not in plain["visitor"]


def test_the_page_that_is_held_needs_no_body_and_counts_all_the_same(
    client: Client, addresses: Settings
) -> None:
    first = client.ask(ASKED)
    assert first.headers["etag"] == f'W/"{first.json()["cache_key"]}"'
    before = decisions(client)
    held = f'"other", {first.headers["etag"]}, W/"third"'
    again = client.ask(ASKED, headers={"If-None-Match": held})
    assert (again.status, again.body) == (304, b"")
    assert decisions(client) == before + 1
    assert again.headers["etag"] == first.headers["etag"]
    assert again.headers["footfall-variant"] == "bestsellers"
    assert again.headers["footfall-cache-key"] == first.json()["cache_key"]
    assert again.headers["footfall-anonymous-id"]
    assert again.headers["footfall-decision"] != first.json()["decision_id"]
    decided = read(again.headers["footfall-decision"], addresses.secret_key)
    assert decided == Decided("encyclopedia", "bestsellers")


@pytest.mark.parametrize("held", ['"other"', "*", "", "bestsellers", 'W/"bestsellers.1"', ",,,"])
def test_what_is_not_held_is_answered_whole(client: Client, held: str) -> None:
    answer = client.ask(ASKED, headers={"If-None-Match": held})
    assert answer.status == 200
    assert answer.json()["variant"] == "bestsellers"


def test_a_post_is_always_answered_whole(client: Client) -> None:
    answer = client.ask(ASKED, method="POST", headers={"If-None-Match": 'W/"bestsellers"'})
    assert answer.status == 200


def test_head_tells_a_proxy_all_in_headers(client: Client) -> None:
    before = decisions(client)
    answer = client.ask(ASKED + "&anonymous_id=proxied", method="HEAD")
    assert (answer.status, answer.body) == (200, b"")
    assert answer.headers["footfall-variant"] == "bestsellers"
    assert answer.headers["footfall-anonymous-id"] == "proxied"
    assert int(answer.headers["content-length"]) > 100
    assert decisions(client) == before + 1


def test_pages_are_the_same_where_the_key_is(client: Client) -> None:
    """Another way to the same variant is another scenario, not another page."""
    keys = {
        client.homepage(**inputs)["cache_key"]
        for inputs in ({}, {"url": "https://toyhouse.example/?utm_campaign=x"}, {"gpc": "1"})
    }
    assert keys == {"classic"}


def test_a_listed_page_may_read_what_stands_in_headers(client: Client) -> None:
    answer = client.ask(ASKED, headers={"Origin": ORIGIN})
    assert "footfall-variant" in answer.headers["access-control-expose-headers"]
    stranger = client.ask(ASKED, headers={"Origin": "https://evil.example"})
    assert "access-control-allow-origin" not in stranger.headers


def test_other_methods_are_told_what_is_allowed(client: Client) -> None:
    answer = client.ask("/v1/homepage", method="PUT", body=b"{}")
    assert (answer.status, answer.headers["allow"]) == (405, "GET, HEAD, POST")
