"""Heartbeats of real processes: what they say, when they fall silent, and that they hurt nobody."""

from __future__ import annotations

import asyncio
import signal
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import cast

import msgspec
import pytest
from redis import Redis

from infra.embedded import broker
from infra.heart import Heart
from schemas.heartbeat import (
    SILENT_MS,
    Heartbeat,
    Told,
    read_heartbeats,
    services_of,
    stages_of,
)
from schemas.redis_keys import HEARTBEATS_KEY
from schemas.settings import Settings
from schemas.topics import RAW, REJECTED, STREAM_GROUP
from tests.processes import await_true, footfall
from tests.stream_world import World, stream_world, visits


def heard(redis: Redis, later_ms: int = 0) -> list[Heartbeat]:
    now = int(time.time() * 1000) + later_ms
    return read_heartbeats(cast(list[bytes], redis.hvals(HEARTBEATS_KEY)), now)


def state_of(redis: Redis, later_ms: int = 0) -> str:
    """Of the only service, so much later."""
    now = int(time.time() * 1000) + later_ms
    (view,) = services_of(heard(redis, later_ms), now)
    return view.state


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with stream_world(tmp_path_factory.mktemp("heartbeat")) as world:
        yield world


def test_the_stream_says_how_far_it_is_and_is_silent_once_it_is_killed(
    world: World, tmp_path: Path
) -> None:
    log = tmp_path / "stream.log"
    with footfall("stream", world.settings, log) as process:
        world.send(visits(devices=20, pages=5))
        world.await_folded()

        def raw_is_told() -> bool:
            return {"stream.raw"} <= {s.name for beat in heard(world.redis) for s in beat.stages}

        await_true(raw_is_told, 30, "the stream says how far it is")
        (beat,) = heard(world.redis)
        assert beat.instance == f"{socket.gethostname()}:{world.settings.ports.stream}"
        assert len(beat.site) == 12
        await_true(lambda: not _behind(world), 30, "nothing is behind")
        process.kill()
        process.wait()
    assert state_of(world.redis) == "ok"
    assert state_of(world.redis, SILENT_MS + 2000) == "silent"
    later = int(time.time() * 1000) + SILENT_MS + 2000
    assert {view.state for view in stages_of(heard(world.redis), later)} == {"silent"}

    broker.forget_group(world.settings.kafka, STREAM_GROUP)
    before = heard(world.redis)[0].started_at
    with footfall("stream", world.settings, log) as process:
        await_true(lambda: heard(world.redis)[0].started_at > before, 30, "it is the same instance")
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
    assert state_of(world.redis) == "stopped"


def _behind(world: World) -> int:
    found = {view.name: view for view in stages_of(heard(world.redis), int(time.time() * 1000))}
    raw, refused = found["stream.raw"], found["stream.rejected"]
    assert raw.partitions == RAW.partitions
    assert refused.partitions == REJECTED.partitions
    return raw.behind


@contextmanager
def running_loop() -> Iterator[asyncio.AbstractEventLoop]:
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield loop
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def test_a_service_whose_loop_hangs_says_nothing(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("infra.heart.BEAT_EVERY_S", 0.1)
    with Redis.from_url(settings.redis_url) as redis, running_loop() as loop:
        redis.delete(HEARTBEATS_KEY)
        hangs, goes_on = threading.Event(), threading.Event()

        def hang() -> None:
            hangs.set()
            goes_on.wait(30)

        with Heart(settings, "collect", "1", lambda: "") as heart:
            heart.listen(Told, loop)
            await_true(lambda: bool(heard(redis)), 10, "the first beat")
            loop.call_soon_threadsafe(hang)
            assert hangs.wait(10)
            time.sleep(0.3)  # what was said before it hung is written
            (last,) = heard(redis)
            time.sleep(1)
            assert heard(redis) == [last]
            goes_on.set()
            await_true(lambda: heard(redis) != [last], 10, "it beats again")
        redis.delete(HEARTBEATS_KEY)


def test_a_redis_that_is_away_hurts_nobody(settings: Settings) -> None:
    nowhere = msgspec.structs.replace(settings, redis_url="redis://127.0.0.1:1/0")
    asked = threading.Event()

    def told() -> Told:
        asked.set()
        return Told()

    began = time.monotonic()
    with Heart(nowhere, "sink", "1") as heart:
        heart.listen(told, None)
        assert asked.wait(5)
    assert time.monotonic() - began < 8


def test_what_no_reader_would_show_is_taken_away(settings: Settings) -> None:
    with Redis.from_url(settings.redis_url) as redis:
        redis.hset(HEARTBEATS_KEY, mapping={"sink:gone": b"{}", "collect:gone": b"garbage"})
        with Heart(settings, "sink", "1") as heart:
            heart.listen(Told, None)
            await_true(lambda: not redis.hexists(HEARTBEATS_KEY, "sink:gone"), 10, "it is gone")
        redis.delete(HEARTBEATS_KEY)
