"""PostHog's own SDKs for Python and Node, unchanged, against the real collector."""

from __future__ import annotations

import json
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from posthog import Posthog
from posthog.request import APIError

from schemas.ids import is_pseudonym
from tests.collector_service import PAGE, Collector, _running, collector
from tests.npm import installed

__all__ = ["_running", "collector"]

SOURCE = Path(__file__).parent / "trackers"


def _client(collector: Collector, key: str, **options: Any) -> tuple[Posthog, list[Exception]]:
    errors: list[Exception] = []
    client = Posthog(
        key,
        host=collector.url,
        max_retries=1,
        on_error=lambda error, _batch: errors.append(error),
        **options,
    )
    return client, errors


@pytest.mark.parametrize(
    "options", [{}, {"gzip": True}, {"capture_mode": "v1"}], ids=["plain", "gzip", "v1"]
)
def test_what_python_sends_arrives(collector: Collector, options: dict[str, Any]) -> None:
    client, errors = _client(collector, "sk_demo", **options)
    happened = datetime(2026, 3, 1, 12, tzinfo=UTC)
    client.capture(
        "Order Completed",
        distinct_id="u1",
        properties={"revenue": 12.5, "$current_url": "https://toyhouse.example/thanks"},
        timestamp=happened,
    )
    client.set(distinct_id="u1", properties={"plan": "gold"})
    client.alias("old", "u1")
    client.group_identify("company", "g1", {"size": 3})
    client.capture("Looked")
    client.shutdown()
    assert errors == []

    assert collector.rejected() == []
    events = {event.name or event.type: event for event in collector.events()}
    assert set(events) == {"Order Completed", "identify", "alias", "group", "Looked"}
    assert {event.protocol for event in events.values()} == {"posthog"}
    order = events["Order Completed"]
    assert (order.device_id, order.user_id, order.server) == ("user:u1", "u1", True)
    assert (order.event_time, order.url) == (
        *(1_772_366_400_000, "https://toyhouse.example/thanks"),
    )
    assert msgspec.json.decode(order.properties)["revenue"] == 12.5
    assert msgspec.json.decode(events["identify"].properties) == {"plan": "gold"}
    assert {events["alias"].user_id, events["alias"].previous_id} == {"old", "u1"}
    assert is_pseudonym(events["group"].device_id)
    assert events["Looked"].user_id == ""


@pytest.mark.filterwarnings("ignore:.*is deprecated:DeprecationWarning")
def test_python_asks_for_feature_flags_and_is_told_there_are_none(collector: Collector) -> None:
    client, errors = _client(collector, "sk_demo")
    assert not client.feature_enabled("anything", "u1")
    client.shutdown()
    assert errors == []
    (asked,) = collector.events()
    assert asked.name == "$feature_flag_called"


def test_python_reads_our_errors_and_does_not_try_again(collector: Collector) -> None:
    client, errors = _client(collector, "nobody")
    client.capture("Order Completed", distinct_id="u1")
    client.shutdown()
    (error,) = errors
    assert isinstance(error, APIError)
    assert error.status == 401
    assert "unknown_write_key" in error.message
    assert collector.events() == []


def test_what_node_sends_arrives(collector: Collector) -> None:
    script = installed(SOURCE, "posthog.mjs") / "posthog.mjs"
    command = ["node", str(script), collector.url, "sk_demo"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {"enabled": False}
    assert collector.rejected() == []
    events = collector.events()
    named = {event.name or event.type: event for event in events}
    assert set(named) >= {"Order Completed", "identify", "alias", "group"}
    order = named["Order Completed"]
    assert (order.user_id, order.url) == ("node-1", "https://toyhouse.example/thanks")
    assert msgspec.json.decode(order.properties)["order_id"] == "o-1"
    told = [msgspec.json.decode(event.properties) for event in events if event.type == "identify"]
    assert {"plan": "gold"} in told
    assert {"vip": True} in told


def test_what_a_page_asks_first_is_answered(collector: Collector) -> None:
    config = collector.ask("GET", "/array/pk_demo/config", headers=PAGE)
    assert config.headers["access-control-allow-origin"] == PAGE["Origin"]
    assert config.json["hasFeatureFlags"] is False
    script = collector.ask("GET", "/array/pk_demo/config.js")
    assert script.body.startswith(b"window._POSTHOG_REMOTE_CONFIG")
    assert collector.ask("GET", "/array/nobody/config").status == 401
    for path in ("/flags/?v=2", "/decide/?v=3"):
        answer = collector.ask("POST", path, {"token": "pk_demo"}, PAGE)
        assert (answer.status, answer.json["flags"]) == (200, {})


def test_each_path_answers_what_the_sdks_expect(collector: Collector) -> None:
    message = {"api_key": "sk_demo", "event": "x", "distinct_id": "u1"}
    for path in ("/batch", "/batch/", "/e/", "/capture/", "/i/v0/e/"):
        answer = collector.post(path, message, {})
        assert (answer.status, answer.json) == (200, {"status": 1})
    assert len(collector.events()) == 5
    browser = {**message, "api_key": "pk_demo"}
    assert collector.post("/e/", browser, {}).json["code"] == "origin_not_allowed"
    answer = collector.post("/e/", browser, PAGE)
    assert answer.headers["access-control-allow-origin"] == PAGE["Origin"]
