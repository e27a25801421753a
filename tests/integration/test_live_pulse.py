"""Counters in a real Redis: bounded, not counted once expired, and read by the live page."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Iterator

import msgspec
import pytest
from redis import Redis

from personalize_api.errors import StateUnavailable
from personalize_api.live.pulse import LivePulse, Pulse
from schemas.pulse import BOTS, COUNTS_TTL_MS, EVENTS, LAST, MAX_PATHS, PAGES_TTL_MS, pulse_field
from schemas.redis_keys import fence_key, pages_key, pulse_key, rejected_key
from schemas.settings import Settings
from schemas.topics import RAW, Position
from streams.records import CounterChange
from streams.store import LEAST_TTL_MS, Store

PARTITION = 5


@pytest.fixture(name="settings")
def own_database(settings: Settings) -> Settings:
    """The test session's Redis, and a database of it that is this module's."""
    return msgspec.structs.replace(settings, redis_url=settings.redis_url.replace("/0", "/7"))


@pytest.fixture
def redis(settings: Settings) -> Iterator[Redis]:
    with Redis.from_url(settings.redis_url) as redis:
        redis.flushdb()
        yield redis
        redis.flushdb()


def apply(settings: Settings, changes: Iterable[CounterChange], waited_ms: int = 0) -> None:
    """As one batch of a partition."""

    async def batch() -> None:
        store = Store(settings.redis_url)
        fence, _ = await store.read(RAW, PARTITION, ())
        offset = Position.decode(fence).offset + 1 if fence else 1
        await store.apply(RAW, PARTITION, fence, Position(1, offset), [], list(changes), waited_ms)
        await store.close()

    asyncio.run(batch())


def page(path: str, minute: int) -> CounterChange:
    return CounterChange(pages_key(PARTITION, minute), path, 1, PAGES_TTL_MS, MAX_PATHS)


def test_paths_beyond_the_bound_count_under_the_empty_one(settings: Settings, redis: Redis) -> None:
    apply(settings, [page(f"/{n}", 7) for n in range(MAX_PATHS + 200)])
    apply(settings, [page(f"/{n}", 7) for n in range(10)])
    fields: dict[bytes, bytes] = redis.hgetall(pages_key(PARTITION, 7))  # type: ignore[assignment]
    assert len(fields) == MAX_PATHS + 1
    assert fields[b""] == b"200"
    assert fields[b"/9"] == b"2"


def test_what_had_expired_when_it_is_folded_is_not_counted(
    settings: Settings, redis: Redis
) -> None:
    apply(settings, [page("/a", 7)], waited_ms=PAGES_TTL_MS)
    assert not redis.exists(pages_key(PARTITION, 7))
    apply(settings, [page("/a", 7)], waited_ms=PAGES_TTL_MS - 1)
    left: int = redis.pttl(pages_key(PARTITION, 7))
    assert 0 < left <= LEAST_TTL_MS


def test_the_hashes_of_a_batch_expire_each_in_its_time(settings: Settings, redis: Redis) -> None:
    counter = CounterChange(pulse_key(PARTITION, 3), "1|e", 2, COUNTS_TTL_MS)
    apply(settings, [counter, page("/a", 7)])
    assert redis.pttl(counter.key) > PAGES_TTL_MS
    assert redis.pttl(pages_key(PARTITION, 7)) <= PAGES_TTL_MS


def test_who_lost_the_partition_counts_nothing(settings: Settings, redis: Redis) -> None:
    apply(settings, [page("/a", 7)])
    redis.set(fence_key(RAW, PARTITION), Position(1, 99).encode())

    async def late() -> None:
        store = Store(settings.redis_url)
        with pytest.raises(Exception, match="the fence is not"):
            await store.apply(RAW, PARTITION, b"1:1", Position(1, 2), [], [page("/a", 7)])
        await store.close()

    asyncio.run(late())
    assert redis.hget(pages_key(PARTITION, 7), "/a") == b"1"


def read(settings: Settings, times: int = 1) -> list[Pulse]:
    """As so many viewers see it at once."""

    async def ask() -> list[Pulse]:
        pulse = LivePulse(settings.redis_url)
        try:
            return list(await asyncio.gather(*(pulse.now() for _ in range(times))))
        finally:
            await pulse.close()

    return asyncio.run(ask())


def test_what_is_counted_is_read_over_all_partitions_once_for_all(
    settings: Settings, redis: Redis
) -> None:
    minute = int(time.time() // 60)
    for partition in (0, PARTITION):
        key = pulse_key(partition, minute // 60)
        for kind, count in ((EVENTS, 4), (BOTS, 1), (LAST, 2)):
            redis.hset(key, pulse_field(minute, kind), str(count))
        redis.hset(pages_key(partition, minute - 3), mapping={"/cart": 3, "": 100})
    redis.hset(rejected_key(1, minute // 60), f"{minute % 60}|too_large|segment", "6")
    redis.set(pulse_key(3, minute // 60), "no hash")
    one, *others = read(settings, times=200)
    assert all(other is one for other in others)
    assert (one.visitors.now, sum(one.events.minutes), sum(one.events.bots)) == (4, 8, 2)
    assert [(page.path, page.views) for page in one.pages] == [("/cart", 6)]
    assert [(each.reason, each.count) for each in one.rejected.reasons] == [("too_large", 6)]


def test_without_redis_it_says_so(settings: Settings) -> None:
    with pytest.raises(StateUnavailable):
        read(msgspec.structs.replace(settings, redis_url="redis://127.0.0.1:1/0"))
