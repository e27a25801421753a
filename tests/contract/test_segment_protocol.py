"""Segment's HTTP Tracking API, message by message, RudderStack's differences included."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ingest.collector.caller import Caller
from ingest.collector.errors import MalformedBody, TooLarge
from ingest.collector.harvest import Harvest
from ingest.collector.protocols.segment import read_batch, read_single
from ingest.collector.pseudonym import Salts
from ingest.collector.rules import Rules
from schemas.event import Event, EventType, Rejected
from schemas.ids import is_pseudonym
from schemas.reasons import Reason
from schemas.site import ConsentRules, Site, WriteKey

NOW = 1_795_314_668_018
SERVER = WriteKey(key="sk_demo", kind="server")
BROWSER = WriteKey(key="pk_demo", kind="browser")
SITE = Site(name="Toyhouse", consent=ConsentRules(mode="opt-out"))
RULES = Rules(SITE, Salts("redis://127.0.0.1:1/0"), "secret")
SCOPE = {"client": ("198.51.100.7", 4711), "scheme": "https", "query_string": b""}
HEADERS = {b"user-agent": b"Firefox", b"accept-language": b"de-DE,en;q=0.5"}


def _caller(key: WriteKey) -> Caller:
    return Caller(SCOPE, HEADERS, key, NOW)


def gather(body: dict[str, Any], key: WriteKey = SERVER, kind: EventType | None = None) -> Harvest:
    raw = json.dumps(body).encode()
    parcel = read_single(raw, kind) if kind else read_batch(raw)
    return parcel.gather(_caller(key), RULES)


def accepted(message: dict[str, Any], key: WriteKey = SERVER, **batch: Any) -> Event:
    harvest = gather({"batch": [message], **batch}, key)
    assert harvest.refused == []
    return harvest.accepted[0]


def refused(message: dict[str, Any], key: WriteKey = SERVER) -> Rejected:
    harvest = gather({"batch": [message]}, key)
    assert harvest.accepted == []
    return harvest.refused[0]


TRACK = {"type": "track", "event": "Product Added", "anonymousId": "device-1"}


def test_track() -> None:
    event = accepted({**TRACK, "userId": 42, "properties": {"sku": "T-1"}})
    assert (event.type, event.name, event.protocol) == ("track", "Product Added", "segment")
    assert (event.device_id, event.user_id, event.site) == ("device-1", "42", "Toyhouse")
    assert bytes(event.properties) == b'{"sku": "T-1"}'
    assert event.server


def test_page_takes_its_address_from_context_or_properties() -> None:
    page = {"url": "https://x/", "title": "T", "referrer": "https://r/"}
    message = {"type": "page", "anonymousId": "d"}
    for sent in ({"context": {"page": page}}, {"properties": page}):
        event = accepted({**message, **sent})
        assert event.name == "Page Viewed"
        assert (event.url, event.title, event.referrer) == ("https://x/", "T", "https://r/")


def test_the_name_and_category_of_a_page_are_kept_as_properties() -> None:
    event = accepted({"type": "page", "anonymousId": "d", "name": "Home", "category": "Shop"})
    assert json.loads(bytes(event.properties)) == {"name": "Home", "category": "Shop"}


def test_screen_is_named_by_name_or_as_rudderstack_does_by_event() -> None:
    assert accepted({"type": "screen", "userId": "u", "name": "Cart"}).name == "Cart"
    assert accepted({"type": "screen", "userId": "u", "event": "Cart"}).name == "Cart"


@pytest.mark.parametrize("place", [{"traits": {"a": 1}}, {"context": {"traits": {"a": 1}}}])
def test_traits_of_identify_are_its_properties(place: dict[str, Any]) -> None:
    event = accepted({"type": "identify", "userId": "u", "anonymousId": "d", **place})
    assert (event.type, event.user_id) == ("identify", "u")
    assert json.loads(bytes(event.properties)) == {"a": 1}


@pytest.mark.parametrize("place", ["context", "traits"])
@pytest.mark.parametrize("child", ["child-2", 2])
def test_the_profile_of_traits_is_named_in_them_or_in_the_context(place: str, child: Any) -> None:
    event = accepted({"type": "identify", "userId": "u", place: {"profile_id": child}})
    assert event.profile_id == str(child)


@pytest.mark.parametrize("unreadable", [{}, [], True])
def test_traits_of_a_profile_that_cannot_be_read_are_not_the_accounts_own(unreadable: Any) -> None:
    traits = {"profile_id": unreadable, "age": 7}
    assert refused({"type": "identify", "userId": "u", "traits": traits}).reason == "wrong_type"
    track = {"type": "track", "event": "E", "userId": "u", "properties": traits}
    assert accepted(track).profile_id == ""


def test_group_keeps_its_id_with_its_traits() -> None:
    event = accepted({"type": "group", "userId": "u", "groupId": "g", "traits": {"a": 1}})
    assert json.loads(bytes(event.properties)) == {"group_id": "g", "a": 1}


def test_alias_joins_with_a_server_key() -> None:
    event = accepted({"type": "alias", "previousId": "old", "userId": "new"})
    assert (event.previous_id, event.user_id) == ("old", "new")


def test_alias_needs_a_server_key() -> None:
    alias = {"type": "alias", "previousId": "old", "userId": "new", "anonymousId": "d"}
    assert refused(alias, BROWSER).reason == Reason.NEEDS_SERVER_KEY


def test_a_user_without_a_device_has_one_of_their_own() -> None:
    event = accepted({"type": "track", "event": "E", "userId": "u"})
    assert event.device_id == "user:u"


def test_a_browser_key_cannot_speak_for_a_user_without_a_device() -> None:
    message = {"type": "track", "event": "E", "userId": "u"}
    assert refused(message, BROWSER).reason == Reason.NO_IDENTIFIER


@pytest.mark.parametrize("nobody", ["", "null", "undefined", "NaN", "0", 0, -1, None, " Guest "])
def test_what_is_no_identifier_counts_as_absent(nobody: Any) -> None:
    event = accepted({**TRACK, "userId": nobody})
    assert event.user_id == ""
    assert refused({**TRACK, "anonymousId": nobody}).reason == Reason.NO_IDENTIFIER


@pytest.mark.parametrize("reserved", ["p_1", "user:u", "a b", "ü", "a" * 129, "-a"])
def test_a_device_cannot_be_called_what_only_we_may_assign(reserved: str) -> None:
    assert refused({**TRACK, "anonymousId": reserved}).reason == Reason.RESERVED_IDENTIFIER


def test_the_visitor_behind_a_backend_is_who_the_context_says() -> None:
    event = accepted({**TRACK, "context": {"ip": "203.0.113.9", "userAgent": "Safari"}})
    assert (event.ip, event.user_agent, event.language) == ("203.0.113.9", "Safari", "")
    assert accepted(TRACK).ip == ""


def test_the_visitor_in_a_browser_is_who_is_connected() -> None:
    event = accepted({**TRACK, "context": {"ip": "203.0.113.9"}}, BROWSER)
    assert (event.ip, event.user_agent, event.language) == ("198.51.100.7", "Firefox", "de-DE")
    assert not event.server


def test_a_context_of_the_batch_fills_what_a_message_leaves_open() -> None:
    event = accepted(
        {**TRACK, "context": {"locale": "fr", "page": None}},
        context={"locale": "de", "page": {"url": "https://x/"}, "campaign": {"name": "spring"}},
    )
    assert (event.language, event.url) == ("fr", "https://x/")
    assert event.campaign == {"utm_campaign": "spring"}


def test_campaign_fields_get_their_names_in_a_url() -> None:
    campaign = {"name": "n", "source": "s", "medium": "m", "term": "t", "content": "c", "x": 1}
    assert accepted({**TRACK, "context": {"campaign": campaign}}).campaign == {
        "utm_campaign": "n",
        "utm_source": "s",
        "utm_medium": "m",
        "utm_term": "t",
        "utm_content": "c",
    }


def test_rudderstacks_word_for_no_referrer_is_none() -> None:
    page = {"page": {"url": "https://x/", "referrer": "$direct"}}
    assert accepted({"type": "page", "anonymousId": "d", "context": page}).referrer == ""


def test_rudderstacks_timestamp_is_read() -> None:
    event = accepted({**TRACK, "originalTimestamp": "2026-11-22T02:00:00Z"})
    assert event.event_time == 1_795_312_800_000


def test_a_clock_that_is_wrong_is_put_right_by_sent_at() -> None:
    event = accepted(
        {**TRACK, "timestamp": "2026-11-22T01:00:00Z"}, sentAt="2026-11-22T01:31:08.018Z"
    )
    assert event.event_time == 1_795_312_800_000


def test_the_message_id_makes_the_event_id() -> None:
    uuid = "7f0c5f0e-6b1c-4c1e-9d1a-0f00fa110001"
    assert accepted({**TRACK, "messageId": uuid}).event_id == uuid
    first, again = (accepted({**TRACK, "messageId": "ajs-1"}).event_id for _ in range(2))
    assert first == again
    assert accepted(TRACK).event_id != accepted(TRACK).event_id


@pytest.mark.parametrize(
    "context",
    [
        {"consent": {"categoryPreferences": {"Analytics": False}}},
        {"consent": "denied"},
        {"consent": False},
        {"gpc": True},
        {"consent": {"gpc": True}},
    ],
)
def test_without_consent_nothing_of_the_person_is_kept(context: dict[str, Any]) -> None:
    event = accepted(
        {
            "type": "identify",
            "userId": "u",
            "anonymousId": "d",
            "traits": {"email": "x@y.example"},
            "context": {**context, "ip": "203.0.113.9", "profile_id": "child"},
        }
    )
    assert is_pseudonym(event.device_id)
    assert (event.user_id, event.profile_id, event.ip) == ("", "", "203.0.113.0")
    assert (event.consent, bytes(event.properties)) == ("denied", b"{}")


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        ({"type": "track", "anonymousId": "d"}, Reason.MISSING_FIELD),
        ({"type": "group", "userId": "u"}, Reason.MISSING_FIELD),
        ({"type": "alias", "userId": "u"}, Reason.MISSING_FIELD),
        ({"type": "delete", "userId": "u"}, Reason.UNKNOWN_TYPE),
        ({"userId": "u"}, Reason.UNKNOWN_TYPE),
        ({**TRACK, "event": 1}, Reason.WRONG_TYPE),
        ({**TRACK, "userId": {}}, Reason.WRONG_TYPE),
        ({**TRACK, "userId": True}, Reason.WRONG_TYPE),
        ({**TRACK, "userId": "u" * 257}, Reason.WRONG_TYPE),
        ({**TRACK, "properties": []}, Reason.WRONG_TYPE),
        ({**TRACK, "properties": "x"}, Reason.WRONG_TYPE),
        ({**TRACK, "timestamp": "soon"}, Reason.INVALID_TIME),
        ({**TRACK, "timestamp": "1999-01-01T00:00:00Z"}, Reason.INVALID_TIME),
        ({**TRACK, "properties": {"x": "y" * 65_536}}, Reason.TOO_LARGE),
    ],
)
def test_a_bad_message_is_refused_with_its_bytes_and_the_rest_is_kept(
    message: dict[str, Any], reason: Reason
) -> None:
    harvest = gather({"batch": [TRACK, message, TRACK]})
    assert len(harvest.accepted) == 2
    (record,) = harvest.refused
    assert record.reason == reason
    assert json.loads(record.original) == message


def test_a_refused_message_keeps_its_id() -> None:
    uuid = "7f0c5f0e-6b1c-4c1e-9d1a-0f00fa110001"
    assert refused({"type": "x", "messageId": uuid}).event_id == uuid


def test_what_is_no_message_at_all_is_refused_alone() -> None:
    body = b'{"batch":[1,null,"x",[],{"type":"track","event":"E","userId":"u"}]}'
    harvest = read_batch(body).gather(_caller(SERVER), RULES)
    assert len(harvest.accepted) == 1
    assert [record.original for record in harvest.refused] == [b"1", b"null", b'"x"', b"[]"]


def test_a_single_call_has_its_type_from_the_path() -> None:
    harvest = gather({"event": "E", "userId": "u", "writeKey": "k"}, kind="track")
    assert harvest.accepted[0].type == "track"


@pytest.mark.parametrize("body", [b"[]", b"1", b'{"batch":{}}', b'{"writeKey":"k"}', b"\xff"])
def test_a_body_of_another_shape_is_malformed(body: bytes) -> None:
    with pytest.raises(MalformedBody):
        read_batch(body)


def test_a_request_has_at_most_500_events_and_a_lone_event_64_kb() -> None:
    with pytest.raises(TooLarge):
        gather({"batch": [TRACK] * 501})
    with pytest.raises(TooLarge):
        gather({**TRACK, "properties": {"x": "y" * 65_536}}, kind="track")
