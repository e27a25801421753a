"""The broker forgets its topics and their offsets: the sink starts over by itself."""

from __future__ import annotations

from pathlib import Path

from infra.embedded import broker
from schemas.topics import EVENTS
from sinks.clickhouse.migrate import migrate
from tests.processes import await_true
from tests.servers import own_settings, running
from tests.sink_world import (
    await_count,
    event,
    lines,
    new_device,
    own_broker,
    own_clickhouse,
    sink,
    store,
)

COUNT = "SELECT count() FROM events"


def test_topics_that_come_later_are_waited_for(tmp_path: Path) -> None:
    settings = own_settings()
    with own_clickhouse(settings, tmp_path):
        migrate(settings.clickhouse)
        service = broker.service(settings.ports.kafka)
        with running(service, tmp_path / "broker.log"), sink(settings) as status:
            await_true(lambda: "footfall migrate" in status.waits_for, 30, "no topics yet")


def test_what_is_sent_to_the_new_topics_is_read_from_their_beginning(tmp_path: Path) -> None:
    settings, device = own_settings(), new_device()
    sent = lines(event(device, at) for at in range(600))
    with own_clickhouse(settings, tmp_path), sink(settings) as status:
        migrate(settings.clickhouse)
        with store(settings) as opened:
            with own_broker(settings, tmp_path / "broker.log") as topics:
                topics.send(EVENTS, sent[:100], per_record=10)
                await_count(opened, COUNT, 100)
            await_true(lambda: "kafka:" in status.waits_for, 60, "the sink misses Kafka")
            with own_broker(settings, tmp_path / "broker.log") as topics:
                # more records than the old topic had: the old offsets exist in the new one
                topics.send(EVENTS, sent[100:], per_record=10)
                await_count(opened, COUNT, 600)
                await_true(lambda: status.waits_for == "", 30, "ready again")
