"""Reads the sink's topics as one member of its group, and remembers topics together with offsets.

An offset means nothing without the topic it counts in: a topic that was deleted and made again
(the embedded broker does so at every start) begins at 0. So every commit carries the topic's id
as its metadata, and nothing is committed once an id has changed. The embedded broker keeps no
metadata, but forgets all offsets together with its topics.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Mapping

from confluent_kafka import (
    OFFSET_BEGINNING,
    Consumer,
    KafkaError,
    KafkaException,
    Message,
    TopicCollection,
    TopicPartition,
)
from confluent_kafka.admin import AdminClient

from schemas.topics import SINK_GROUP
from sinks.clickhouse.blocks import Place, Record
from sinks.clickhouse.errors import Unavailable
from sinks.clickhouse.rows import MOMENT_MIN, TABLES

_log = logging.getLogger(__name__)

_TOPICS = {table.topic.name: table.topic for table in TABLES}
_FETCH_RECORDS = 100
_REQUEST_TIMEOUT_S = 5.0
_CONFIG: dict[str, object] = {
    "group.id": SINK_GROUP,
    "client.id": "footfall-sink",
    "enable.auto.commit": False,
    "auto.offset.reset": "earliest",
    "session.timeout.ms": 6000,  # how long a killed sink's partitions stay unread
    "heartbeat.interval.ms": 1000,
    "queued.max.messages.kbytes": 32 * 1024,
    "fetch.queue.backoff.ms": 20,  # 1000 by default: a full queue ran dry between blocks
}


class TopicsChanged(Unavailable):
    """A topic is missing, or is another one than when this membership began."""


class SinkConsumer:
    """One membership in the group; after TopicsChanged close it and open another.

    `distrusted`: partitions of topics that were made again while this process read them. What is
    committed there may stem from their predecessors, so they are read from the beginning.
    """

    def __init__(self, bootstrap_servers: str, distrusted: frozenset[Place] = frozenset()) -> None:
        """Raises TopicsChanged where topics are missing, Unavailable."""
        self._admin = AdminClient({"bootstrap.servers": bootstrap_servers}, logger=_log)
        self._ids = self._topic_ids()
        self._distrusted = set(distrusted)
        self._owned: set[Place] = set()
        self._held: list[Record] = []
        self._is_paused = False
        self._consumer = Consumer({"bootstrap.servers": bootstrap_servers, **_CONFIG}, logger=_log)
        self._consumer.subscribe(
            list(_TOPICS), on_assign=self._assign, on_revoke=self._revoke, on_lost=self._revoke
        )

    @property
    def is_assigned(self) -> bool:
        """Whether the group gave this member its share, which takes seconds after a start."""
        return bool(self._owned)

    def fetch(self, timeout_s: float) -> list[Record]:
        """Some records, or none when `timeout_s` is over. Raises Unavailable."""
        if self._is_paused:
            self._consumer.resume(self._consumer.assignment())
            self._is_paused = False
        held, self._held = self._held, []
        return held + self._consume(timeout_s)

    def keep_alive(self) -> None:
        """Stay in the group without taking records, until the next `fetch`. Raises Unavailable."""
        self._consumer.pause(self._consumer.assignment())
        self._is_paused = True
        self._held += self._consume(0)

    def check_topics(self) -> None:
        """Raises TopicsChanged, or Unavailable where that cannot be found out."""
        if self._topic_ids() != self._ids:
            raise TopicsChanged("topics were made again")

    def distrusted_from_now(self) -> frozenset[Place]:
        """What the next membership has to distrust. Raises like `check_topics`."""
        now = self._topic_ids()
        changed = {
            (name, partition)
            for name, topic in _TOPICS.items()
            if now[name] != self._ids[name]
            for partition in range(topic.partitions)
        }
        return frozenset(self._distrusted | changed)

    def commit(self, positions: Mapping[Place, int]) -> None:
        """Commit offsets and wait. Raises TopicsChanged, Unavailable.

        Partitions that went to another member meanwhile are left out: it reads those records
        again, without effect.
        """
        self.check_topics()
        offsets = [
            TopicPartition(place[0], place[1], offset, metadata=self._ids[place[0]])
            for place, offset in positions.items()
            if place in self._owned
        ]
        if not offsets:
            return
        try:
            results = self._consumer.commit(offsets=offsets, asynchronous=False) or []
        except KafkaException as error:
            raise Unavailable(f"commit: {error}") from error
        if errors := [str(result.error) for result in results if result.error is not None]:
            raise Unavailable(f"commit: {errors[0]}")
        self._distrusted.difference_update(positions)

    def lags(self) -> Iterator[tuple[Place, int]]:
        """Records between what was taken and the end, by partition, as last heard."""
        owned = [TopicPartition(*place) for place in self._owned]
        try:
            for place in self._consumer.position(owned):
                low, high = self._consumer.get_watermark_offsets(place, cached=True)
                if high >= 0:
                    taken = place.offset if place.offset >= 0 else low
                    yield _place(place), high - max(taken, 0)
        except KafkaException as error:
            raise Unavailable(f"lag: {error}") from error

    def close(self) -> None:
        self._consumer.close()

    def _consume(self, timeout_s: float) -> list[Record]:
        try:
            messages = self._consumer.consume(_FETCH_RECORDS, timeout_s)
        except KafkaException as error:
            raise Unavailable(str(error)) from error
        records = []
        for message in messages:
            failure = message.error()
            if failure is None:
                records.append(_record(message))
            elif failure.code() in (KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError.UNKNOWN_TOPIC_ID):
                raise TopicsChanged(str(failure))
            elif failure.fatal():
                raise Unavailable(str(failure))
            else:
                _log.warning("Kafka: %s", failure)
        return records

    def _assign(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        starts = consumer.committed(partitions, timeout=_REQUEST_TIMEOUT_S)
        for start in starts:
            is_other_topic = start.metadata and start.metadata != self._ids[start.topic]
            if is_other_topic or (start.topic, start.partition) in self._distrusted:
                _log.warning("%s[%d] was made again: from the beginning", *_place(start))
                start.offset = OFFSET_BEGINNING
        self._owned = set(map(_place, starts))
        consumer.assign(starts)

    def _revoke(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        self._owned.difference_update(map(_place, partitions))
        consumer.unassign()

    def _topic_ids(self) -> dict[str, str]:
        futures = self._admin.describe_topics(
            TopicCollection(list(_TOPICS)), request_timeout=_REQUEST_TIMEOUT_S
        )
        ids = {}
        for name, future in futures.items():
            try:
                ids[name] = str(future.result().topic_id)
            except KafkaException as error:
                if error.args[0].code() == KafkaError.UNKNOWN_TOPIC_OR_PART:
                    raise TopicsChanged(f"no topic {name}; `footfall migrate` makes it") from error
                raise Unavailable(f"Kafka: {error.args[0]}") from error
        return ids


def _place(partition: TopicPartition) -> Place:
    return partition.topic, partition.partition


def _record(message: Message) -> Record:
    """Kafka's timestamp is the producer's: where it is none, now is near enough."""
    _, stamp = message.timestamp()
    topic, partition, offset = message.topic(), message.partition(), message.offset()
    if topic is None or partition is None or offset is None:
        raise Unavailable("Kafka: a record without a place")
    return Record(
        topic=topic,
        partition=partition,
        offset=offset,
        time=stamp if stamp >= MOMENT_MIN else int(time.time() * 1000),
        value=message.value() or b"",
    )
