"""Which identifiers a server may say are a user's, and by which one may be known alone."""

from __future__ import annotations

from typing import Any

import pytest

from schemas.event import Claim
from schemas.identifiers import Kind, node_of
from tests.contract.test_segment_protocol import BROWSER, SERVER, accepted, gather, refused

MAIL, PHONE = "anna@example.com", "+4930123456"


def claims(message: dict[str, Any]) -> list[Claim]:
    harvest = gather({"batch": [message]}, SERVER)
    assert len(harvest.accepted) == 1
    return harvest.claims


def identify(traits: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"type": "identify", "userId": "anna", "traits": traits, **more}


def node(kind: Kind, value: str) -> str:
    return node_of(kind, value, "secret")


def test_a_verified_email_is_claimed_for_its_user() -> None:
    (claim,) = claims(identify({"email": "Anna@Example.com", "email_verified": True}))
    assert (claim.what, claim.value, claim.user_id) == ("email", MAIL, "anna")
    assert (claim.device_id, claim.revoked) == (node("email", MAIL), False)


@pytest.mark.parametrize("verified", ["phone_verified", "phone_number_verified"])
def test_a_verified_telephone_is_claimed_whatever_its_form(verified: str) -> None:
    (claim,) = claims(identify({"phone": "0049 30 / 123456", verified: True}))
    assert claim.value == PHONE


def test_both_are_claimed_at_once() -> None:
    said = {"email": MAIL, "email_verified": True, "phone": PHONE, "phone_verified": True}
    assert [claim.what for claim in claims(identify(said))] == ["email", "phone"]


@pytest.mark.parametrize("verified", [None, False, "true", 1])
def test_what_is_not_verified_is_no_claim(verified: object) -> None:
    assert claims(identify({"email": MAIL, "email_verified": verified})) == []


def test_an_order_is_its_buyers() -> None:
    order = {"type": "track", "event": "Order Completed", "properties": {"order_id": 1007}}
    (claim,) = claims({**order, "userId": "anna", "anonymousId": "d"})
    assert (claim.what, claim.value, claim.user_id) == ("order_id", "1007", "anna")
    assert claims({**order, "anonymousId": "d"}) == [], "nobody is logged in"


def test_revoking_takes_the_claim_back() -> None:
    (claim,) = claims(identify({"email": MAIL}, context={"revoke": True}))
    assert claim.revoked


def test_a_page_cannot_say_what_is_verified_or_take_anything_back() -> None:
    message = identify({"email": MAIL, "email_verified": True}, anonymousId="d")
    assert refused(message, BROWSER).reason == "needs_server_key"
    message = identify({}, anonymousId="d", context={"revoke": True})
    assert refused(message, BROWSER).reason == "needs_server_key"
    plain = identify({"email": MAIL}, anonymousId="d")
    assert accepted(plain, BROWSER).user_id == "anna"


def test_only_links_can_be_taken_back() -> None:
    message = {"type": "track", "event": "E", "userId": "anna", "context": {"revoke": True}}
    assert refused(message).reason == "wrong_type"


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({"properties": {"email": "ANNA@example.com"}}, node("email", MAIL)),
        ({"context": {"traits": {"email": MAIL}}}, node("email", MAIL)),
        ({"properties": {"phone": PHONE, "order_id": 7}}, node("phone", PHONE)),
        ({"properties": {"order_id": 7}}, node("order_id", "7")),
    ],
)
def test_a_servers_event_may_name_an_identifier_alone(said: dict[str, Any], expected: str) -> None:
    event = accepted({"type": "track", "event": "Call Received", **said})
    assert (event.device_id, event.user_id) == (expected, "")


def test_an_event_that_names_nobody_is_refused() -> None:
    message = {"type": "track", "event": "E", "properties": {"email": "null", "order_id": "0"}}
    refusal = refused(message)
    assert refusal.reason == "no_identifier"
    assert "email" in refusal.detail
    known = {**message, "properties": {"email": MAIL}}
    assert refused(known, BROWSER).reason == "no_identifier"


def test_without_consent_nothing_is_claimed() -> None:
    said = {"email": MAIL, "email_verified": True}
    assert claims(identify(said, context={"consent": False})) == []


def test_nobody_may_call_a_device_like_a_node() -> None:
    message = {"type": "track", "event": "E", "anonymousId": node("email", MAIL)}
    assert refused(message).reason == "reserved_identifier"
