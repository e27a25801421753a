"""Redis away, stopped, slow or full of rubbish: the page is answered, in time, and says so."""

from __future__ import annotations

import os
import signal
import subprocess
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
from schemas.ids import person_of_user
from schemas.redis_keys import device_key, person_key
from schemas.settings import Settings
from tests.integration.personalize_service import (
    ADMIN,
    SERVER_KEY,
    Client,
    device_state,
    serving,
)
from tests.servers import own_settings, running

ENCYCLOPEDIA = "https://encyclopedia.example/"
IN_TIME_S = 0.1  # the deadline is 25 ms; the rest is for a busy machine


@pytest.fixture
def own(addresses: Settings, kafka_address: str) -> Settings:
    return msgspec.structs.replace(own_settings(), kafka=kafka_address)


@pytest.fixture
def server(own: Settings, tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    service = redis_server.service(tmp_path / "data", own.ports.redis)
    with running(service, tmp_path / "log") as process:
        yield process


def timed(client: Client, **inputs: object) -> tuple[Any, float]:
    started = time.monotonic()
    answer = client.homepage(**inputs)
    return answer, time.monotonic() - started


def assert_degraded(answer: Any) -> None:
    assert answer["degraded"] is True
    assert answer["visitor"]["class"] == "unknown"
    assert (answer["variant"], answer["scenario"]) == ("bestsellers", "encyclopedia")
    assert "the visitor's state" in answer["reason"]


def eventually_whole(client: Client) -> Any:
    deadline = time.monotonic() + 10
    while True:
        answer = client.homepage(anonymous_id="a", referrer=ENCYCLOPEDIA)
        if not answer["degraded"]:
            return answer
        assert time.monotonic() < deadline, "the service does not recover"
        time.sleep(0.05)


def test_redis_that_was_never_there(own: Settings) -> None:
    with serving(own) as client:
        for inputs in ({"anonymous_id": "a"}, {"consent": "granted"}, {}):
            answer, taken = timed(client, referrer=ENCYCLOPEDIA, **inputs)
            assert_degraded(answer)
            assert taken < IN_TIME_S
        assert client.ask("/ready").json()["degraded"] is True
        assert client.ask("/health").status == 200
        assert client.ask("/v1/funnels").status == 503
        assert client.ask("/v1/visitors/a", headers=ADMIN).status == 503


def test_redis_that_is_stopped_and_goes_on(own: Settings, server: subprocess.Popen[bytes]) -> None:
    with serving(own) as client:
        eventually_whole(client)
        os.kill(server.pid, signal.SIGSTOP)
        try:
            for _ in range(5):
                answer, taken = timed(client, anonymous_id="a", referrer=ENCYCLOPEDIA)
                assert_degraded(answer)
                assert taken < IN_TIME_S
            time.sleep(1.2)  # past the socket's own timeout
            answer, taken = timed(client, anonymous_id="a", referrer=ENCYCLOPEDIA)
            assert_degraded(answer)
            assert taken < IN_TIME_S
        finally:
            os.kill(server.pid, signal.SIGCONT)
        eventually_whole(client)
        assert client.metric("footfall_homepage_degraded_total") >= 6


def test_many_visitors_while_redis_is_stopped(
    own: Settings, server: subprocess.Popen[bytes]
) -> None:
    with serving(own) as client, ThreadPoolExecutor(16) as pool:
        eventually_whole(client)
        os.kill(server.pid, signal.SIGSTOP)
        try:
            asked = [
                pool.submit(client.homepage, anonymous_id=f"d{n}", referrer=ENCYCLOPEDIA)
                for n in range(200)
            ]
            for answer in asked:
                assert_degraded(answer.result())
        finally:
            os.kill(server.pid, signal.SIGCONT)
        eventually_whole(client)


def test_redis_that_dies_and_comes_back(own: Settings, tmp_path: Path) -> None:
    service = redis_server.service(tmp_path / "data", own.ports.redis)
    with serving(own) as client:
        with running(service, tmp_path / "log") as process:
            eventually_whole(client)
            process.kill()
            process.wait()
            answer, taken = timed(client, anonymous_id="a", referrer=ENCYCLOPEDIA)
            assert_degraded(answer)
            assert taken < IN_TIME_S
        with running(service, tmp_path / "log"):
            eventually_whole(client)


@pytest.mark.parametrize(
    "garbage", [b"", b"\xc1", b"garbage", b"\x90", b"\x92\xa1a\x01", b"\xdd\xff\xff\xff\xff"]
)
def test_rubbish_under_a_visitors_key(
    own: Settings, server: subprocess.Popen[bytes], garbage: bytes
) -> None:
    with serving(own) as client, redis.Redis.from_url(own.redis_url) as store:
        store.set(device_key("garbled"), garbage)
        store.set(device_key("good"), encode_device_state(device_state(past_sessions=1)))
        store.set(person_key(person_of_user("anna")), garbage)
        assert_degraded(client.homepage(anonymous_id="garbled", referrer=ENCYCLOPEDIA))
        assert_degraded(client.homepage(SERVER_KEY, user_id="anna", referrer=ENCYCLOPEDIA))
        assert client.homepage(anonymous_id="good")["visitor"]["class"] == "returning"
        assert client.ask("/v1/visitors/garbled", headers=ADMIN).status == 503
        assert client.ask("/v1/visitors/good", headers=ADMIN).status == 200


def test_another_kind_of_value_under_a_visitors_key(
    own: Settings, server: subprocess.Popen[bytes], caplog: pytest.LogCaptureFixture
) -> None:
    """Redis says of it what it says of a key that is not there, where many are asked for."""
    with serving(own) as client, redis.Redis.from_url(own.redis_url) as store:
        store.lpush(device_key("list"), "x")
        store.hset(person_key(person_of_user("anna")), "x", "y")
        eventually_whole(client)
        before = client.metric('footfall_homepage_degraded_total{cause="garbage"}')
        assert_degraded(client.homepage(anonymous_id="list", referrer=ENCYCLOPEDIA))
        assert_degraded(client.homepage(SERVER_KEY, user_id="anna", referrer=ENCYCLOPEDIA))
        assert client.homepage(anonymous_id="nobody")["visitor"]["class"] == "first-time"
        for who in ("list", "anna"):
            assert client.ask(f"/v1/visitors/{who}", headers=ADMIN).status == 503
        after = client.metric('footfall_homepage_degraded_total{cause="garbage"}')
    assert after == before + 2
    told = [line for line in caplog.messages if "holds a list" in line]
    assert len(told) == 1, "the second is within the same ten seconds"
