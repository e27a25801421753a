"""Where topics begin and end, and how far stream and sink have come in them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from confluent_kafka import (
    Consumer,
    KafkaError,
    KafkaException,
    Message,
    Producer,
    TopicPartition,
)
from redis import Redis
from redis.exceptions import RedisError

from schemas.batch import COUNT_HEADER
from schemas.redis_keys import REBUILDING, epoch_key, fence_key
from schemas.settings import Settings
from schemas.topics import SINK_GROUP, Position, Topic

_KAFKA_TIMEOUT_S = 10

Offsets = dict[int, int]


class Unreachable(Exception):
    """A server is away."""


def behind(ends: Mapping[int, int], reached: Mapping[int, int]) -> int:
    """Records below the ends that have not been reached."""
    return sum(max(0, end - reached.get(partition, 0)) for partition, end in ends.items())


class Positions:
    """Ends of topics, fences of the stream, committed offsets of a group; Unreachable if away."""

    def __init__(self, settings: Settings, group: str = SINK_GROUP) -> None:
        self._settings = settings
        self._redis = Redis.from_url(settings.redis_url, socket_timeout=10)
        self._producer = Producer(
            {"bootstrap.servers": settings.kafka, "acks": "all", "log_level": 0}
        )
        self._consumer = Consumer(
            {
                "bootstrap.servers": settings.kafka,
                "group.id": group,  # only to ask what it has committed; never subscribes
                "enable.auto.commit": False,
                "log_level": 0,
            }
        )

    def __enter__(self) -> Positions:
        return self

    def __exit__(self, *_: object) -> None:
        self._consumer.close()
        self._redis.close()

    def barrier(self, topic: Topic) -> Offsets:
        """Write an empty micro-batch to each partition; the offsets behind them."""
        ends: Offsets = {}

        def delivered(error: KafkaError | None, message: Message) -> None:
            if error is None:
                ends[message.partition() or 0] = (message.offset() or 0) + 1

        for partition in range(topic.partitions):
            self._producer.produce(
                topic.name,
                b"",
                partition=partition,
                headers=[(COUNT_HEADER, b"0")],
                on_delivery=delivered,
            )
        self._producer.flush(_KAFKA_TIMEOUT_S)
        if len(ends) < topic.partitions:
            raise Unreachable(f"Kafka at {self._settings.kafka} does not take {topic.name}")
        return ends

    def ends(self, topic: Topic) -> Offsets:
        """Latest offsets as the broker tells them; a partition that holds nothing is left out."""
        ends: Offsets = {}
        for partition in range(topic.partitions):
            low, high = self._watermarks(topic, partition)
            if high > low:
                ends[partition] = high
        return ends

    def begins(self, topic: Topic) -> Offsets:
        """The earliest offset that each partition still has."""
        return {p: self._watermarks(topic, p)[0] for p in range(topic.partitions)}

    def fences(self, topic: Topic) -> Offsets:
        """Offsets of the fences of the topic's present epoch."""
        positions = self.fences_of_any_epoch(topic)
        try:
            epoch = int(cast(bytes, self._redis.hget(epoch_key(topic), "epoch")) or 0)
        except RedisError as error:
            raise Unreachable(f"Redis at {self._settings.redis_url}: {error}") from error
        return {p: at.offset for p, at in positions.items() if at.epoch == epoch}

    def fences_of_any_epoch(self, topic: Topic) -> dict[int, Position]:
        """Fences by partition; one that has none, or is being rebuilt, is left out."""
        keys = [fence_key(topic, partition) for partition in range(topic.partitions)]
        try:
            found = [self._redis.get(key) for key in keys]
        except RedisError as error:
            raise Unreachable(f"Redis at {self._settings.redis_url}: {error}") from error
        return {
            p: Position.decode(cast(bytes, raw))
            for p, raw in enumerate(found)
            if raw and raw != REBUILDING
        }

    def committed(self, topic: Topic) -> Offsets:
        wanted = [TopicPartition(topic.name, p) for p in range(topic.partitions)]
        try:
            found = self._consumer.committed(wanted, timeout=_KAFKA_TIMEOUT_S)
        except KafkaException as error:
            raise Unreachable(f"Kafka at {self._settings.kafka}: {error}") from error
        return {tp.partition: max(tp.offset, 0) for tp in found}

    def _watermarks(self, topic: Topic, partition: int) -> tuple[int, int]:
        try:
            found = self._consumer.get_watermark_offsets(
                TopicPartition(topic.name, partition), timeout=_KAFKA_TIMEOUT_S
            )
        except KafkaException as error:
            raise Unreachable(f"Kafka at {self._settings.kafka}: {error}") from error
        if found is None:
            raise Unreachable(f"Kafka at {self._settings.kafka} does not answer")
        return found
