"""Alerts in the service: raised, shown everywhere, kept over a restart, resolved, told once."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
import redis

from personalize_api.alerts import alerting
from personalize_api.alerts.store import LOCK_MS
from schemas.heartbeat import SILENT_MS, Heartbeat, encode_heartbeat, field_of
from schemas.redis_keys import (
    ALERTS_LOCK_KEY,
    ALERTS_OUTBOX_KEY,
    ALERTS_STATE_KEY,
    HEARTBEATS_KEY,
    live_keys,
)
from schemas.settings import Settings
from schemas.site import AlertRules, Site
from schemas.topics import REGISTERS
from tests.alert_history import write_arrivals, write_breakdown, write_history
from tests.integration.personalize_service import SITE, Client, serving
from tests.processes import await_true
from tests.receiver import Receiver, receiving

FUNNEL = SITE.funnels["checkout"]
USUAL = (0.5, 0.4)


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alerting, "EVALUATE_EVERY_S", 0.2)
    monkeypatch.setattr(alerting, "LOOK_EVERY_S", 0.1)


@pytest.fixture
def store(redis_url: str) -> Iterator[redis.Redis]:
    """Redis without what other tests have left of alerts and of funnels."""
    with redis.Redis.from_url(redis_url) as store:
        clear(store)
        yield store
        clear(store)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver


def clear(store: redis.Redis) -> None:
    store.delete(HEARTBEATS_KEY)
    for pattern in ("ff:{alerts}:*", live_keys(REGISTERS)):
        for key in store.scan_iter(pattern, count=1000):
            store.delete(key)


def site(*webhooks: str) -> Site:
    return msgspec.structs.replace(SITE, alerts=AlertRules(webhooks=webhooks))


def minutes(store: redis.Redis, orders: int, count: int = 40, *, ago: int = 0) -> None:
    """The last minutes: 40 a minute come, half of them fill a cart, so many order."""
    now = int(time.time()) // 60
    with store.pipeline() as together:
        for minute in range(now - ago - count + 1, now - ago + 1):
            write_arrivals(together, FUNNEL, minute, (40, 20, orders))
        together.execute()


def told(client: Client) -> Any:
    answer = client.ask("/v1/alerts")
    return answer.json() if answer.status == 200 else {"alerts": [], "recent": [], "at": ""}


def subjects(client: Client) -> list[str]:
    return [alert["id"].partition("@")[0] for alert in told(client)["alerts"]]


def await_subjects(client: Client, *expected: str) -> None:
    await_true(lambda: subjects(client) == list(expected), 20, f"alerts: {expected}")


def test_a_step_that_breaks_is_told_and_then_its_end(
    addresses: Settings, store: redis.Redis, kafka_address: str, receiver: Receiver
) -> None:
    write_history(store, FUNNEL, time.time(), USUAL)
    minutes(store, orders=8, ago=12)
    with serving(addresses, site(receiver.url)) as client:
        await_true(lambda: told(client)["at"], 20, "a first evaluation")
        time.sleep(1)
        assert subjects(client) == []
        live = client.ask("/v1/funnels/checkout").json()
        assert live["now"][2] == pytest.approx(0.4, abs=0.1)

        minutes(store, orders=0, count=12)
        await_subjects(client, "funnel/checkout/order")
        (alert,) = told(client)["alerts"]
        assert alert["severity"] == "critical"
        assert alert["title"].startswith("checkout: ")
        assert "came from cart to order" in alert["detail"]
        began = time.strftime("%Y-%m-%dT%H:%M", time.gmtime(time.time() - 11 * 60))
        assert abs(int(alert["since"][14:16]) - int(began[14:16])) in (0, 1, 59)
        labels = 'kind="funnel",severity="critical",subject="funnel/checkout/order"'
        active = f"footfall_alert_active{{{labels}}}"
        assert f"{active} 1.0" in client.ask("/metrics").body.decode()
        await_true(lambda: receiver.told() == ["alert.raised"], 20, "a webhook")

        minutes(store, orders=8, count=12)
        await_subjects(client)
        assert active not in client.ask("/metrics").body.decode()
        await_true(lambda: len(receiver.told()) == 2, 20, "a second webhook")
        assert receiver.told() == ["alert.raised", "alert.resolved"]
        assert told(client)["recent"][0]["id"] == alert["id"]
        await_true(lambda: not store.hlen(ALERTS_OUTBOX_KEY), 20, "an empty outbox")


def test_an_alert_says_for_whom(
    addresses: Settings, store: redis.Redis, kafka_address: str
) -> None:
    write_history(store, FUNNEL, time.time(), USUAL)
    minutes(store, orders=8, ago=10)
    minutes(store, orders=2, count=10)
    for ago in range(120):
        write_breakdown(store, FUNNEL, int(time.time()) // 60 - ago, "classic", (12, 6, 2))
        left = 0 if ago < 10 else 6
        write_breakdown(store, FUNNEL, int(time.time()) // 60 - ago, "bestsellers", (28, 14, left))
    with serving(addresses, site()) as client:
        await_subjects(client, "funnel/checkout/order")
        (alert,) = told(client)["alerts"]
        assert alert["detail"].endswith("; where variant is bestsellers; not for others")


def test_that_nobody_arrives_is_told_as_a_warning(
    addresses: Settings, store: redis.Redis, kafka_address: str
) -> None:
    write_history(store, FUNNEL, time.time(), USUAL, entries=True)
    minutes(store, orders=8, ago=12)
    with serving(addresses, site()) as client:
        await_subjects(client, "entry/checkout")
        (alert,) = told(client)["alerts"]
        assert (alert["kind"], alert["severity"]) == ("entry", "warning")
        assert alert["title"] == "checkout: nobody arrives"
        minutes(store, orders=8, count=12)
        await_subjects(client)


def test_what_is_usual_is_shown_beside_the_funnel(
    addresses: Settings, store: redis.Redis, kafka_address: str
) -> None:
    write_history(store, FUNNEL, time.time(), USUAL)
    minutes(store, orders=8)
    with serving(addresses, site()) as client:
        await_true(lambda: told(client)["at"], 20, "a first evaluation")
        (checkout,) = (f for f in _live(client)["funnels"] if f["name"] == "checkout")
        first, cart, order = checkout["usual"]
        assert first is None
        assert cart["share"] == pytest.approx(0.5)
        assert order["share"] == pytest.approx(0.4)
        assert order["low"] < 0.4 < order["high"]
        assert order["days"] >= 3
        assert "visits" in told(client)["learning"]


def test_a_restart_neither_repeats_nor_forgets(
    addresses: Settings, store: redis.Redis, kafka_address: str, receiver: Receiver
) -> None:
    write_history(store, FUNNEL, time.time(), USUAL)
    minutes(store, orders=0)
    with serving(addresses, site(receiver.url)) as client:
        await_subjects(client, "funnel/checkout/order")
        before = told(client)["alerts"]
    with serving(addresses, site(receiver.url)) as client:
        await_subjects(client, "funnel/checkout/order")
        time.sleep(1)
        assert told(client)["alerts"] == before
    assert receiver.told() == ["alert.raised"]


def test_a_webhook_that_was_not_taken_is_sent_by_the_next_process(
    addresses: Settings, store: redis.Redis, kafka_address: str, receiver: Receiver
) -> None:
    write_history(store, FUNNEL, time.time(), USUAL)
    minutes(store, orders=0)
    receiver.hang_s = 60
    with serving(addresses, site(receiver.url)) as client:
        await_true(lambda: receiver.received, 20, "a first attempt")
        assert client.homepage()["variant"]  # nobody waits for it
    receiver.hang_s = 0
    receiver.stopping.set()
    with serving(addresses, site(receiver.url)):
        await_true(lambda: len(receiver.received) == 2, 20, "a second attempt")
    first, second = receiver.received
    assert first.headers["webhook-id"] == second.headers["webhook-id"]


def test_of_several_processes_one_evaluates_and_all_show(
    addresses: Settings, store: redis.Redis, kafka_address: str, receiver: Receiver
) -> None:
    write_history(store, FUNNEL, time.time(), USUAL)
    minutes(store, orders=0)
    with serving(addresses, site(receiver.url)) as one:
        await_subjects(one, "funnel/checkout/order")
        leader = store.get(ALERTS_LOCK_KEY)
        with serving(addresses, site(receiver.url)) as other:
            await_subjects(other, "funnel/checkout/order")
            time.sleep(1)
            assert store.get(ALERTS_LOCK_KEY) == leader
            assert told(one)["alerts"] == told(other)["alerts"]
            store.set(ALERTS_LOCK_KEY, "somebody else", px=LOCK_MS)  # it was held up for long
            evaluated = told(one)["at"]
            time.sleep(1)
            assert told(one)["at"] == evaluated
            store.delete(ALERTS_LOCK_KEY)
            await_true(lambda: told(one)["at"] != evaluated, 20, "another leader")
    assert receiver.told() == ["alert.raised"]


def test_a_service_that_gives_no_sign_is_told_and_a_funnel_may_be_left_out(
    addresses: Settings, store: redis.Redis, kafka_address: str
) -> None:
    write_history(store, FUNNEL, time.time(), USUAL)
    minutes(store, orders=0)
    left_out = msgspec.structs.replace(SITE, alerts=AlertRules(leave_out=("checkout",)))
    at = time.time_ns() // 1_000_000 - 2 * SILENT_MS
    beat = Heartbeat(service="collect", instance="a:8080", at=at, started_at=at, site="")
    store.hset(HEARTBEATS_KEY, field_of(beat), encode_heartbeat(beat))
    with serving(addresses, left_out) as client:
        await_subjects(client, "silent/collect")
        time.sleep(1)  # a funnel's alarm takes one evaluation more
        assert subjects(client) == ["silent/collect"]


def test_garbage_in_redis_is_begun_anew_and_a_redis_that_is_away_is_no_all_clear(
    addresses: Settings, store: redis.Redis, kafka_address: str
) -> None:
    store.set(ALERTS_STATE_KEY, b"\xff no state")
    store.hset(ALERTS_OUTBOX_KEY, "x", "no message")
    with serving(addresses, site()) as client:
        await_subjects(client)
        await_true(lambda: told(client)["at"], 20, "an evaluation")
    unreachable = msgspec.structs.replace(addresses, redis_url="redis://127.0.0.1:9/0")
    with serving(unreachable, site()) as client:
        answer = client.ask("/v1/alerts")
        assert answer.status == 503
        assert "Redis" in answer.json()["message"] or "not yet" in answer.json()["message"]


def test_only_operators_may_ask(
    addresses: Settings, store: redis.Redis, kafka_address: str
) -> None:
    with serving(addresses, site()) as client:
        forwarded = {"X-Forwarded-For": "203.0.113.9"}
        assert client.ask("/v1/alerts", headers=forwarded).status == 401


def _live(client: Client) -> Any:
    connection = http.client.HTTPConnection(client.host, client.port, timeout=10)
    connection.request("GET", "/v1/live")
    stream = connection.getresponse()
    for line in stream:
        if line.startswith(b"data: "):
            connection.close()
            return json.loads(line[6:])
    raise AssertionError("no event")
