"""What is kept of who was forgotten: Redis' part, and its copy in ClickHouse."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

from clickhouse_driver import Client
from redis import Redis
from redis.exceptions import RedisError

from infra.positions import Unreachable
from schemas.aliases import ALIAS_TTL_MS
from schemas.forget import Memory, Span, encode_memory, memory_decoder
from schemas.redis_keys import epoch_key, forgotten_key, place_of
from schemas.settings import Settings
from schemas.topics import FOLDED, RAW, Topic
from sinks.clickhouse.client import connect


def places() -> Iterator[tuple[str, Topic, int]]:
    """(name, topic, partition) of all that folds."""
    for topic in FOLDED:
        for partition in range(topic.partitions):
            yield place_of(topic, partition), topic, partition


def of_place(redis: Redis, topic: Topic, partition: int) -> Memory:
    blob = cast(bytes | None, redis.get(forgotten_key(topic, partition)))
    return {} if blob is None else memory_decoder.decode(blob)


def is_lost(redis: Redis) -> bool:
    """Whether Redis has forgotten everything, so that it would not know who was forgotten."""
    return not redis.exists(epoch_key(RAW))


def restore_memory(settings: Settings) -> int:
    """Puts back what a Redis that lost its data held; how many identifiers.

    Adds to nothing that is there, since its worker writes that. Raises Unreachable for Redis, and
    what clickhouse_driver raises.
    """
    client = connect(settings.clickhouse)
    try:
        with Redis.from_url(settings.redis_url, socket_timeout=30) as redis:
            return _restore(client, redis)
    except RedisError as error:
        raise Unreachable(f"Redis at {settings.redis_url}: {error}") from error
    finally:
        client.disconnect()


def must_be_restored(settings: Settings) -> bool:
    """Whether Redis has lost everything, and with it who was forgotten. Raises Unreachable."""
    try:
        with Redis.from_url(settings.redis_url, socket_timeout=30) as redis:
            return not redis.exists(epoch_key(RAW))
    except RedisError as error:
        raise Unreachable(f"Redis at {settings.redis_url}: {error}") from error


def _restore(client: Client, redis: Redis) -> int:
    found: dict[str, dict[bytes, list[Span]]] = {}
    for place, mark, since, until in client.execute(
        "SELECT place, toString(digest), since, max(until) FROM forgotten_stored"
        " GROUP BY place, digest, since ORDER BY place, digest, since"
    ):
        found.setdefault(place, {}).setdefault(bytes.fromhex(mark), []).append((since, until))
    restored = 0
    for place, topic, partition in places():
        memory = {mark: tuple(spans) for mark, spans in found.get(place, {}).items()}
        key = forgotten_key(topic, partition)
        if memory and redis.set(key, encode_memory(memory), nx=True, px=ALIAS_TTL_MS):
            restored += len(memory)
    return restored
