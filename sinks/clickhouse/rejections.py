"""Publishes refused lines to `footfall.rejected`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from schemas.batch import COUNT_HEADER, encode_line, pack_lines
from schemas.event import Rejected
from schemas.topics import REJECTED, partition_of
from sinks.clickhouse.errors import Unavailable

_ACKNOWLEDGED_WITHIN_S = 30


class RejectionPublisher:
    """Connects when the first rejection comes; most runs never see one."""

    def __init__(self, bootstrap_servers: str) -> None:
        self._servers = bootstrap_servers
        self._producer: Producer | None = None

    def publish(self, rejected: Sequence[Rejected]) -> None:
        """Returns when all are acknowledged. Raises Unavailable; then repeat all of them."""
        if not rejected:
            return
        producer = self._connected()
        failures: list[KafkaError] = []

        def delivered(error: KafkaError | None, _: Message) -> None:
            if error is not None:
                failures.append(error)

        try:
            for lines, partition in _records(rejected):
                producer.produce(
                    REJECTED.name,
                    b"\n".join(lines),
                    partition=partition,
                    headers=[(COUNT_HEADER, str(len(lines)).encode())],
                    on_delivery=delivered,
                )
        except (BufferError, KafkaException) as error:
            self.close()
            raise Unavailable(f"Kafka takes no rejections: {error}") from error
        if producer.flush(_ACKNOWLEDGED_WITHIN_S) or failures:
            self.close()
            raise Unavailable(f"Kafka did not acknowledge rejections: {failures[:1]}")

    def close(self) -> None:
        """Let go of what was not acknowledged; the block that holds it is done again."""
        if self._producer is not None:
            self._producer.purge()
            self._producer.flush(1)
            self._producer = None

    def _connected(self) -> Producer:
        if self._producer is None:
            self._producer = Producer(
                {
                    "bootstrap.servers": self._servers,
                    "client.id": "footfall-sink",
                    "acks": "all",
                    "enable.idempotence": True,
                    "compression.type": "lz4",
                    "delivery.timeout.ms": _ACKNOWLEDGED_WITHIN_S * 1000,
                }
            )
        return self._producer


def _records(rejected: Sequence[Rejected]) -> Iterator[tuple[list[bytes], int]]:
    """Micro-batches of lines, each with its partition: what is refused again comes to its own."""
    partitions: dict[int, list[bytes]] = {}
    for one in rejected:
        lines = partitions.setdefault(partition_of(one.rejected_id, REJECTED), [])
        lines.append(encode_line(one))
    for partition, lines in partitions.items():
        for batch in pack_lines(lines):
            yield batch, partition
