"""Redis slow, failing over, set back, or holding more than it should: answered in time."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import msgspec
import pytest
import redis

from infra.embedded import redis_server
from schemas.device_state import encode_device_state
from schemas.redis_keys import device_key
from schemas.settings import Settings
from tests.integration.personalize_service import Client, device_state, make_raw_topic, serving
from tests.processes import await_true
from tests.servers import own_settings, running
from tests.slow_proxy import SlowProxy, slow_proxy

IN_TIME_S = 0.1  # the deadline is 25 ms; the rest is for a busy machine
KNOWN = "known"


def put(url: str, **devices: bytes) -> None:
    with redis.Redis.from_url(url) as store:
        for device, state in devices.items():
            store.set(device_key(device), state)


def returning() -> bytes:
    return encode_device_state(device_state(past_sessions=3))


def asked(client: Client, device: str = KNOWN) -> Any:
    started = time.monotonic()
    answer = client.homepage(anonymous_id=device, referrer="https://encyclopedia.example/")
    answer["taken_s"] = time.monotonic() - started
    return answer


def is_whole(client: Client) -> bool:
    answer = asked(client)
    return not answer["degraded"] and answer["visitor"]["class"] == "returning"


@pytest.fixture
def proxy(addresses: Settings, redis_url: str) -> Iterator[SlowProxy]:
    put(redis_url, known=returning())
    with slow_proxy(addresses.ports.redis) as proxy:
        yield proxy


@pytest.fixture
def client(addresses: Settings, kafka_address: str, proxy: SlowProxy) -> Iterator[Client]:
    make_raw_topic(kafka_address)
    settings = msgspec.structs.replace(addresses, redis_url=f"redis://127.0.0.1:{proxy.port}/0")
    with serving(settings) as client:
        await_true(lambda: is_whole(client), 10, "answers with Redis as it should be")
        yield client


def test_a_redis_slower_than_the_deadline_costs_the_deadline_and_no_more(
    client: Client, proxy: SlowProxy
) -> None:
    for delay_s in (0.06, 0.4):
        proxy.delay_s = delay_s
        for _ in range(5):
            answer = asked(client)
            assert answer["degraded"] is True
            assert answer["visitor"]["class"] == "unknown"
            assert answer["variant"] == "bestsellers"
            assert answer["reason"].endswith("the visitor's state did not come in time")
            assert answer["taken_s"] < IN_TIME_S
    proxy.delay_s = 0.0
    await_true(lambda: is_whole(client), 10, "whole again")
    assert client.metric('footfall_homepage_degraded_total{cause="deadline"}') >= 10


def test_visitors_that_come_together_wait_together(client: Client, proxy: SlowProxy) -> None:
    """A slow Redis is asked little: what is on its way is waited for, not asked for again."""
    proxy.delay_s = 0.2
    before = client.metric("footfall_lookup_batches_total")
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda n: asked(client, f"many-{n}"), range(160)))
    assert all(answer["degraded"] for answer in answers)
    assert client.metric("footfall_lookup_batches_total") - before < 20
    proxy.delay_s = 0.0
    await_true(lambda: is_whole(client), 10, "whole again")


def test_a_storm_of_one_visitor_reads_one_state(client: Client, proxy: SlowProxy) -> None:
    """Somebody leans on the reload key: while a round trip is on its way, all the others share
    the next.
    """
    proxy.delay_s = 0.01
    before = client.metric("footfall_lookup_keys_total")
    with ThreadPoolExecutor(32) as pool:
        answers = list(pool.map(lambda _: asked(client), range(320)))
    assert {answer["visitor"]["class"] for answer in answers if not answer["degraded"]} == {
        "returning"
    }
    keys = client.metric("footfall_lookup_keys_total") - before
    assert keys == client.metric("footfall_lookup_batches_total") - before or keys < 160


def test_a_replica_takes_over(
    client: Client, proxy: SlowProxy, addresses: Settings, tmp_path: Path
) -> None:
    """The address leads to the replica that was promoted; connections to the old one are cut."""
    port = own_settings().ports.redis
    service = redis_server.service(tmp_path / "replica", port)
    with running(service, tmp_path / "log"), redis.Redis(port=port) as replica:
        replica.config_set("appendonly", "no")  # else it will not stop while it writes the first
        replica.execute_command("REPLICAOF", "127.0.0.1", str(addresses.ports.redis))
        await_true(lambda: replica.exists(device_key(KNOWN)), 20, "the replica has it")
        replica.execute_command("REPLICAOF", "NO", "ONE")
        replica.set(device_key("only-there"), returning())
        proxy.lead_to(port)
        deadline = time.monotonic() + 10
        while not is_whole(client):
            assert asked(client)["taken_s"] < IN_TIME_S
            assert time.monotonic() < deadline
        assert asked(client, "only-there")["visitor"]["class"] == "returning"
        proxy.lead_to(addresses.ports.redis)
        await_true(lambda: is_whole(client), 10, "back again")
        assert asked(client, "only-there")["visitor"]["class"] == "first-time"


def test_nobody_there_after_the_old_one_went(client: Client, proxy: SlowProxy) -> None:
    proxy.lead_to(1)  # nothing listens there
    for _ in range(5):
        answer = asked(client)
        assert (answer["degraded"], answer["variant"]) == (True, "bestsellers")
        assert answer["taken_s"] < IN_TIME_S


def test_a_redis_that_is_emptied_knows_nobody_and_is_not_degraded(
    client: Client, redis_url: str
) -> None:
    with redis.Redis.from_url(redis_url) as store:
        store.delete(device_key(KNOWN))
    answer = asked(client)
    assert (answer["degraded"], answer["visitor"]["class"]) == (False, "first-time")


def test_a_state_of_a_megabyte_holds_nobody_up(
    addresses: Settings, redis_url: str, kafka_address: str
) -> None:
    """It is not read: that would take so long that others missed their deadline."""
    logins = tuple((f"user-{n}", n, n) for n in range(60_000))
    large = encode_device_state(device_state(logins=logins))
    assert len(large) > 1_000_000
    usual = encode_device_state(device_state(past_sessions=2, seen={20_000: bytes(100_000)}))
    put(
        redis_url,
        large=large,
        torn=large[:-10],
        noise=b"\xc1" * 1_000_000,
        usual=usual,
        known=returning(),
    )
    with serving(addresses) as client:
        for device in ("large", "torn", "noise"):
            answer = asked(client, device)
            assert (answer["degraded"], answer["variant"]) == (True, "bestsellers")
            assert "could not be read" in answer["reason"]
            assert answer["taken_s"] < IN_TIME_S
        assert asked(client, "usual")["visitor"]["class"] == "returning"
        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(lambda n: asked(client, ("large", KNOWN)[n % 2]), range(64)))
        known = answers[1::2]
        assert sum(not answer["degraded"] for answer in known) > len(known) / 2
        assert all(answer["variant"] == "bestsellers" for answer in answers)
        await_true(lambda: is_whole(client), 10, "whole again")
