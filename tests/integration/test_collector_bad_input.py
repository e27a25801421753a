"""Whatever is sent, the answer is the contract's, never a 5xx, and nothing good is lost."""

from __future__ import annotations

import gzip
import json
import uuid
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.collector_service import PAGE, SERVER_KEY, Collector, _running, collector

__all__ = ["_running", "collector"]

TRACK = {"type": "track", "event": "Product Added", "anonymousId": "device-1"}
SNOWPLOW = "/com.snowplowanalytics.snowplow/tp2"
PATHS = ["/b", "/v1/track", "/v1/batch", "/v1/identify", "/v1/alias", "/batch/", "/e/", SNOWPLOW]
KEYS = ("key", "writeKey", "api_key")
FUZZ = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"null",
        b"\x00\xff\xfe binary rubbish",
        b'{"batch":[{}',
        b'"text"',
        b"\xff" * 1000,
        b"[" * 200_000,
        b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
        gzip.compress(b'{"batch":[]}', mtime=0)[:-6],
        gzip.compress(b"{}", mtime=0) + b"rest",
        b"\x1f\x8bnot gzip",
    ],
    ids=lambda body: repr(body[:16]),
)
def test_a_body_that_cannot_be_read_is_malformed(
    collector: Collector, path: str, body: bytes
) -> None:
    answer = collector.post(path, body)
    assert answer.status in (400, 413)
    assert set(answer.json) == {"code", "message"}
    assert collector.events() == []


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/b", {"key": "sk_demo", "events": 7}),
        ("/b", {}),
        ("/b", [1]),
        ("/v1/batch", [1]),
        ("/v1/batch", {"batch": {}}),
        ("/batch/", {"batch": {}}),
        (SNOWPLOW, {"data": {}}),
        (SNOWPLOW, [1]),
    ],
)
def test_an_envelope_of_another_shape_is_malformed(
    collector: Collector, path: str, body: object
) -> None:
    assert collector.post(path, body).status == 400


@pytest.mark.parametrize("path", PATHS)
def test_an_unknown_key_is_401_and_a_foreign_page_403(collector: Collector, path: str) -> None:
    empty: dict[str, Any] = {"events": [], "batch": []}
    unknown = empty | dict.fromkeys(KEYS, "nobody") | {"data": [{"aid": "nobody"}]}
    assert collector.post(path, unknown, PAGE).status == 401
    browser = empty | dict.fromkeys(KEYS, "pk_demo") | {"data": [{"aid": "pk_demo"}]}
    for headers in ({}, {"Origin": "https://evil.example"}, {"Origin": "null"}):
        answer = collector.post(path, browser, headers)
        assert (answer.status, answer.json["code"]) == (403, "origin_not_allowed")


def test_2_mb_are_too_large_however_they_are_sent(collector: Collector) -> None:
    def chunks() -> Iterator[bytes]:
        for _ in range(2048):
            yield b" " * 1024

    whole = collector.post("/v1/batch", b" " * 2 * 1024 * 1024)
    chunked = collector.post("/v1/batch", chunks())
    bomb = collector.post("/v1/batch", gzip.compress(b" " * 100 * 1024 * 1024, mtime=0))
    for answer in (whole, chunked, bomb):
        assert (answer.status, answer.json["code"]) == (413, "too_large")


def test_another_compression_is_415_another_method_405_another_path_404(
    collector: Collector,
) -> None:
    brotli = {**SERVER_KEY, "Content-Encoding": "br"}
    assert collector.post("/v1/batch", b"\x8b\x00", brotli).status == 415
    for path in PATHS:
        answer = collector.ask("GET", path)
        assert (answer.status, answer.json["code"]) == (405, "method_not_allowed")
    answer = collector.ask("GET", "/nowhere")
    assert (answer.status, answer.json["code"]) == (404, "not_found")


def test_an_event_above_64_kb_is_refused_and_its_batch_kept(collector: Collector) -> None:
    large = {**TRACK, "properties": {"x": "y" * 65_536}}
    assert collector.post("/v1/batch", {"batch": [TRACK, large]}).status == 200
    assert len(collector.events()) == 1
    (record,) = collector.rejected()
    assert record.reason == "too_large"
    assert json.loads(record.original) == large


def test_more_than_500_events_are_too_many(collector: Collector) -> None:
    assert collector.post("/v1/batch", {"batch": [TRACK] * 501}).status == 413
    assert collector.events() == []


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=8,
)
_FIELDS = [
    *("type", "event", "name", "userId", "anonymousId", "messageId", "timestamp", "sentAt"),
    *("context", "properties", "traits", "previousId", "groupId", "category"),
]
_odd_event = st.dictionaries(st.sampled_from(_FIELDS), _json, max_size=8)
_POSTHOG_FIELDS = [
    *("event", "uuid", "distinct_id", "timestamp", "offset", "properties", "$set", "$set_once"),
    "options",
]
_POSTHOG_PROPERTIES = [
    *("$current_url", "$device_id", "$user_id", "$referrer", "$session_entry_url", "$set"),
    *("$prev_pageview_duration", "$prev_pageview_pathname", "$last_posthog_reset", "$group_set"),
    *("$group_key", "alias", "consent", "profile_id", "decision_id", "$ip", "$screen_name"),
]
_posthog_names = st.sampled_from(
    ["$pageview", "$identify", "$set", "$groupidentify", "$create_alias", "$pageleave", "x"]
)
_odd_capture = st.builds(
    lambda fields, properties, name: {"event": name, "properties": properties, **fields},
    st.dictionaries(st.sampled_from(_POSTHOG_FIELDS), _json, max_size=5),
    st.dictionaries(st.sampled_from(_POSTHOG_PROPERTIES), _json, max_size=8),
    _posthog_names,
)
_SNOWPLOW_FIELDS = [
    *("eid", "aid", "uid", "duid", "url", "page", "refr", "dtm", "stm", "ttm", "lang", "ip", "ua"),
    *("ue_px", "cx", "se_ac", "se_va", "se_la", "tr_id", "tr_tt", "ti_qu", "pp_mix", "tz"),
]
_self_describing = st.fixed_dictionaries(
    {
        "schema": st.sampled_from(
            [
                "iglu:com.acme/x/jsonschema/1-0-0",
                "iglu:org.footfall/visit/jsonschema/1-0-0",
                "iglu:com.snowplowanalytics.snowplow/client_session/jsonschema/1-0-2",
                "iglu:com.snowplowanalytics.snowplow/consent_preferences/jsonschema/1-0-0",
                "iglu:com.snowplowanalytics.snowplow.ecommerce/snowplow_ecommerce_action/j/1-0-2",
                "iglu:com.snowplowanalytics.snowplow.ecommerce/product/jsonschema/1-0-0",
                "no schema",
            ]
        ),
        "data": _json
        | st.dictionaries(
            st.sampled_from(["type", "name", "userId", "consent", "heartbeat", "profile_id"]),
            _json | st.sampled_from(["transaction", "checkout_step", "allow_selected"]),
        ),
    }
)
_text_or_any = st.text(max_size=20) | st.floats().map(str) | st.integers().map(str) | _json
_odd_track = st.builds(
    lambda kind, fields, own, around: {
        "e": kind,
        "ue_pr": json.dumps({"data": own}),
        "co": json.dumps({"data": around}),
        **fields,
    },
    st.sampled_from(["pv", "pp", "se", "ue", "tr", "ti", "zz"]),
    st.dictionaries(st.sampled_from(_SNOWPLOW_FIELDS), _text_or_any, max_size=6),
    _self_describing,
    st.lists(_self_describing, max_size=3),
)
_EDGES = [
    b'{"type":"track","event":"\\ud800","userId":"u"}',
    b'{"type":"track","event":"E","userId":"u","properties":{"a":"\xff"}}',
    b'{"type":"track","event":"E","userId":' + b"9" * 5000 + b"}",
    b'{"type":"track","event":"E","userId":"u","properties":{"a":1e999}}',
    b'{"type":"track","event":"E","userId":"u","properties":{"a":' + b"9" * 5000 + b"}}",
    b'{"type":"track","event":"E","userId":"u","properties":' + b'{"a":' * 300 + b"1" + b"}" * 301,
    b'{"type":"track","event":"E\\u0000","userId":"u\\u0000"}',
]


@FUZZ
@given(body=st.binary(max_size=300) | _json.map(lambda value: json.dumps(value).encode()))
def test_no_body_makes_it_fail(collector: Collector, body: bytes) -> None:
    for path in PATHS:
        for packed in (body, gzip.compress(body, mtime=0)):
            assert collector.post(path, packed).status < 500


@FUZZ
@given(odd=st.lists(_odd_event, max_size=4))
def test_odd_events_never_harm_the_good_one_beside_them(
    collector: Collector, odd: list[dict[str, Any]]
) -> None:
    good = {**TRACK, "messageId": str(uuid.uuid4())}
    answer = collector.post("/v1/batch", {"batch": [*odd, good]})
    assert answer.status == 200
    events, rejected = collector.events(), collector.rejected()
    assert good["messageId"] in {event.event_id for event in events}
    assert len(events) + len(rejected) == len(odd) + 1
    written = [json.dumps(event).encode() for event in odd]
    assert all(record.original in written for record in rejected)
    for event in events:
        assert isinstance(msgspec.json.decode(event.properties), dict)


@settings(FUZZ, max_examples=30)
@given(odd=st.lists(_odd_capture, max_size=4))
def test_odd_events_of_posthog_never_harm_the_good_one_beside_them(
    collector: Collector, odd: list[dict[str, Any]]
) -> None:
    good = {"event": "Product Added", "distinct_id": "u1", "uuid": str(uuid.uuid4())}
    assert collector.post("/batch/", {"batch": [*odd, good]}).status == 200
    events, rejected = collector.events(), collector.rejected()
    assert good["uuid"] in {event.event_id for event in events}
    assert len(events) + len(rejected) >= len(odd) + 1
    for event in events:
        assert isinstance(msgspec.json.decode(event.properties), dict)


@settings(FUZZ, max_examples=30)
@given(odd=st.lists(_odd_track, max_size=4))
def test_odd_events_of_snowplow_never_harm_the_good_one_beside_them(
    collector: Collector, odd: list[dict[str, Any]]
) -> None:
    good = {"e": "pv", "uid": "u1", "eid": str(uuid.uuid4())}
    assert collector.post(SNOWPLOW, {"data": [*odd, good]}).status == 200
    events, rejected = collector.events(), collector.rejected()
    assert good["eid"] in {event.event_id for event in events}
    assert len(events) + len(rejected) == len(odd) + 1
    for event in events:
        assert isinstance(msgspec.json.decode(event.properties), dict)


@settings(FUZZ, max_examples=30)
@given(query=st.binary(max_size=200) | st.text(max_size=100).map(str.encode))
def test_no_query_makes_it_fail(collector: Collector, query: bytes) -> None:
    assert collector.ask("GET", "/i?" + quote(query, safe="=&%+"), None, SERVER_KEY).status < 500


@pytest.mark.parametrize("edge", _EDGES, ids=lambda edge: repr(edge[:60]))
def test_an_edge_of_json_never_harms_the_events_beside_it(
    collector: Collector, edge: bytes
) -> None:
    good = json.dumps(TRACK).encode()
    answer = collector.post("/v1/batch", b'{"batch":[' + b",".join([good, edge, good]) + b"]}")
    assert answer.status == 200
    events, rejected = collector.events(), collector.rejected()
    assert len(events) + len(rejected) == 3
    assert len(events) >= 2
    assert all(record.original == edge for record in rejected)


def test_a_bad_beacon_event_is_rejected_with_its_bytes(collector: Collector) -> None:
    bad = [{"type": "alias"}, {"type": "track"}, 7, {"type": "page", "time": "soon"}]
    good = {"type": "page", "url": "https://toyhouse.example/"}
    beacon = {"key": "pk_demo", "load": "x", "consent": True, "events": [*bad, good]}
    assert collector.post("/b", beacon, PAGE).status == 204
    assert len(collector.events()) == 1
    rejected = {record.reason: json.loads(record.original) for record in collector.rejected()}
    assert rejected == {
        "unknown_type": bad[0],
        "missing_field": bad[1],
        "wrong_type": bad[2],
        "invalid_time": bad[3],
    }
