"""Segment's own Python SDK, unchanged, against the real collector."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import msgspec
import pytest
from segment.analytics.client import Client
from segment.analytics.request import APIError

from tests.collector_service import Collector, _running, collector

__all__ = ["_running", "collector"]

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


@pytest.fixture(params=[False, True], ids=["plain", "gzip"])
def new_client(
    collector: Collector, request: pytest.FixtureRequest
) -> Callable[..., tuple[Client, list[Exception]]]:
    def make(write_key: str, **options: object) -> tuple[Client, list[Exception]]:
        errors: list[Exception] = []
        client = Client(
            write_key,
            host=collector.url,
            gzip=request.param,
            max_retries=1,
            on_error=lambda error, _batch: errors.append(error),
            **options,
        )
        return client, errors

    return make


def test_everything_it_sends_arrives(
    collector: Collector, new_client: Callable[..., tuple[Client, list[Exception]]]
) -> None:
    client, errors = new_client("sk_demo")
    happened = datetime(2026, 3, 1, 12, tzinfo=UTC)
    client.identify("u1", {"plan": "gold"})
    client.track("u1", "Order Completed", {"revenue": float("nan")}, timestamp=happened)
    client.page("u1", "Shop", "Home", {"url": "https://toyhouse.example/"})
    client.screen("u1", "Shop", "Cart")
    client.group("u1", "g1", {"size": 3})
    client.alias("old", "u1")
    client.track(anonymous_id="device-1", event="Product Added")
    client.shutdown()
    assert errors == []

    events = {event.name or event.type: event for event in collector.events()}
    assert collector.rejected() == []
    assert set(events) == {
        *("identify", "Order Completed", "Page Viewed", "Cart"),
        *("group", "alias", "Product Added"),
    }
    order = events["Order Completed"]
    assert (order.device_id, order.user_id, order.server) == ("user:u1", "u1", True)
    assert (order.event_time, order.notes) == (1_772_366_400_000, ["nan_nulled"])
    assert msgspec.json.decode(order.properties) == {"revenue": None}
    assert events["Page Viewed"].url == "https://toyhouse.example/"
    assert events["alias"].previous_id == "old"
    assert events["Product Added"].device_id == "device-1"


def test_it_reads_our_errors(
    collector: Collector, new_client: Callable[..., tuple[Client, list[Exception]]]
) -> None:
    client, errors = new_client("nobody")
    client.track("u1", "Order Completed")
    client.shutdown()
    (error,) = errors
    assert isinstance(error, APIError)
    assert (error.status, error.code) == (401, "unknown_write_key")
    assert collector.events() == []
