"""A topic that was deleted and made again, and one with another number of partitions."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from infra.embedded import broker
from infra.topics import create_topics, register_epochs
from schemas.topics import RAW, STREAM_GROUP
from tests.processes import environment_of, footfall
from tests.servers import own_settings, running
from tests.stream_expected import assert_each_event_has_one_effect
from tests.stream_world import SITE, stream_world, visits


def test_what_stands_in_the_new_topic_is_folded_upon_what_the_old_one_left(tmp_path: Path) -> None:
    old, new = visits(devices=40, pages=20, seed=1), visits(devices=40, pages=3, seed=2)
    log = tmp_path / "stream.log"
    with stream_world(tmp_path) as world:
        with footfall("stream", world.settings, log):
            world.send(old, per_record=5)
            world.await_folded()
        admin = AdminClient({"bootstrap.servers": world.settings.kafka, "log_level": 0})
        admin.delete_topics([RAW.name])[RAW.name].result()
        assert create_topics(world.settings, SITE) == [RAW.name]
        assert register_epochs(world.settings) == [RAW.name]
        broker.forget_group(world.settings.kafka, STREAM_GROUP)
        with footfall("stream", world.settings, log):
            # fewer records than the old topic had: its offsets are all below the old fences
            world.send(new, per_record=50)
            world.await_folded()
        assert_each_event_has_one_effect(world, [*old, *new])


def test_another_number_of_partitions_is_refused_with_what_mends_it(tmp_path: Path) -> None:
    settings = own_settings()
    with running(broker.service(settings.ports.kafka), tmp_path / "broker.log"):
        admin = AdminClient({"bootstrap.servers": settings.kafka, "log_level": 0})
        other = NewTopic(RAW.name, num_partitions=RAW.partitions + 1, replication_factor=-1)
        admin.create_topics([other])[RAW.name].result()
        done = subprocess.run(
            [sys.executable, "-m", "infra.cli", "migrate"],
            env=environment_of(settings),
            capture_output=True,
            text=True,
        )
    assert done.returncode == 2, done.stderr
    assert "footfall.raw has 9 partitions, Footfall needs 8" in done.stderr
    assert "delete the topic or use another Kafka" in done.stderr
