"""Publishing emissions: acknowledged by all replicas before anything else happens."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from schemas.batch import COUNT_HEADER, pack_lines
from streams.errors import ProducerFailed, StreamError, TryAgain
from streams.records import Emissions


class Publisher:
    """One idempotent producer; `publish` returns when every line is acknowledged."""

    def __init__(self, kafka: str) -> None:
        self._producer = Producer(
            {
                "bootstrap.servers": kafka,
                "acks": "all",
                "enable.idempotence": True,
                "compression.type": "lz4",
                "linger.ms": 0,
                "delivery.timeout.ms": 30_000,
                "queue.buffering.max.kbytes": 256 * 1024,
            }
        )
        self._stopping = threading.Event()
        self._poller = threading.Thread(target=self._poll, name="publisher", daemon=True)
        self._poller.start()

    async def publish(self, emissions: Emissions) -> None:
        """Raises TryAgain where a record was not acknowledged; all may then be sent again.

        Raises ProducerFailed where sending again with this producer is of no use.
        """
        if not emissions.lines:
            return
        waiting = _Waiting(asyncio.get_running_loop())
        for (topic, partition), lines in emissions.lines.items():
            for batch in pack_lines(lines):
                waiting.expect()
                self._produce(topic, partition, batch, waiting.delivered)
        waiting.all_sent()
        await waiting.done

    def close(self) -> None:
        """Waits for what is under way."""
        self._producer.flush(10)
        self._stopping.set()
        self._poller.join()

    def _produce(
        self,
        topic: str,
        partition: int,
        batch: list[bytes],
        delivered: Callable[[KafkaError | None, Message], None],
    ) -> None:
        try:
            self._producer.produce(
                topic,
                b"\n".join(batch),
                partition=partition,
                headers=[(COUNT_HEADER, str(len(batch)).encode())],
                on_delivery=delivered,
            )
        except BufferError as error:
            raise TryAgain(f"Kafka: {error}") from error
        except KafkaException as error:
            raise _failure(error.args[0]) from error

    def _poll(self) -> None:
        while not self._stopping.is_set():
            self._producer.poll(0.1)


class _Waiting:
    """Counts deliveries on the producer's thread; resolves `done` on the event loop's."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.done: asyncio.Future[None] = loop.create_future()
        self._loop = loop
        self._lock = threading.Lock()
        self._open = 1
        self._error: KafkaError | None = None

    def expect(self) -> None:
        with self._lock:
            self._open += 1

    def all_sent(self) -> None:
        self._one_less(None)

    def delivered(self, error: KafkaError | None, _message: Message) -> None:
        self._one_less(error)

    def _one_less(self, error: KafkaError | None) -> None:
        with self._lock:
            self._open -= 1
            self._error = self._error or error
            finished = self._open == 0
        if finished:
            self._loop.call_soon_threadsafe(self._resolve)

    def _resolve(self) -> None:
        if self.done.done():
            return
        if self._error is not None:
            self.done.set_exception(_failure(self._error))
        else:
            self.done.set_result(None)


def _failure(error: KafkaError) -> StreamError:
    kind = ProducerFailed if error.fatal() else TryAgain
    return kind(f"Kafka: {error}")
