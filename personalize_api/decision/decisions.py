"""Publishes every homepage decision to `footfall.raw`, beside the answer and never before it.

Decisions are gathered into micro-batches a partition. Kafka away: they wait, up to a bound; what
does not fit, or is not taken within the delivery time, is dropped, counted and logged. A lost
decision loses its `decisions` row only: exposure is credited from the signed id.
"""

from __future__ import annotations

import asyncio
import logging
import time

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from personalize_api.metrics import Metrics
from personalize_api.seldom import SeldomLogger
from schemas.batch import COUNT_HEADER, MAX_BATCH_EVENTS, encode_line
from schemas.event import Decision
from schemas.topics import RAW, partition_of

LINGER_S = 0.03
MAX_WAITING = 50_000
_FLUSH_S = 10.0
_DELIVERY_MS = 600_000  # memory is bounded by their number, so they may wait


class DecisionLog:
    """Must be made and used in one event loop."""

    def __init__(self, kafka: str, metrics: Metrics) -> None:
        self._producer = Producer(
            {
                "bootstrap.servers": kafka,
                "enable.idempotence": True,
                "compression.type": "lz4",
                "linger.ms": 0,  # batches are made here
                "message.timeout.ms": _DELIVERY_MS,
                "client.id": "footfall-personalize",
            },
            logger=logging.getLogger(f"{__name__}.kafka"),
        )
        self._metrics = metrics
        self._loop = asyncio.get_running_loop()
        self._log = SeldomLogger(logging.getLogger(__name__))
        self._lines: dict[int, list[bytes]] = {}
        self._waiting = 0
        self._sent: dict[int, float] = {}  # number of a batch -> monotonic time, oldest first
        self._batches = 0
        metrics.oldest_decision.set_function(self.oldest_s)
        self._timer: asyncio.TimerHandle | None = None

    def add(self, decision: Decision) -> None:
        """Never waits and never raises."""
        if self._waiting >= MAX_WAITING:
            self._drop(1, "too many wait for Kafka")
            return
        self._waiting += 1
        partition = partition_of(decision.device_id or decision.decision_id, RAW)
        lines = self._lines.setdefault(partition, [])
        lines.append(encode_line(decision))
        if len(lines) >= MAX_BATCH_EVENTS:
            self._send(partition, self._lines.pop(partition))
        if self._timer is None:
            self._timer = self._loop.call_later(LINGER_S, self._tick)

    @property
    def waiting(self) -> int:
        """Decisions that Kafka has not acknowledged."""
        return self._waiting

    def oldest_s(self) -> float:
        """How long the oldest batch of them has waited; 0 without any."""
        return time.monotonic() - next(iter(self._sent.values())) if self._sent else 0.0

    async def close(self) -> None:
        """Sends what waits and gives Kafka ten seconds to take it."""
        if self._timer is not None:
            self._timer.cancel()
        self._send_all()
        await asyncio.to_thread(self._producer.flush, _FLUSH_S)
        if self._waiting:
            self._drop(self._waiting, "the service stopped before Kafka took them")

    def _tick(self) -> None:
        """Runs while anything waits: sends, and hears what became of what was sent."""
        self._send_all()
        self._producer.poll(0)
        self._metrics.waiting.set(self._waiting)
        self._timer = self._loop.call_later(LINGER_S, self._tick) if self._waiting else None

    def _send_all(self) -> None:
        batches, self._lines = self._lines, {}
        for partition, lines in batches.items():
            self._send(partition, lines)

    def _send(self, partition: int, lines: list[bytes]) -> None:
        count = len(lines)
        self._batches = number = self._batches + 1
        self._sent[number] = time.monotonic()

        def delivered(error: KafkaError | None, _: Message) -> None:
            self._waiting -= count
            del self._sent[number]
            if error is None:
                self._metrics.published.inc(count)
            else:
                self._drop(count, str(error))

        try:
            self._producer.produce(
                RAW.name,
                value=b"\n".join(lines),
                partition=partition,
                headers={COUNT_HEADER: b"%d" % count},
                on_delivery=delivered,
            )
        except (KafkaException, BufferError) as error:
            self._waiting -= count
            del self._sent[number]
            self._drop(count, str(error))

    def _drop(self, count: int, why: str) -> None:
        self._metrics.dropped.inc(count)
        self._log.warning("%d decisions were not published: %s", count, why)
