"""The embedded broker: ends when told, forgets, and is not mistaken for another."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from confluent_kafka import Consumer, Producer
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from infra.embedded import broker
from infra.embedded.service import NotReady
from tests.servers import own_settings, running


def test_sigterm_ends_it_at_once_and_its_topics_are_gone_at_the_next_start(tmp_path: Path) -> None:
    settings = own_settings()
    service = broker.service(settings.ports.kafka)
    with running(service, tmp_path / "log") as process:
        admin = AdminClient({"bootstrap.servers": settings.kafka})
        admin.create_topics([NewTopic("visits", 2, 1)])["visits"].result(10)
        producer = Producer({"bootstrap.servers": settings.kafka, "acks": "all"})
        producer.produce("visits", b"one", partition=1)
        assert producer.flush(10) == 0
        assert "visits" in admin.list_topics(timeout=5).topics
        del admin, producer  # it waits 5 s for connected clients
        process.terminate()
        assert process.wait(2) == 0

    with running(service, tmp_path / "log") as process:
        admin = AdminClient({"bootstrap.servers": settings.kafka})
        assert "visits" not in admin.list_topics(timeout=5).topics
        process.kill()


def test_another_broker_on_the_port_is_not_taken_for_ours(kafka_address: str) -> None:
    port = int(kafka_address.rpartition(":")[2])
    with pytest.raises(NotReady, match="another broker"):
        broker.service(port).ready(os.getpid())


def test_it_says_that_its_log_lives_in_memory() -> None:
    assert "in memory" in broker.service(1).notice


def test_a_group_that_was_left_while_it_formed_works_again_after_it_is_forgotten(
    tmp_path: Path,
) -> None:
    settings = own_settings()
    with running(broker.service(settings.ports.kafka), tmp_path / "log") as process:
        admin = AdminClient({"bootstrap.servers": settings.kafka})
        admin.create_topics([NewTopic("visits", 2, 1)])["visits"].result(10)
        assert not _is_given_partitions(settings.kafka, within_s=1), "the group still forms"
        assert not _is_given_partitions(settings.kafka, within_s=4), "Tansu is mended: drop `mend`"
        broker.forget_group(settings.kafka, "readers")
        assert _is_given_partitions(settings.kafka, within_s=15)
        process.kill()


def _is_given_partitions(address: str, within_s: float) -> bool:
    """Whether a new member of the group is; it leaves the group politely."""
    given: list[int] = []
    consumer = Consumer(
        {"bootstrap.servers": address, "group.id": "readers", "session.timeout.ms": 6000}
    )
    consumer.subscribe(["visits"], on_assign=lambda *_: given.append(1))
    deadline = time.monotonic() + within_s
    while not given and time.monotonic() < deadline:
        consumer.poll(0.1)
    consumer.close()
    return bool(given)
