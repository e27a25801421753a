"""Micro-batches of an import to Kafka, acknowledged by all replicas."""

from __future__ import annotations

from collections.abc import Iterable

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from ingest.logs.errors import ServerAway
from schemas.batch import COUNT_HEADER, encode_line, pack_lines
from schemas.event import Event, Rejected
from schemas.topics import RAW, REJECTED, Topic, partition_of

_ANSWER_S = 5.0


class LogPublisher:
    """Publishes what one block of lines gave; `flush` returns when all is acknowledged."""

    def __init__(self, kafka: str) -> None:
        self._kafka = kafka
        self._outcome = _Outcome()
        self._producer = Producer(
            {
                "bootstrap.servers": kafka,
                "client.id": "footfall-import-logs",
                "acks": "all",
                "enable.idempotence": True,
                "compression.type": "lz4",
                # A record is a batch already. Of Kafka batches with several records the embedded
                # broker tells an end that is too low (infra/positions.py).
                "batch.num.messages": 1,
                "linger.ms": 0,
                "delivery.timeout.ms": 60_000,
                "queue.buffering.max.kbytes": 64 * 1024,
                "log_level": 3,
                "error_cb": self._outcome.errored,
            }
        )

    def check(self) -> None:
        """Raises ServerAway where Kafka does not answer or its topics are not those of Footfall."""
        try:
            topics = self._producer.list_topics(timeout=_ANSWER_S).topics
        except KafkaException as error:
            raise self._away(error.args[0]) from error
        for topic in (RAW, REJECTED):
            found = topics.get(topic.name)
            if found is None or len(found.partitions) != topic.partitions:
                raise ServerAway(
                    f"Kafka at {self._kafka} has no topic {topic.name} with {topic.partitions} "
                    "partitions; run `footfall migrate`"
                )

    def events(self, events: Iterable[Event]) -> None:
        """Events in order of time; each partition gets its own in that order."""
        lines: dict[int, list[bytes]] = {}
        partitions: dict[str, int] = {}
        for event in events:
            device_id = event.device_id
            partition = partitions.get(device_id)
            if partition is None:
                partition = partitions[device_id] = partition_of(device_id, RAW)
            lines.setdefault(partition, []).append(encode_line(event))
        self._send(RAW, lines)

    def rejected(self, records: Iterable[Rejected]) -> None:
        lines: dict[int, list[bytes]] = {}
        for record in records:
            partition = partition_of(record.rejected_id, REJECTED)
            lines.setdefault(partition, []).append(encode_line(record))
        self._send(REJECTED, lines)

    def flush(self) -> None:
        """Raises ServerAway where a record was not acknowledged."""
        self._producer.flush()
        self._raise_failure()

    def _send(self, topic: Topic, lines: dict[int, list[bytes]]) -> None:
        for partition, of_partition in sorted(lines.items()):
            for batch in pack_lines(of_partition):
                self._produce(topic, partition, batch)
        self._producer.poll(0)
        self._raise_failure()

    def _produce(self, topic: Topic, partition: int, batch: list[bytes]) -> None:
        while True:
            try:
                self._producer.produce(
                    topic.name,
                    b"\n".join(batch),
                    partition=partition,
                    headers=[(COUNT_HEADER, str(len(batch)).encode())],
                    on_delivery=self._outcome.delivered,
                )
                return
            except BufferError:  # the queue is full: slow down until Kafka has taken some
                self._producer.poll(0.5)
                self._raise_failure()
            except KafkaException as error:
                raise self._away(error.args[0]) from error

    def _raise_failure(self) -> None:
        if self._outcome.failure is not None:
            raise self._away(self._outcome.failure)

    def _away(self, error: object) -> ServerAway:
        return ServerAway(
            f"Kafka at {self._kafka} did not take the import ({error}); "
            "importing again adds only what is missing"
        )


class _Outcome:
    """The first thing that went wrong. Knows no producer, so that one ends with its publisher."""

    failure: KafkaError | None = None

    def delivered(self, error: KafkaError | None, _message: Message) -> None:
        self.failure = self.failure or error

    def errored(self, error: KafkaError) -> None:
        if error.fatal():
            self.failure = self.failure or error
