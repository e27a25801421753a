"""Snowplow's own trackers for Python and Node, unchanged, against the real collector."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Literal
from urllib.parse import urlencode

import msgspec
import pytest
from snowplow_tracker import (
    Emitter,
    PagePing,
    PageView,
    ScreenView,
    SelfDescribing,
    SelfDescribingJson,
    StructuredEvent,
    Subject,
    Tracker,
)

from tests.collector_service import PAGE, Collector, _running, collector
from tests.npm import installed

__all__ = ["_running", "collector"]

SOURCE = Path(__file__).parent / "trackers"
METHODS: list[Literal["post", "get"]] = ["post", "get"]


@pytest.mark.parametrize("method", METHODS)
def test_what_python_sends_arrives(collector: Collector, method: Literal["post", "get"]) -> None:
    failed: list[int] = []
    emitter = Emitter(
        collector.url, method=method, on_failure=lambda _sent, events: failed.append(len(events))
    )
    subject = Subject()
    subject.set_user_id("u1")
    subject.set_domain_user_id("dev-1")
    subject.set_ip_address("203.0.113.9")
    subject.set_useragent("Mozilla/5.0 (X11; Linux x86_64)")
    tracker = Tracker("shop", emitter, subject, app_id="sk_demo", encode_base64=method == "get")
    tracker.track(PageView("https://toyhouse.example/p", "Teddy", "https://google.com/"))
    tracker.track(StructuredEvent(category="shop", action="add", value=2.5))
    schema = "iglu:com.acme/order_completed/jsonschema/1-0-0"
    shelf = SelfDescribingJson("iglu:com.acme/shelf/jsonschema/1-0-0", {"name": "toys"})
    order = SelfDescribingJson(schema, {"order_id": "o-1", "revenue": float("nan")})
    tracker.track(SelfDescribing(order, context=[shelf], true_timestamp=1_772_366_400_000))
    tracker.track(ScreenView(id_="1", name="Cart"))
    tracker.track(PagePing("https://toyhouse.example/p"))
    tracker.flush()
    assert failed == []

    assert collector.rejected() == []
    events = {event.name: event for event in collector.events()}
    assert set(events) == {"Page Viewed", "add", "Order Completed", "Cart", "Page Pinged"}
    page = events["Page Viewed"]
    assert (page.protocol, page.server, page.device_id, page.user_id) == (
        *("snowplow", True, "dev-1", "u1"),
    )
    assert (page.url, page.title, page.ip) == ("https://toyhouse.example/p", "Teddy", "203.0.113.9")
    bought = events["Order Completed"]
    assert (bought.event_time, bought.notes) == (1_772_366_400_000, ["nan_nulled"])
    told = msgspec.json.decode(bought.properties)
    assert (told["order_id"], told["revenue"], told["iglu"]) == ("o-1", None, schema)
    assert told["contexts"][0]["data"] == {"name": "toys"}
    assert "app_id" not in told
    assert (events["Cart"].type, events["Page Pinged"].engaged_ms) == ("screen", 10_000)


def test_python_does_not_send_again_what_a_wrong_key_sent(collector: Collector) -> None:
    failed: list[int] = []
    emitter = Emitter(
        collector.url, on_failure=lambda _sent, events: failed.append(len(events)), batch_size=1
    )
    tracker = Tracker("shop", emitter, app_id="nobody")
    tracker.track(PageView("https://toyhouse.example/p"))
    assert failed == [1]
    assert not emitter.retry_timer.is_active()
    assert collector.events() == []


@pytest.mark.parametrize("method", METHODS)
def test_what_node_sends_arrives(collector: Collector, method: str) -> None:
    script = installed(SOURCE, "snowplow.mjs") / "snowplow.mjs"
    command = ["node", str(script), collector.url, "sk_demo", method]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {"sent": 3, "failed": []}
    assert collector.rejected() == []
    events = {event.name: event for event in collector.events()}
    assert set(events) == {"Page Viewed", "add", "Order Completed"}
    assert {(event.device_id, event.user_id) for event in events.values()} == {("dev-1", "node-1")}


def test_a_page_sends_by_post_by_query_and_as_an_image(collector: Collector) -> None:
    event = {"e": "pv", "aid": "pk_demo", "url": "https://toyhouse.example/", "duid": "dev-1"}
    posted = collector.post("/com.snowplowanalytics.snowplow/tp2", {"data": [event]}, PAGE)
    assert (posted.status, posted.body) == (200, b"ok")
    assert posted.headers["access-control-allow-credentials"] == "true"
    path = f"/i?{urlencode(event)}"
    for headers in (PAGE, {"Referer": "https://toyhouse.example/p?x"}):
        answer = collector.ask("GET", path, headers=headers)
        assert (answer.status, answer.headers["content-type"]) == (200, "image/gif")
        assert answer.headers["cache-control"] == "no-store"
    assert len(collector.events()) == 3
    foreign: list[dict[str, str]] = [{}, {"Referer": "https://evil.example/"}]
    for headers in foreign:
        assert collector.ask("GET", path, headers=headers).json["code"] == "origin_not_allowed"
    assert collector.post("/i", event, PAGE).status == 405
    preflight = collector.ask("OPTIONS", path, headers=PAGE)
    assert "sp-anonymous" in preflight.headers["access-control-allow-headers"]
