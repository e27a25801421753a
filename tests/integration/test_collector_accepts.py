"""What is answered with 2xx stands in Kafka."""

from __future__ import annotations

import json
import uuid

import msgspec
import pytest

from schemas.ids import is_pseudonym
from tests.collector_service import PAGE, SERVER_KEY, Collector, _running, collector

__all__ = ["_running", "collector"]

TRACK = {"type": "track", "event": "Product Added", "anonymousId": "device-1"}


def beacon(load: str, **envelope: object) -> dict[str, object]:
    return {
        "key": "pk_demo",
        "load": load,
        "consent": True,
        "events": [{"type": "page", "url": "https://toyhouse.example/p/1", "title": "Train"}],
        **envelope,
    }


def test_the_first_beacons_of_a_page_are_one_device_and_set_its_cookie(
    collector: Collector,
) -> None:
    load = str(uuid.uuid4())
    answers = [collector.post("/b", beacon(load), PAGE) for _ in range(3)]
    for answer in answers:
        assert (answer.status, answer.body) == (204, b"")
        assert answer.headers["set-cookie"].startswith(f"ff_id={load}; Max-Age=")
        assert "HttpOnly" in answer.headers["set-cookie"]
    assert [event.device_id for event in collector.events()] == [load] * 3


def test_a_device_that_has_its_cookie_keeps_it(collector: Collector) -> None:
    device = str(uuid.uuid4())
    answer = collector.post("/b", beacon(str(uuid.uuid4())), {**PAGE, "Cookie": f"ff_id={device}"})
    assert "set-cookie" not in answer.headers
    (event,) = collector.events()
    assert (event.device_id, event.name, event.consent) == (device, "Page Viewed", "granted")
    assert event.url == "https://toyhouse.example/p/1"


@pytest.mark.parametrize(
    ("envelope", "headers", "consent"),
    [
        ({"consent": None}, {}, "unknown"),
        ({"consent": False}, {}, "denied"),
        ({"gpc": True}, {}, "denied"),
        ({}, {"Sec-GPC": "1"}, "denied"),
    ],
)
def test_without_consent_there_is_no_cookie_and_no_address(
    collector: Collector, envelope: dict[str, object], headers: dict[str, str], consent: str
) -> None:
    forwarded = {"X-Forwarded-For": "198.51.100.77"}
    answer = collector.post(
        "/b", beacon(str(uuid.uuid4()), **envelope), {**PAGE, **headers, **forwarded}
    )
    assert answer.status == 204
    assert "set-cookie" not in answer.headers
    (event,) = collector.events()
    assert is_pseudonym(event.device_id)
    assert (event.ip, event.consent) == ("198.51.100.0", consent)


def test_a_refusal_takes_the_cookie_away(collector: Collector) -> None:
    headers = {**PAGE, "Cookie": f"ff_id={uuid.uuid4()}"}
    answer = collector.post("/b", beacon(str(uuid.uuid4()), consent=False), headers)
    assert answer.headers["set-cookie"].startswith("ff_id=; Max-Age=0")


@pytest.mark.parametrize("path", ["/v1/batch", "/v1/import", "/v1/b"])
def test_a_batch_arrives_whole_over_all_partitions(collector: Collector, path: str) -> None:
    batch = [{**TRACK, "anonymousId": f"device-{n}"} for n in range(500)]
    answer = collector.post(path, {"batch": batch})
    assert (answer.status, answer.json) == (200, {"success": True})
    devices = {event.device_id for event in collector.events()}
    assert devices == {f"device-{n}" for n in range(500)}


@pytest.mark.parametrize("kind", ["track", "page", "screen", "identify", "group", "alias"])
def test_every_call_has_a_long_and_a_short_path(collector: Collector, kind: str) -> None:
    call = {"userId": "u", "event": "E", "groupId": "g", "previousId": "p"}
    for path in (f"/v1/{kind}", f"/v1/{kind[0]}"):
        assert collector.post(path, call).status == 200
    assert [event.type for event in collector.events()] == [kind, kind]


@pytest.mark.parametrize(
    "content_type",
    ["text/plain", "application/json", "application/x-www-form-urlencoded", "nonsense"],
)
def test_gzip_is_seen_whatever_the_headers_say(collector: Collector, content_type: str) -> None:
    headers = {**SERVER_KEY, "Content-Type": content_type}
    assert collector.post_gzipped("/v1/batch", {"batch": [TRACK]}, headers).status == 200
    assert len(collector.events()) == 1


def test_a_bad_event_goes_to_rejected_and_the_rest_arrives(collector: Collector) -> None:
    bad = {"type": "track", "anonymousId": "d", "timestamp": "soon", "event": "E"}
    answer = collector.post("/v1/batch", {"batch": [TRACK, bad, TRACK]})
    assert answer.status == 200
    assert len(collector.events()) == 2
    (record,) = collector.rejected()
    assert (record.reason, record.protocol) == ("invalid_time", "segment")
    assert json.loads(record.original) == bad


def test_bare_nan_is_nulled_and_noted(collector: Collector) -> None:
    body = b'{"event":"E","userId":"u","properties":{"a":NaN,"b":Infinity,"c":1}}'
    assert collector.post("/v1/track", body).status == 200
    (event,) = collector.events()
    assert event.notes == ["nan_nulled"]
    assert msgspec.json.decode(event.properties) == {"a": None, "b": None, "c": 1}


def test_a_listed_page_may_read_the_answer_and_no_other(collector: Collector) -> None:
    preflight = {"Access-Control-Request-Headers": "authorization,content-type"}
    allowed = collector.ask("OPTIONS", "/v1/t", headers={**PAGE, **preflight})
    assert allowed.status == 204
    assert allowed.headers["access-control-allow-origin"] == PAGE["Origin"]
    assert allowed.headers["access-control-allow-credentials"] == "true"
    assert "authorization, content-type" in allowed.headers["access-control-allow-headers"]
    other = collector.ask("OPTIONS", "/v1/t", headers={"Origin": "https://evil.example"})
    assert "access-control-allow-origin" not in other.headers


def test_the_tracker_is_served_small_and_cacheable(collector: Collector) -> None:
    plain = collector.ask("GET", "/beacon.js")
    zipped = collector.ask("GET", "/beacon.js", headers={"Accept-Encoding": "gzip"})
    assert b"sendBeacon" in plain.body
    assert len(zipped.body) <= 3 * 1024
    assert zipped.headers["content-encoding"] == "gzip"
    unchanged = collector.ask("GET", "/beacon.js", headers={"If-None-Match": plain.headers["etag"]})
    assert (unchanged.status, unchanged.body) == (304, b"")


def test_operations_and_sdk_settings_are_answered(collector: Collector) -> None:
    assert collector.ask("GET", "/health").json == {"status": "ok"}
    assert collector.ask("GET", "/ready").json["status"] == "ready"
    assert b"footfall_collector_buffered_events" in collector.ask("GET", "/metrics").body
    settings = collector.ask("GET", "/v1/projects/pk_demo/settings", headers=PAGE)
    assert settings.json["integrations"]["Segment.io"]["apiKey"] == "pk_demo"
    assert settings.headers["access-control-allow-origin"] == PAGE["Origin"]
    assert collector.ask("GET", "/v1/projects/nobody/settings").status == 401
    source = collector.ask("GET", "/sourceConfig?writeKey=pk_demo").json["source"]
    assert (source["enabled"], source["writeKey"]) == (True, "pk_demo")


def test_the_description_names_the_hot_paths(collector: Collector) -> None:
    paths = collector.ask("GET", "/openapi.json").json["paths"]
    assert {"/b", "/beacon.js", "/v1/track", "/v1/t", "/v1/batch", "/health"} <= set(paths)
    assert {"/batch/", "/e/", "/array/{key}/config"} <= set(paths)
    assert {"/com.snowplowanalytics.snowplow/tp2", "/i"} <= set(paths)
    assert {"/pixel.gif", "/r"} <= set(paths)
    assert collector.ask("GET", "/docs").status == 200
