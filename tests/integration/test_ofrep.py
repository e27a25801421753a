"""OFREP on the wire: what stock providers do not send, or do not show."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from schemas.settings import Settings
from tests.integration.personalize_service import (
    BROWSER_KEY,
    ORIGIN,
    Answer,
    Client,
    patient,
    serving,
)

ARTICLE = "https://encyclopedia.example/wiki/Toy"
ALL = "/ofrep/v1/evaluate/flags"


@pytest.fixture(scope="module")
def client(addresses: Settings, redis_url: str, kafka_address: str) -> Iterator[Client]:
    with patient(), serving(addresses) as client:
        yield client


def post(client: Client, path: str, body: object, **headers: str) -> Answer:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return client.ask(path, method="POST", body=raw, headers=headers)


def context(**given: object) -> dict[str, Any]:
    return {"context": given}


def decisions(client: Client) -> float:
    lines = client.ask("/metrics").body.decode().splitlines()
    return sum(
        float(line.rsplit(" ", 1)[1])
        for line in lines
        if line.startswith("footfall_homepage_decisions_total{")
    )


def test_all_flags_are_of_one_visitor(client: Client) -> None:
    answer = post(client, ALL, context(consent="granted", referrer=ARTICLE))
    flags = answer.json()["flags"]
    assert [flag["key"] for flag in flags] == ["homepage", "hero"]
    assert len({flag["metadata"]["anonymous_id"] for flag in flags}) == 1
    assert len({flag["metadata"]["decision_id"] for flag in flags}) == 2


def test_what_has_not_changed_is_not_sent_again_and_is_no_decision(client: Client) -> None:
    asked = context(targetingKey="etag-1", referrer=ARTICLE)
    first = post(client, ALL, asked)
    etag, before = first.headers["etag"], decisions(client)
    again = post(client, ALL, asked, **{"If-None-Match": f'"other", {etag}'})
    assert (again.status, again.body, again.headers["etag"]) == (304, b"", etag)
    assert decisions(client) == before
    other = post(client, ALL, context(targetingKey="etag-1"), **{"If-None-Match": etag})
    assert other.status == 200
    assert other.headers["etag"] != etag
    assert decisions(client) == before + 2


def test_each_evaluation_is_a_decision(client: Client) -> None:
    before = decisions(client)
    post(client, f"{ALL}/homepage", context(targetingKey="counted"))
    post(client, f"{ALL}/hero", context(targetingKey="counted"))
    post(client, f"{ALL}/nothing", context(targetingKey="counted"))
    assert decisions(client) == before + 2


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"{bad", "PARSE_ERROR"),
        (b"[]", "PARSE_ERROR"),
        (b"\xff\xfe", "PARSE_ERROR"),
        (b"[" * 60_000, "PARSE_ERROR"),
        (b'{"context": []}', "INVALID_CONTEXT"),
        (b'{"context": "x"}', "INVALID_CONTEXT"),
        (b'{"context": {"targetingKey": 7}}', "INVALID_CONTEXT"),
        (b'{"context": {"url": {}}}', "INVALID_CONTEXT"),
        (b'{"context": {"targetingKey": "\xff"}}', "INVALID_CONTEXT"),
    ],
)
def test_what_cannot_be_read_is_told_as_the_protocol_says(
    client: Client, body: bytes, code: str
) -> None:
    one = post(client, f"{ALL}/homepage", body)
    assert (one.status, one.json()["errorCode"], one.json()["key"]) == (400, code, "homepage")
    many = post(client, ALL, body)
    assert (many.status, many.json()["errorCode"]) == (400, code)
    assert "key" not in many.json()


def test_an_experiment_needs_somebody_and_the_homepage_nobody(client: Client) -> None:
    for body in (b"", b"{}", b'{"context": {}}', b'{"context": {"targetingKey": null}}'):
        assert post(client, f"{ALL}/homepage", body).status == 200
        refused = post(client, f"{ALL}/hero", body)
        assert (refused.status, refused.json()["errorCode"]) == (400, "TARGETING_KEY_MISSING")
    made = post(client, f"{ALL}/hero", context(consent="granted")).json()
    assert made["metadata"]["anonymous_id"]
    own = post(client, f"{ALL}/hero", {}, Cookie="ff_id=mine", **BROWSER_KEY).json()
    assert own["metadata"]["anonymous_id"] == "mine"


def test_who_refuses_is_in_no_experiment(client: Client) -> None:
    for body in (context(targetingKey="no", gpc=True), context(consent="denied")):
        answer = post(client, f"{ALL}/hero", body).json()
        assert (answer["value"], answer["reason"]) == ("classic", "DEFAULT")
        assert "anonymous_id" not in answer["metadata"]


def test_access_is_that_of_the_homepage(client: Client) -> None:
    unknown = post(client, ALL, {}, Authorization="Bearer nobody")
    assert (unknown.status, unknown.json()["code"]) == (401, "unknown_key")
    other = post(client, ALL, {}, Authorization="Bearer pk_demo", Origin="https://evil.example")
    assert (other.status, other.json()["code"]) == (403, "origin_refused")
    member = post(client, f"{ALL}/homepage", context(user_id="zoe"), **BROWSER_KEY).json()
    assert member["value"] != "my-home"
    assert "user_id ignored" in member["metadata"]["why"]


def test_a_page_may_read_answers_errors_and_the_etag(client: Client) -> None:
    preflight = client.ask(ALL, method="OPTIONS", headers={"Origin": ORIGIN})
    assert preflight.status == 204
    assert preflight.headers["access-control-allow-methods"] == "POST"
    assert "if-none-match" in preflight.headers["access-control-allow-headers"]
    for answer in (
        post(client, ALL, {}, **BROWSER_KEY),
        post(client, f"{ALL}/nothing", {}, **BROWSER_KEY),
        post(client, ALL, b"{bad", **BROWSER_KEY),
    ):
        assert answer.headers["access-control-allow-origin"] == ORIGIN
        assert "etag" in answer.headers["access-control-expose-headers"]
        assert answer.headers["cache-control"] == "no-store"


def test_a_body_is_bounded(client: Client) -> None:
    assert post(client, ALL, b"x" * 70_000).status == 413
