"""Whether what Redis remembers fits what Kafka has: where it does not, which command mends it."""

from __future__ import annotations

from typing import cast

from redis import Redis

from infra.positions import Positions
from infra.topics import has_fences, topic_ids
from schemas.redis_keys import REBUILDING, epoch_key, fence_key
from schemas.settings import Settings
from schemas.states_form import STATES_FORM_KEY, wrong_form
from schemas.topics import READ, Position, Topic


def trouble(settings: Settings) -> str:
    """What is wrong and how to mend it; '' where live state can be folded on from where it stands.

    Raises Unreachable, RedisError, KafkaException, MigrationError, ConfigurationError.
    """
    ids = topic_ids(settings)
    with (
        Redis.from_url(settings.redis_url, socket_timeout=10) as redis,
        Positions(settings) as positions,
    ):
        if has_fences(redis) and (wrong := wrong_form(redis.get(STATES_FORM_KEY))):
            return wrong
        found = (_trouble_of(topic, ids[topic.name], redis, positions) for topic in READ)
        return next(filter(None, found), "")


def _trouble_of(topic: Topic, topic_id: str, redis: Redis, positions: Positions) -> str:
    remembered, epoch = redis.hmget(epoch_key(topic), "topic_id", "epoch")
    ends, begins = positions.ends(topic), positions.begins(topic)
    if remembered is None:
        if ends:
            return f"Redis has lost its data, {topic.name} has records; run: footfall rebuild"
        return f"Redis does not know {topic.name}; run: footfall migrate"
    if cast(bytes, remembered).decode() != topic_id:
        return f"{topic.name} was made anew; run: footfall migrate"
    for partition in range(topic.partitions):
        fence = cast(bytes | None, redis.get(fence_key(topic, partition)))
        if fence == REBUILDING:
            return "a rebuild is under way, or was killed; then run: footfall rebuild"
        at = Position(int(cast(bytes, epoch)), 0)
        if fence is not None:
            at = max(at, Position.decode(fence))
        if at.offset < begins[partition]:
            return (
                f"{topic.name}[{partition}]: live state stands at {at.offset}, Kafka begins at "
                f"{begins[partition]}; run: footfall rebuild"
            )
    return ""
