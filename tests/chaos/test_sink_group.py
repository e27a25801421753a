"""Sinks of one group on Apache Kafka: they join, die, come back from the dead and start over.

One Kafka and one ClickHouse for all; each test sends events of its own and looks at all ever sent.
"""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from infra.embedded.service import EmbeddedError, Service
from infra.kafka import server as apache
from infra.positions import Positions, behind
from schemas.settings import Settings
from schemas.topics import EVENTS, SINK_GROUP
from tests.processes import await_true, footfall
from tests.requirements import require
from tests.servers import own_settings, running
from tests.sink_world import DAY, Store, Topics, event, lines, new_device, own_clickhouse, store

DEVICES = 40


class Arena:
    """Servers, and sinks each with a log and ports of its own."""

    def __init__(self, settings: Settings, opened: Store, directory: Path) -> None:
        self._settings = settings
        self._opened = opened
        self._directory = directory
        self._topics = Topics(settings)
        self._admin = AdminClient({"bootstrap.servers": settings.kafka})
        self._sinks = ExitStack()
        self._sent = 0

    def sink(self, name: str, fault: str = "") -> subprocess.Popen[bytes]:
        offset = str(own_settings().ports.collect - 8080)
        more = {"FOOTFALL_PORT_OFFSET": offset, "FOOTFALL_FAULT": fault}
        started = footfall("sink", self._settings, self._directory / f"{name}.log", **more)
        return self._sinks.enter_context(started)

    def end_sinks(self) -> None:
        self._sinks.close()

    def send(self, count: int) -> None:
        """Events of many devices and two months, to every partition."""
        devices = [new_device() for _ in range(DEVICES)]
        sent = lines(event(devices[at % DEVICES], at - 30 * DAY * (at % 2)) for at in range(count))
        for partition in range(EVENTS.partitions):
            part = sent[partition :: EVENTS.partitions]
            self._topics.send(EVENTS, part, partition=partition, per_record=20)
        self._sent += count

    def await_members(self, count: int) -> None:
        def have_agreed() -> bool:
            asked = self._admin.describe_consumer_groups([SINK_GROUP])
            try:
                group = asked[SINK_GROUP].result()
            except KafkaException:
                return False  # its coordinator is starting
            state = "STABLE" if count else "EMPTY"
            return len(group.members) == count and group.state.name == state

        await_true(have_agreed, 40, f"the group has {count} members")

    def await_all_committed(self) -> None:
        with Positions(self._settings, SINK_GROUP) as positions:
            ends = positions.ends(EVENTS)
            await_true(
                lambda: behind(ends, positions.committed(EVENTS)) == 0, 60, "all is committed"
            )

    def start_over(self) -> None:
        """The group loses what it has committed: its next member reads from the beginning."""
        self.await_members(0)
        self._admin.delete_consumer_groups([SINK_GROUP])[SINK_GROUP].result()

    def assert_each_event_is_there_once(self) -> None:
        counts = "SELECT count(), uniqExact((device_id, event_id)) FROM events_all"
        assert self._opened.ask(counts) == [(self._sent, self._sent)]
        assert self._opened.ask("SELECT count() FROM rejected") == [(0,)]

    def rows_taken(self) -> int:
        """Rows that ClickHouse took, copies counted."""
        return int(self._opened.ask("SELECT count() FROM events_stored")[0][0])


@pytest.fixture(scope="module")
def arena(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Arena]:
    directory = tmp_path_factory.mktemp("sinks")
    settings = own_settings()
    with running(own_kafka(settings, directory), directory / "kafka.log") as kafka:
        with own_clickhouse(settings, directory), store(settings) as opened:
            # copies shall stay to be collapsed by readers, not by a merge that came in time
            opened.ask("SYSTEM STOP MERGES events_stored")
            yield Arena(settings, opened, directory)
        kafka.kill()  # its log is not wanted any more


@pytest.fixture(autouse=True)
def _no_sink_outlives_its_test(arena: Arena) -> Iterator[None]:
    yield
    arena.end_sinks()


def test_one_is_killed_with_a_block_inserted_and_the_next_cuts_other_blocks(arena: Arena) -> None:
    arena.send(4_000)
    dying = arena.sink("dying", "sink.published:1")
    assert dying.wait(60) == -signal.SIGKILL
    arena.send(3_000)  # so the next one's blocks have other ends
    arena.sink("joining")
    arena.sink("joining-too")
    arena.send(1_000)
    arena.await_all_committed()
    arena.assert_each_event_is_there_once()
    assert arena.rows_taken() > 8_000, "nothing was delivered twice, so nothing was tried"


def test_a_zombie_that_wakes_with_its_block_taken_adds_nothing(arena: Arena) -> None:
    zombie = arena.sink("zombie", "sink.taken:1:STOP")
    arena.await_members(1)
    arena.send(4_000)
    await_true(lambda: is_stopped(zombie), 30, "it has stopped with a block")
    arena.sink("successor")
    arena.await_all_committed()
    arena.assert_each_event_is_there_once()
    before = arena.rows_taken()
    zombie.send_signal(signal.SIGCONT)
    await_true(lambda: arena.rows_taken() > before, 30, "the zombie has inserted its block")
    arena.assert_each_event_is_there_once()
    arena.send(500)
    arena.await_all_committed()
    arena.assert_each_event_is_there_once()


def test_the_topic_read_again_from_its_beginning_adds_nothing(arena: Arena) -> None:
    arena.sink("first")
    arena.send(500)
    arena.await_all_committed()
    arena.end_sinks()
    before = arena.rows_taken()
    arena.start_over()
    arena.sink("again")
    arena.await_all_committed()
    assert arena.rows_taken() > before
    arena.assert_each_event_is_there_once()


def is_stopped(process: subprocess.Popen[bytes]) -> bool:
    pid, status = os.waitpid(process.pid, os.WNOHANG | os.WUNTRACED)
    return pid != 0 and os.WIFSTOPPED(status)


def own_kafka(settings: Settings, directory: Path) -> Service:
    port = settings.ports.kafka
    try:
        return apache.service(directory / "kafka", port, port + 1)
    except EmbeddedError as error:
        require("kafka", str(error))
