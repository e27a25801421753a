"""Redis stopped, killed or emptied while picks are asked for: answered in time all the same."""

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
from personalize_api.picks.weights import USUAL
from schemas.activity import VIEWED, Activity, product_name, with_cell
from schemas.device_state import encode_device_state
from schemas.pick_model import Trained, Weighed
from schemas.redis_keys import device_key
from schemas.settings import Settings
from schemas.site import Catalogue
from sinks.redis.generations import store as store_generation
from tests.integration.personalize_service import SITE, Client, device_state, now_ms, serving
from tests.integration.test_picks_api import ROWS, trained
from tests.processes import await_true
from tests.servers import own_settings, running

IN_TIME_S = 0.1  # the deadline is 25 ms; the rest is for a busy machine
POPULAR = ["signal", "bear", "engine", "owl"]
PERSONAL = ["bear", "signal", "engine"]  # of somebody who looked at the owl


@pytest.fixture
def own(addresses: Settings, kafka_address: str) -> Settings:
    return msgspec.structs.replace(own_settings(), kafka=kafka_address)


@pytest.fixture
def server(own: Settings, tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    service = redis_server.service(tmp_path / "data", own.ports.redis)
    with running(service, tmp_path / "log") as process:
        yield process


@pytest.fixture
def client(own: Settings, server: subprocess.Popen[bytes], tmp_path: Path) -> Iterator[Client]:
    """Of a service that has read a generation, and knows somebody who looked at the owl."""
    file = tmp_path / "catalogue.csv"
    file.write_text(ROWS)
    put(own, trained())
    site = msgspec.structs.replace(SITE, catalogue=Catalogue(file=file, id="sku", reload_s=1))
    with serving(own, site) as client:
        await_true(lambda: ids(asked(client)) == PERSONAL, 15, "the generation is not read")
        yield client


def put(own: Settings, generation: Trained) -> None:
    with redis.Redis.from_url(own.redis_url) as store:
        store_generation(store, generation)
        seen = with_cell(Activity(), product_name("owl"), now_ms() - 60_000, VIEWED)
        known = device_state(seen={1: b"123456"}, activity=seen)
        store.set(device_key("watcher"), encode_device_state(known))


def asked(client: Client) -> Any:
    answer = client.ask("/v1/picks?anonymous_id=watcher")
    assert answer.status == 200, answer.body
    return answer.json()


def ids(answer: Any) -> list[str]:
    return [pick["id"] for pick in answer["picks"]]


def assert_popular_in_time(client: Client) -> None:
    began = time.monotonic()
    answer = asked(client)
    assert time.monotonic() - began < IN_TIME_S
    assert answer["degraded"] is True
    assert ids(answer) == POPULAR
    assert {reason for pick in answer["picks"] for reason in pick["reasons"]} == {"popular now"}


def test_a_redis_that_is_stopped_leaves_what_is_popular_and_goes_on(
    client: Client, server: subprocess.Popen[bytes]
) -> None:
    with ThreadPoolExecutor(8) as pool:
        before = [pool.submit(asked, client) for _ in range(100)]
        os.kill(server.pid, signal.SIGSTOP)  # in the middle of them
        try:
            during = [pool.submit(asked, client) for _ in range(100)]
            answers = [answer.result() for answer in [*before, *during]]
            assert {tuple(ids(answer)) for answer in answers} <= {tuple(POPULAR), tuple(PERSONAL)}
            for answer in answers:
                assert answer["degraded"] is (ids(answer) == POPULAR), "known by what is shown"
            time.sleep(2.5)  # past a look at the pointer, and its time-out
            for _ in range(5):
                assert_popular_in_time(client)
        finally:
            os.kill(server.pid, signal.SIGCONT)
    await_true(lambda: ids(asked(client)) == PERSONAL, 15, "picks do not become personal again")
    assert asked(client)["degraded"] is False


def test_a_redis_that_is_killed_and_comes_back_empty_keeps_the_generation_in_memory(
    own: Settings, tmp_path: Path, client: Client, server: subprocess.Popen[bytes]
) -> None:
    server.kill()
    server.wait()
    assert_popular_in_time(client)
    again = redis_server.service(tmp_path / "emptied", own.ports.redis)
    with running(again, tmp_path / "log of the second"):
        await_true(lambda: not asked(client)["degraded"], 15, "Redis is not found again")
        assert ids(asked(client)) == POPULAR, "the visitor is forgotten, what is popular is not"
        put(own, with_weights(trained()))
        await_true(lambda: told(client)["weights"] == "learned", 15, "the new one is not read")
        answer = asked(client)
        assert ids(answer) == PERSONAL
        parts = answer["picks"][0]["parts"]
        assert parts["popular"] == pytest.approx(0.65 * 0.75, abs=0.01), "by the weights it brings"


def told(client: Client) -> Any:
    return client.ask("/ready").json()["picks"]


def with_weights(generation: Trained) -> Trained:
    """With weights of its own, adopted."""
    own = Weighed(
        weights={**USUAL, "popular": 0.0}, adopted=True, why="", learned_at=now_ms(), persons=7
    )
    later = now_ms() + 1
    return msgspec.structs.replace(generation, weighed=own, trained_at=later)
