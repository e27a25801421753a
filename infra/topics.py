"""Kafka's topics, and Redis' memory of which topic it is that a fence speaks of.

A topic that is new, because it was never there or because the broker forgot it, gets a new epoch:
its offsets begin again, and whatever remembers offsets must not take the new ones for old
(design.md section 3a).
"""

from __future__ import annotations

import time

from confluent_kafka import KafkaError, KafkaException, TopicCollection
from confluent_kafka.admin import AdminClient, TopicDescription  # type: ignore[attr-defined]
from confluent_kafka.cimpl import NewTopic
from redis import Redis
from redis.exceptions import RedisError

from schemas.redis_keys import epoch_key, fence_key
from schemas.settings import ConfigurationError, Settings
from schemas.site import Site
from schemas.states_form import STATES_FORM, STATES_FORM_KEY, wrong_form
from schemas.topics import ALL, READ, Topic, next_epoch

_TIMEOUT_S = 30
_GROWING_S = 5.0


class MigrationError(Exception):
    """A server is away or says no. The message names it."""


def create_topics(settings: Settings, site: Site) -> list[str]:
    """Create what is missing; returns the names of the topics made."""
    admin = _admin(settings)
    config = {"retention.ms": str(site.retention.kafka_ms)}
    wanted = [
        NewTopic(t.name, num_partitions=t.partitions, replication_factor=-1, config=config)
        for t in ALL
    ]
    made = []
    for name, future in admin.create_topics(wanted, operation_timeout=_TIMEOUT_S).items():
        try:
            future.result(_TIMEOUT_S)
            made.append(name)
        except KafkaException as error:
            if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
                raise MigrationError(f"Kafka at {settings.kafka}: topic {name}: {error}") from error
    return made


def register_epochs(settings: Settings) -> list[str]:
    """Remember each topic's identity; a changed one gets a new epoch. Returns their names."""
    ids = topic_ids(settings)
    raised = []
    try:
        with Redis.from_url(settings.redis_url, socket_timeout=10) as redis:
            for topic in ALL:
                key = epoch_key(topic)
                topic_id, epoch = redis.hmget(key, "topic_id", "epoch")
                if topic_id != ids[topic.name].encode():
                    new = next_epoch(int(epoch or 0))
                    redis.hset(key, mapping={"topic_id": ids[topic.name], "epoch": new})
                    raised.append(topic.name)
            if wrong_form(redis.get(STATES_FORM_KEY)) and not has_fences(redis):
                redis.set(STATES_FORM_KEY, STATES_FORM)
    except RedisError as error:
        raise MigrationError(f"Redis at {settings.redis_url}: {error}") from error
    return raised


def has_fences(redis: Redis) -> bool:
    """Whether anything was ever folded, so that there may be states."""
    fences = (fence_key(topic, p) for topic in READ for p in range(topic.partitions))
    return any(redis.exists(fence) for fence in fences)


def topic_ids(settings: Settings) -> dict[str, str]:
    """Name -> what tells a topic from another of the same name; ConfigurationError as `migrate`."""
    deadline = time.monotonic() + _GROWING_S
    while True:
        described = _describe(settings)
        growing = [t for t in ALL if len(described[t.name].partitions) < t.partitions]
        if not growing or time.monotonic() > deadline:
            break
        time.sleep(0.1)  # a topic just made shows its partitions one by one
    for topic in ALL:
        _check_partitions(topic, len(described[topic.name].partitions))
    return {topic.name: str(described[topic.name].topic_id) for topic in ALL}


def _describe(settings: Settings) -> dict[str, TopicDescription]:
    admin = _admin(settings)  # must live until its futures are done
    futures = admin.describe_topics(
        TopicCollection([topic.name for topic in ALL]), request_timeout=_TIMEOUT_S
    )
    try:
        return {name: future.result(_TIMEOUT_S) for name, future in futures.items()}
    except KafkaException as error:
        raise MigrationError(f"Kafka at {settings.kafka}: {error}") from error


def _check_partitions(topic: Topic, found: int) -> None:
    if found != topic.partitions:
        raise ConfigurationError(
            f"topic {topic.name} has {found} partitions, Footfall needs {topic.partitions}: "
            "partition counts are fixed at creation; delete the topic or use another Kafka"
        )


def _admin(settings: Settings) -> AdminClient:
    return AdminClient({"bootstrap.servers": settings.kafka, "log_level": 0})
