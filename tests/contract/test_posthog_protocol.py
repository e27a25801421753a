"""PostHog's capture API, event by event, in each form of body that its SDKs have."""

from __future__ import annotations

import base64
import gzip
import json
from typing import Any
from urllib.parse import quote

import msgspec
import pytest

from ingest.collector.caller import Caller
from ingest.collector.errors import MalformedBody
from ingest.collector.harvest import Harvest
from ingest.collector.protocols.posthog import RESULTS_PATH, readers
from ingest.collector.pseudonym import Salts
from ingest.collector.rules import Rules
from schemas.event import Event, Rejected
from schemas.ids import is_pseudonym
from schemas.reasons import Reason
from schemas.site import ConsentRules, Site, WriteKey

NOW = 1_795_314_668_018
SERVER = WriteKey(key="sk_demo", kind="server")
BROWSER = WriteKey(key="pk_demo", kind="browser")
SCOPE = {"client": ("198.51.100.7", 4711), "scheme": "https", "query_string": b""}
HEADERS = {b"user-agent": b"Firefox", b"accept-language": b"de-DE,en;q=0.5"}
DEVICE = "01a203cf-486c-7293-8323-8b028d52a9e6"
PAGE = "https://toyhouse.example/p/teddy"


def rules(mode: Any = "opt-out") -> Rules:
    site = Site(name="Toyhouse", consent=ConsentRules(mode=mode))
    return Rules(site, Salts("redis://127.0.0.1:1/0"), "secret")


def gather(
    body: object, key: WriteKey = BROWSER, path: str = "/e/", mode: str = "opt-out"
) -> Harvest:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return readers()[path](raw).gather(Caller(SCOPE, HEADERS, key, NOW), rules(mode))


def accepted(event: dict[str, Any], key: WriteKey = BROWSER, **envelope: Any) -> list[Event]:
    harvest = gather({"batch": [event], **envelope}, key)
    assert harvest.refused == []
    return harvest.accepted


def refused(event: dict[str, Any], key: WriteKey = BROWSER) -> Rejected:
    harvest = gather({"batch": [event]}, key)
    assert harvest.accepted == []
    return harvest.refused[0]


def seen(name: str, **properties: Any) -> dict[str, Any]:
    """An event of a page whose visitor is anonymous."""
    said = {"distinct_id": DEVICE, "$device_id": DEVICE, "$current_url": PAGE, **properties}
    return {"event": name, "uuid": "01a203cf-48a8-73ab-8754-2149c22fa7d9", "properties": said}


def told(event: Event) -> Any:
    return msgspec.json.decode(event.properties)


def test_a_page_view_fills_columns_and_keeps_what_the_site_said() -> None:
    (event,) = accepted(
        seen(
            "$pageview",
            title="Teddy",
            sku="T-1",
            gclid=None,
            utm_source="the last campaign",
            **{
                "$referrer": "https://www.google.com/",
                "$session_entry_url": PAGE,
                "$session_entry_referrer": "https://www.google.com/",
                "$browser_language": "fr-FR",
                "$session_id": "s",
                "$sdk_debug_retry_queue_size": 0,
                "$dead_clicks_enabled_server_side": False,
                "$screen_width": 1280,
            },
        )
    )
    assert (event.type, event.name, event.protocol) == ("page", "Page Viewed", "posthog")
    assert (event.device_id, event.user_id, event.server) == (DEVICE, "", False)
    assert (event.url, event.title, event.referrer) == (PAGE, "Teddy", "https://www.google.com/")
    assert (event.language, event.ip, event.user_agent) == ("fr-FR", "198.51.100.7", "Firefox")
    assert event.event_id == "01a203cf-48a8-73ab-8754-2149c22fa7d9"
    assert event.campaign == {}
    assert told(event) == {"sku": "T-1", "$screen_width": 1280}


def test_the_referrer_of_a_session_is_that_of_its_first_page_alone() -> None:
    entry = {"$session_entry_url": PAGE, "$session_entry_referrer": "https://www.google.com/"}
    later = seen("$pageview", **entry, **{"$current_url": "https://toyhouse.example/cart"})
    (event,) = accepted(later)
    assert event.referrer == "https://toyhouse.example/"


@pytest.mark.parametrize("mark", [{"$user_id": "4711"}, {"$is_identified": True}])
def test_who_is_identified_is_a_user_on_the_device(mark: dict[str, Any]) -> None:
    (event,) = accepted(seen("Product Added", distinct_id="4711", **mark))
    assert (event.type, event.name) == ("track", "Product Added")
    assert (event.device_id, event.user_id) == (DEVICE, "4711")


def test_identify_has_its_traits_and_what_is_set_once_apart() -> None:
    message = seen("$identify", distinct_id="4711", **{"$anon_distinct_id": DEVICE})
    message["$set"] = {"plan": "gold"}
    message["$set_once"] = {"first": "x", "$initial_referrer": "$direct"}
    (event,) = accepted(message)
    assert (event.type, event.name, event.user_id) == ("identify", "", "4711")
    assert told(event) == {"plan": "gold", "$set_once": {"first": "x"}}


def test_a_page_cannot_speak_for_a_user_without_its_device() -> None:
    assert (
        refused(
            {"event": "x", "distinct_id": "4711", "properties": {"$is_identified": True}}
        ).reason
        == Reason.NO_IDENTIFIER
    )
    assert refused(seen("$create_alias", alias="4712")).reason == Reason.NEEDS_SERVER_KEY


def test_after_a_reset_the_user_is_gone_from_the_device() -> None:
    reset = {"$last_posthog_reset": "2026-11-22T02:31:00.000Z", "distinct_id": "another"}
    message = {**seen("Looked", **reset), "timestamp": "2026-11-22T02:31:07.500Z"}
    event, logout = accepted(message)
    assert (event.user_id, event.device_id) == ("", DEVICE)
    assert (logout.name, logout.device_id, logout.user_id) == ("Logged Out", DEVICE, "")
    assert event.event_time - logout.event_time == 7500
    again = {**message, "uuid": "01a203cf-48a8-73ab-8754-2149c22fa7da"}
    assert accepted(again)[1].event_id == logout.event_id
    later = {**message, "timestamp": "2026-11-22T04:31:07.500Z"}
    assert len(accepted(later)) == 1


def test_leaving_a_page_tells_how_long_it_was_seen() -> None:
    (left,) = accepted(seen("$pageleave", **{"$prev_pageview_duration": 9.169}))
    assert (left.name, left.type, left.engaged_ms) == ("Page Left", "track", 9169)
    (night,) = accepted(seen("$pageleave", **{"$prev_pageview_duration": 40_000}))
    assert night.engaged_ms == 30 * 60_000
    before = {"$prev_pageview_pathname": "/p/kite", "$prev_pageview_duration": 3}
    view, left = accepted(seen("$pageview", **before))
    assert (view.name, view.engaged_ms) == ("Page Viewed", 0)
    assert (left.name, left.engaged_ms) == ("Page Left", 3000)
    assert left.url == "https://toyhouse.example/p/kite"


def test_a_server_speaks_of_a_user_or_of_nobody_known() -> None:
    """By the SDK's own word for it: an id says not by itself what it is."""
    of_user, traits = accepted(
        {
            "event": "Order Completed",
            "distinct_id": 42,
            "timestamp": "2026-11-22T02:31:00Z",
            "properties": {
                "revenue": 3,
                "$ip": "203.0.113.9",
                "$raw_user_agent": "Chrome",
                "utm_source": "letter",
                "$set": {"vip": True},
            },
        },
        SERVER,
    )
    assert (of_user.device_id, of_user.user_id, of_user.server) == ("user:42", "42", True)
    assert (of_user.ip, of_user.user_agent) == ("203.0.113.9", "Chrome")
    assert of_user.campaign == {"utm_source": "letter"}
    assert told(of_user) == {"revenue": 3}
    assert (traits.type, traits.user_id, told(traits)) == ("identify", "42", {"vip": True})

    personless = {"$process_person_profile": False}
    (of_device,) = accepted({"event": "x", "distinct_id": DEVICE, "properties": personless}, SERVER)
    assert (of_device.device_id, of_device.user_id) == (DEVICE, "")
    on_device = {"event": "x", "distinct_id": "42", "properties": {"$device_id": DEVICE}}
    assert (accepted(on_device, SERVER)[0].device_id, accepted(on_device, SERVER)[0].user_id) == (
        *(DEVICE, "42"),
    )


def test_what_a_server_sets_claims_what_it_verified() -> None:
    verified = {"email": "Anna@example.org", "email_verified": True}
    message = {"event": "x", "distinct_id": "42", "$set": verified}
    (claim,) = gather({"batch": [message]}, SERVER).claims
    assert (claim.what, claim.value, claim.user_id) == ("email", "anna@example.org", "42")
    page = {**seen("$identify", distinct_id="42"), "$set": verified}
    assert refused(page).reason == Reason.NEEDS_SERVER_KEY


def test_an_alias_joins_two_users_or_a_browser_and_its_user() -> None:
    def alias(one: str, other: str) -> Event:
        said = {"distinct_id": one, "alias": other}
        message = {"event": "$create_alias", "distinct_id": one, "properties": said}
        return accepted(message, SERVER)[0]

    users = alias("old", "u1")
    assert (users.type, users.user_id, users.previous_id) == ("alias", "old", "u1")
    for browser in (alias(DEVICE, "u1"), alias("u1", DEVICE)):
        assert (browser.type, browser.user_id, browser.device_id) == ("identify", "u1", DEVICE)
    message = {"event": "$create_alias", "distinct_id": "u1", "properties": {}}
    assert refused(message, SERVER).reason == Reason.MISSING_FIELD


def test_a_group_that_a_server_describes_is_no_person() -> None:
    said = {"$group_type": "company", "$group_key": "g1", "$group_set": {"size": 3}}
    message = {"event": "$groupidentify", "distinct_id": "$company_g1", "properties": said}
    (event,) = accepted(message, SERVER)
    assert (event.type, event.user_id) == ("group", "")
    assert is_pseudonym(event.device_id)
    (event,) = accepted(seen("$groupidentify", **said))
    assert (event.device_id, told(event)) == (
        *(DEVICE, {"group_id": "g1", "group_type": "company", "size": 3}),
    )


def test_without_consent_nothing_names_the_visitor() -> None:
    vitals = {"$web_vitals_LCP_event": {"$session_id": "s", "device": DEVICE}}
    silent = seen("$pageview", sku="T-1", **vitals, **{"$session_id": "s", "$user_id": "4711"})
    (event,) = gather({"batch": [silent]}, mode="opt-in").accepted
    assert (event.consent, is_pseudonym(event.device_id)) == ("unknown", True)
    assert (event.ip, event.user_id) == ("198.51.100.0", "")
    assert DEVICE.encode() not in msgspec.json.encode(event)
    assert told(event) == {"sku": "T-1"}
    asked = seen("$pageview", consent="granted")
    (event,) = gather({"batch": [asked]}, mode="opt-in").accepted
    assert (event.consent, event.device_id) == ("granted", DEVICE)
    for refusal in ({"consent": False}, {"consent": "denied"}, {"$cookieless_mode": True}):
        (event,) = gather({"batch": [seen("$pageview", **refusal)]}).accepted
        assert (event.consent, is_pseudonym(event.device_id)) == ("denied", True)
    nobody = {"event": "$pageview", "properties": {"distinct_id": "$posthog_cookieless"}}
    assert accepted(nobody)[0].consent == "denied"
    identify = {**seen("$identify", distinct_id="4711"), "$set": {"email": "a@b.c"}}
    (event,) = gather({"batch": [identify]}, mode="opt-in").accepted
    assert (event.user_id, told(event)) == ("", {})


def test_its_time_is_put_right_by_the_senders_clock() -> None:
    hour_slow = {"sent_at": "2026-11-22T01:31:08Z", "timestamp": "2026-11-22T01:30:08Z"}
    message = {**seen("x"), "timestamp": hour_slow["timestamp"]}
    (event,) = accepted(message, sent_at=hour_slow["sent_at"])
    assert event.event_time == NOW - 60_018
    (as_sent,) = accepted(
        {**message, "properties": {**message["properties"], "$ignore_sent_at": True}},
        sent_at=hour_slow["sent_at"],
    )
    assert as_sent.event_time == NOW - 3_660_018
    (older_sdk,) = accepted({**seen("x"), "offset": 5000})
    assert older_sdk.event_time == NOW - 5000
    assert refused({**seen("x"), "offset": 1e300}).reason == Reason.INVALID_TIME
    assert refused({**seen("x"), "timestamp": "soon"}).reason == Reason.INVALID_TIME


def _forms() -> dict[str, bytes]:
    one = seen("$pageview", token="pk_demo")
    batch = json.dumps({"api_key": "pk_demo", "batch": [one]}).encode()
    packed = base64.b64encode(batch)
    return {
        "batch": batch,
        "one event": json.dumps({"api_key": "pk_demo", **one}).encode(),
        "list": json.dumps([one]).encode(),
        "form of base64": b"data=" + quote(packed).encode(),
        "form of base64, as it is": b"data=" + packed + b"&ip=1",
        "form of base64 for addresses": b"data=" + base64.urlsafe_b64encode(batch).rstrip(b"="),
        "form of JSON": b"data=" + quote(batch).encode(),
        "form of gzip": b"data=" + quote(base64.b64encode(gzip.compress(batch))).encode(),
        "JSON of base64": json.dumps({"data": packed.decode()}).encode(),
    }


@pytest.mark.parametrize("form", _forms())
def test_each_form_of_body_is_read(form: str) -> None:
    body = _forms()[form]
    parcel = readers()["/e/"](body)
    assert parcel.key == "pk_demo"
    (event,) = gather(body).accepted
    assert (event.type, event.url) == ("page", PAGE)


@pytest.mark.parametrize(
    "body",
    [b"data=", b"data=%%%", b"data=@@@", b"7", b'{"batch": 7}', b'{"data": "@"}', b"data=fQ"],
)
def test_another_body_is_malformed(body: bytes) -> None:
    with pytest.raises(MalformedBody):
        readers()["/batch/"](body)


def test_history_is_taken_from_a_server_at_its_own_time() -> None:
    message = {"event": "x", "distinct_id": "u1", "timestamp": "2025-01-02T03:04:05Z"}
    (event,) = accepted(message, SERVER, historical_migration=True)
    assert (event.protocol, event.received_at) == ("import", event.event_time)
    harvest = gather({"batch": [seen("x")], "historical_migration": True})
    assert harvest.refused[0].reason == Reason.NEEDS_SERVER_KEY


def test_the_newest_protocol_is_told_event_by_event_what_was_refused() -> None:
    lost = {"event": "", "uuid": "01a203cf-48a8-73ab-8754-2149c22fa7db", "distinct_id": "u1"}
    taken = {"event": "x", "distinct_id": "u1", "options": {"process_person_profile": False}}
    harvest = gather({"batch": [lost, taken]}, SERVER, RESULTS_PATH)
    assert harvest.accepted[0].device_id == "u1"
    assert harvest.answer is not None
    results = json.loads(harvest.answer.content)["results"]
    assert results == {
        lost["uuid"]: {"result": "drop", "details": "missing_field: an event has an event"}
    }
