"""The demo's checkout stops working on a running stack: ops are told, and told when it works again.

The only thing that is not as in production is the pace of evaluations, of a service of the test's
own that leads in the place of the stack's.
"""

from __future__ import annotations

import json
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import redis

from infra.cli.context import EXAMPLE_SITE
from personalize_api.alerts import alerting
from schemas.redis_keys import ALERTS_LOCK_KEY
from schemas.settings import Settings
from schemas.site import AlertRules
from schemas.site_file import load
from tests.alert_history import write_history
from tests.integration.personalize_service import Client, serving
from tests.processes import await_true
from tests.receiver import receiving
from tests.stack import Stack, stack

SITE = load(EXAMPLE_SITE)
USUAL = (0.6, 0.7, 0.8)
BATCH = 400


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Stack]:
    with stack(tmp_path / "state", tmp_path / "up.log") as running:
        yield running


def shoppers(running: Stack, name: str, count: int, orders: float) -> None:
    """So many look at a product, and come on as is usual; of those at the checkout, `orders`."""
    events: list[dict[str, Any]] = []
    for number in range(count):
        part = (number + 0.5) / count
        page = {"page": {"url": "https://toyhouse.example/p/kite"}}
        who = {"anonymousId": f"{name}-{number}"}
        events.append({"type": "page", **who, "context": page})
        if part < 0.6:
            events.append({"type": "track", **who, "event": "Product Added"})
        if part < 0.6 * 0.7:
            events.append({"type": "track", **who, "event": "Checkout Started"})
        if part < 0.6 * 0.7 * orders:
            paid = {"currency": "EUR", "order_id": f"{name}-{number}", "revenue": 20}
            events.append({"type": "track", **who, "event": "Order Completed", "properties": paid})
    for first in range(0, len(events), BATCH):
        running.segment("batch", batch=events[first : first + BATCH])


def subjects(url: str) -> list[str]:
    with urllib.request.urlopen(f"{url}/v1/alerts", timeout=10) as answer:
        return [alert["id"].partition("@")[0] for alert in json.load(answer)["alerts"]]


def lead(store: redis.Redis, client: Client, others: object) -> None:
    """Until the quick service is the leader: it looks every tenth of a second, the other less."""

    def has_changed() -> bool:
        if store.get(ALERTS_LOCK_KEY) == others:
            store.delete(ALERTS_LOCK_KEY)
        time.sleep(0.3)
        return store.get(ALERTS_LOCK_KEY) not in (None, others)

    await_true(has_changed, 30, "another leader")
    assert client.ask("/health").status == 200


def test_a_broken_checkout_is_told_and_its_mending_too(
    running: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(alerting, "EVALUATE_EVERY_S", 0.2)
    monkeypatch.setattr(alerting, "LOOK_EVERY_S", 0.1)
    settings = Settings.from_environment(running.environment)
    with redis.Redis.from_url(settings.redis_url) as store, receiving() as receiver:
        site = msgspec.structs.replace(SITE, alerts=AlertRules(webhooks=(receiver.url,)))
        write_history(store, SITE.funnels["checkout"], time.time(), USUAL)
        await_true(lambda: store.get(ALERTS_LOCK_KEY), 30, "the stack's own leader")
        others = store.get(ALERTS_LOCK_KEY)
        with serving(settings, site) as client:
            lead(store, client, others)
            shoppers(running, "well", 60, orders=0.8)
            await_true(lambda: running.live_funnel("checkout")["order"] >= 20, 30, "orders")
            time.sleep(1)
            assert subjects(client.url) == []

            shoppers(running, "broken", 150, orders=0.0)
            broken = time.monotonic()
            await_true(lambda: subjects(client.url), 30, "an alert")
            assert time.monotonic() - broken < 20, "three evaluations"
            assert subjects(client.url) == ["funnel/checkout/order"]
            expected = ["funnel/checkout/order"]
            await_true(lambda: subjects(running.personalize) == expected, 20, "it everywhere")

            shoppers(running, "mended", 1200, orders=0.85)
            await_true(lambda: subjects(client.url) == [], 60, "the end of the alert")
            told = ["alert.raised", "alert.resolved"]
            await_true(lambda: receiver.told() == told, 20, "both webhooks")
