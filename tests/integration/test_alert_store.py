"""Where alerts stand in Redis: one writer, all or nothing, and what it reads is what it wrote."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterator

import pytest
import redis

from personalize_api.alerts.hours import Hour, StepHour
from personalize_api.alerts.state import AlertState, Message
from personalize_api.alerts.store import AlertStore, NotTheLeader
from schemas.redis_keys import (
    ALERTS_LOCK_KEY,
    ALERTS_OUTBOX_KEY,
    ALERTS_STATE_KEY,
    alerts_history_key,
    funnel_days_field,
    funnel_days_key,
)

KEYS = (ALERTS_LOCK_KEY, ALERTS_STATE_KEY, ALERTS_OUTBOX_KEY)
TODAY = 20_000
HOURS = {
    ("f:1", TODAY * 24 + 5): Hour([StepHour(10, 3, 4, [10.5], [2.5])], 12, {"Google": 7}),
    ("f:1", TODAY * 24 - 1): Hour([StepHour(7, 1)]),
}
MESSAGE = Message(id="msg_1", address="a", body="{}", created=1)


@pytest.fixture
def client(redis_url: str) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(redis_url) as client:
        client.delete(*KEYS)
        yield client
        client.delete(*KEYS, *client.keys("ff:{alerts}:h:f:1:*"))


def run(steps: Coroutine[None, None, None], stores: list[AlertStore]) -> None:
    async def all_of_it() -> None:
        await steps
        for store in stores:
            await store.close()

    asyncio.run(all_of_it())


def test_what_is_written_is_read_again(client: redis.Redis, redis_url: str) -> None:
    store = AlertStore(redis_url)

    async def steps() -> None:
        assert await store.lead() == (True, True)
        assert await store.lead() == (True, False)
        await store.save(AlertState(at=7), [MESSAGE], hours=HOURS)
        assert (await store.read()).at == 7
        assert await store.read_outbox() == [MESSAGE]
        assert await store.read_history("f:1", TODAY) == {h: c for (_, h), c in HOURS.items()}
        await store.save(done=[MESSAGE.id])
        assert await store.read_outbox() == []
        assert (await store.read()).at == 7

    run(steps(), stores=[store])
    assert client.ttl(alerts_history_key("f:1", TODAY)) > 36 * 86_400


def test_who_is_no_longer_the_leader_writes_nothing_and_frees_nothing(
    client: redis.Redis, redis_url: str
) -> None:
    held_up, other = AlertStore(redis_url), AlertStore(redis_url)

    async def steps() -> None:
        assert await held_up.lead() == (True, True)
        assert await other.lead() == (False, False)
        client.delete(ALERTS_LOCK_KEY)  # as it does by itself when it is not kept
        assert await other.lead() == (True, True)
        with pytest.raises(NotTheLeader):
            await held_up.save(AlertState(at=7), [MESSAGE], hours=HOURS)
        await held_up.step_down()
        assert await other.lead() == (True, False)
        assert await other.read() == AlertState()
        assert await other.read_outbox() == []
        assert await other.read_history("f:1", TODAY) == {}
        await other.step_down()
        assert await held_up.lead() == (True, True)

    run(steps(), stores=[held_up, other])


def test_settled_counts_are_sums_over_partitions(client: redis.Redis, redis_url: str) -> None:
    store = AlertStore(redis_url)
    keys = [funnel_days_key(partition, "f:1", TODAY) for partition in (0, 5)]
    for key in keys:
        client.hset(key, mapping={funnel_days_field(9, 0): 10, funnel_days_field(9, 1): 4})
    client.hset(keys[0], "garbage", "x")

    async def steps() -> None:
        assert await store.read_settled("f:1", 2, TODAY) == {TODAY * 24 + 9: [20, 8]}

    run(steps(), stores=[store])
    client.delete(*keys)
