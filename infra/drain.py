"""Waiting until every event accepted so far is where it belongs.

The way of an event, stage by stage: what stood in a topic when its turn came must have been taken
from it, and only then is the next topic looked at, since the stage may have written to it. Where a
topic ends is found by writing to it: an empty micro-batch in every partition, a barrier. (Asking
for the latest offset is not enough: the embedded broker answers with one that lags behind what it
has acknowledged.)
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping, Sequence
from typing import cast

import httpx
import msgspec
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

from schemas.event import COUNT_HEADER
from schemas.redis_keys import epoch_key, fence_key
from schemas.settings import Settings
from schemas.topics import (
    CORRECTIONS,
    DECISIONS,
    EVENTS,
    FLOW,
    FOLDED,
    IDENTITY,
    REJECTED,
    RESOLUTIONS,
    SINK_GROUP,
    Position,
    Topic,
)

_POLL_S = 0.05
_KAFKA_TIMEOUT_S = 10
_DECISION_LINGER_S = 0.2
_DECISIONS_WAITING = re.compile(r"^footfall_decisions_waiting (\S+)$", re.MULTILINE)

SUNK = (EVENTS, IDENTITY, CORRECTIONS, DECISIONS, RESOLUTIONS, REJECTED)

Offsets = dict[int, int]


class DrainError(Exception):
    """A server is away."""


class Missing(msgspec.Struct):
    """Records of a topic that had not been taken when time was up."""

    topic: str
    by: str  # the stage that has not taken them
    records: int


class Lag(msgspec.Struct):
    """How far a stage is behind in one topic, in records."""

    topic: str
    by: str
    records: int


def drain(settings: Settings, timeout_s: float = 60.0) -> list[Missing]:
    """What is missing when time is up: empty where everything has arrived."""
    deadline = time.monotonic() + timeout_s
    with Positions(settings) as positions:
        _await_decisions(settings, deadline)
        for topic in FLOW:
            missing = _await([topic], "stream", positions, positions.fences, deadline)
            if missing:
                return missing
        return _await(SUNK, "sink", positions, positions.committed, deadline)


def _await_decisions(settings: Settings, deadline: float) -> None:
    """Until the service that decides has published what it decided; where it is away, at once."""
    time.sleep(_DECISION_LINGER_S)  # it says how many wait when it sends them
    url = f"{settings.url(settings.ports.personalize)}/metrics"
    while time.monotonic() < deadline:
        try:
            answer = httpx.get(url, timeout=2, trust_env=False)
        except httpx.HTTPError:
            return
        found = _DECISIONS_WAITING.search(answer.text)
        if found is None or float(found[1]) == 0:
            return
        time.sleep(_POLL_S)


def lags(settings: Settings) -> list[Lag]:
    """How far each stage is behind in each topic it reads."""
    with Positions(settings) as positions:
        rows = []
        for by, topics, reached in (
            ("stream", FOLDED, positions.fences),
            ("sink", SUNK, positions.committed),
        ):
            for topic in topics:
                records = behind(positions.ends(topic), reached(topic))
                rows.append(Lag(topic.name, by, records))
        return rows


def _await(
    topics: Sequence[Topic],
    by: str,
    positions: Positions,
    reached: Callable[[Topic], Offsets],
    deadline: float,
) -> list[Missing]:
    ends = {topic: positions.barrier(topic) for topic in topics}
    while True:
        missing = [
            Missing(topic.name, by, left)
            for topic in topics
            if (left := behind(ends[topic], reached(topic)))
        ]
        if not missing or time.monotonic() > deadline:
            return missing
        time.sleep(_POLL_S)


def behind(ends: Mapping[int, int], reached: Mapping[int, int]) -> int:
    """Records below the ends that have not been reached."""
    return sum(max(0, end - reached.get(partition, 0)) for partition, end in ends.items())


class Positions:
    """Ends of topics, fences of the stream, committed offsets of the sink; DrainError if away."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._redis = Redis.from_url(settings.redis_url, socket_timeout=10)
        self._producer = Producer(
            {"bootstrap.servers": settings.kafka, "acks": "all", "log_level": 0}
        )
        self._consumer = Consumer(
            {
                "bootstrap.servers": settings.kafka,
                "group.id": SINK_GROUP,  # only to ask what it has committed; never subscribes
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
            raise DrainError(f"Kafka at {self._settings.kafka} does not take {topic.name}")
        return ends

    def ends(self, topic: Topic) -> Offsets:
        """Latest offsets as the broker tells them; a partition that holds nothing is left out."""
        ends: Offsets = {}
        for partition in range(topic.partitions):
            low, high = self._watermarks(topic, partition)
            if high > low:
                ends[partition] = high
        return ends

    def fences(self, topic: Topic) -> Offsets:
        """Fences of the topic's present epoch."""
        keys = [fence_key(topic, partition) for partition in range(topic.partitions)]
        try:
            epoch = self._redis.hget(epoch_key(topic), "epoch")
            found = [self._redis.get(key) for key in keys]
        except RedisError as error:
            raise DrainError(f"Redis at {self._settings.redis_url}: {error}") from error
        positions = {p: Position.decode(cast(bytes, raw)) for p, raw in enumerate(found) if raw}
        return {p: at.offset for p, at in positions.items() if at.epoch == int(epoch or 0)}

    def committed(self, topic: Topic) -> Offsets:
        wanted = [TopicPartition(topic.name, p) for p in range(topic.partitions)]
        try:
            found = self._consumer.committed(wanted, timeout=_KAFKA_TIMEOUT_S)
        except KafkaException as error:
            raise DrainError(f"Kafka at {self._settings.kafka}: {error}") from error
        return {tp.partition: max(tp.offset, 0) for tp in found}

    def _watermarks(self, topic: Topic, partition: int) -> tuple[int, int]:
        try:
            found = self._consumer.get_watermark_offsets(
                TopicPartition(topic.name, partition), timeout=_KAFKA_TIMEOUT_S
            )
        except KafkaException as error:
            raise DrainError(f"Kafka at {self._settings.kafka}: {error}") from error
        if found is None:
            raise DrainError(f"Kafka at {self._settings.kafka} does not answer")
        return found
