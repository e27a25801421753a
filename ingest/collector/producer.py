"""A Kafka producer that reports every record's outcome, and forgets nothing while Kafka is away.

It is not an idempotent producer on purpose. A record that a retry writes twice holds the same event
ids twice, which is one event to everything downstream; and an idempotent producer of librdkafka
that meets a broker without its memory either retries until the timeout or dies without a report
(infra/decisions/0005).
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from functools import partial
from typing import Generic, TypeVar

import confluent_kafka
from confluent_kafka import KafkaError, KafkaException

from schemas.event import COUNT_HEADER

_log = logging.getLogger(__name__)

DELIVERY_TIMEOUT_S = 6.0
_POLL_S = 0.1

Token = TypeVar("Token")
Outcome = tuple[Token, bool]


class Producer(Generic[Token]):
    """`send` from one thread; `report` is called in another with lists of (token, acknowledged).

    Nothing is connected before `start`. Every token is reported once, at the latest after the
    delivery timeout.
    """

    def __init__(self, bootstrap: str) -> None:
        self._bootstrap = bootstrap
        self._outcomes: list[Outcome[Token]] = []
        self._away = False
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._kafka: confluent_kafka.Producer

    def start(self, report: Callable[[list[Outcome[Token]]], None]) -> None:
        self._kafka = self._connect()
        self._thread = threading.Thread(
            target=self._run, args=(report,), name="kafka-reports", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """Waits for what is on its way, at most the delivery timeout. Blocks."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()
        del self._kafka  # closes its connections

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

    def _run(self, report: Callable[[list[Outcome[Token]]], None]) -> None:
        while not self._stopping.is_set():
            self._kafka.poll(_POLL_S)
            self._hand_over(report)
        self._kafka.flush(DELIVERY_TIMEOUT_S)
        self._hand_over(report)

    def _hand_over(self, report: Callable[[list[Outcome[Token]]], None]) -> None:
        if self._outcomes:
            outcomes, self._outcomes = self._outcomes, []
            report(outcomes)

    def _delivered(self, token: Token, error: KafkaError | None, _message: object) -> None:
        self._outcomes.append((token, error is None))
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

    def _connect(self) -> confluent_kafka.Producer:
        return confluent_kafka.Producer(
            {
                "bootstrap.servers": self._bootstrap,
                "client.id": "footfall-collector",
                "acks": "all",
                "compression.type": "lz4",
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
