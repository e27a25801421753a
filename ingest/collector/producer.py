"""A Kafka producer that reports every record's outcome, and forgets nothing while Kafka is away.

It is not an idempotent producer on purpose. A record that a retry writes twice holds the same event
ids twice, which is one event to everything downstream; and an idempotent producer of librdkafka
that meets a broker without its memory either retries until the timeout or dies without a report
(infra/decisions/0005).
"""

from __future__ import annotations

import logging
from functools import partial
from typing import Generic, TypeVar

import confluent_kafka
from confluent_kafka import KafkaError, KafkaException

from schemas.batch import COUNT_HEADER

_log = logging.getLogger(__name__)

DELIVERY_TIMEOUT_S = 6.0

Token = TypeVar("Token")
Outcome = tuple[Token, bool]


class Producer(Generic[Token]):
    """Sends records and tells what became of them: each token once, after the delivery timeout at
    the latest.

    Belongs to one thread, which calls `poll` often; a thread of its own for the reports was tried
    and cost more by taking the interpreter away than it saved. Nothing is connected before `start`.
    """

    def __init__(self, bootstrap: str) -> None:
        self._bootstrap = bootstrap
        self._outcomes: list[Outcome[Token]] = []
        self._away = False
        self._refuses = False
        self._kafka: confluent_kafka.Producer

    def start(self) -> None:
        self._kafka = self._connect()

    def stop(self) -> None:
        del self._kafka  # closes its connections

    def poll(self) -> list[Outcome[Token]]:
        """(token, acknowledged) of what was reported since the last call. Does not block."""
        self._kafka.poll(0)
        if not self._outcomes:
            return []
        outcomes, self._outcomes = self._outcomes, []
        return outcomes

    def send(self, topic: str, partition: int, value: bytes, count: int, token: Token) -> bool:
        """False where the record was not even taken; its outcome is then not reported."""
        try:
            self._kafka.produce(
                topic,
                value,
                partition=partition,
                headers=[(COUNT_HEADER, str(count).encode())],
                on_delivery=partial(self._delivered, token),
            )
        except (BufferError, KafkaException) as error:
            _log.warning("Kafka's client did not take a record for %s: %s", topic, error)
            return False
        return True

    def partitions(self, timeout_s: float) -> dict[str, int]:
        """Topic name -> number of partitions. Raises KafkaException when Kafka is away. Blocks."""
        topics = self._kafka.list_topics(timeout=timeout_s).topics
        return {name: len(topic.partitions) for name, topic in topics.items()}

    @property
    def is_away(self) -> bool:
        """Kafka refused what was sent last, or no broker is there."""
        return self._refuses

    def _delivered(self, token: Token, error: KafkaError | None, _message: object) -> None:
        self._outcomes.append((token, error is None))
        self._refuses = error is not None
        if error is not None:
            self._failed(error)
        elif self._away:
            self._away = False
            _log.info("Kafka takes records again")

    def _failed(self, error: KafkaError) -> None:
        """One line when it goes wrong, not one an attempt."""
        if not self._away:
            _log.warning("Kafka takes no records: %s", error.str())
        self._away = True
        if error.code() == KafkaError._ALL_BROKERS_DOWN:
            self._refuses = True

    def _connect(self) -> confluent_kafka.Producer:
        return confluent_kafka.Producer(
            {
                "bootstrap.servers": self._bootstrap,
                "client.id": "footfall-collector",
                "acks": "all",
                "compression.type": "lz4",
                # A record is a batch already. Of Kafka batches with several records the embedded
                # broker tells an end that is too low (infra/positions.py).
                "batch.num.messages": 1,
                "linger.ms": 0,
                "delivery.timeout.ms": int(DELIVERY_TIMEOUT_S * 1000),
                "request.timeout.ms": 4000,
                "socket.connection.setup.timeout.ms": 3000,
                "reconnect.backoff.ms": 50,
                "reconnect.backoff.max.ms": 500,
                "socket.nagle.disable": True,
                "error_cb": self._failed,
                "log_level": 2,  # `_failed` tells the rest
            }
        )
