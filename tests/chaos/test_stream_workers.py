"""Workers of one group on Apache Kafka: they join, leave, die and come back from the dead.

One Kafka, Redis and ClickHouse for all of it; each test sends events of its own and then looks at
all that were ever sent.
"""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

import pytest
from confluent_kafka import KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient

from infra.embedded.service import EmbeddedError, Service
from infra.kafka import server as apache
from infra.positions import Positions
from schemas.event import Event, raw_line_decoder
from schemas.settings import Settings
from schemas.topics import RAW, STREAM_GROUP
from tests.processes import await_true, footfall
from tests.requirements import require
from tests.servers import own_settings, running
from tests.sink_world import Store, await_count, own_clickhouse, sink, store
from tests.stream_expected import assert_each_event_has_one_effect, expected_counts
from tests.stream_world import World, visits, world_on


class Arena:
    """Servers, a sink, and workers of `footfall stream` each with a log and ports of its own."""

    def __init__(self, world: World, opened: Store, directory: Path) -> None:
        self.world = world
        self.sent: list[Event] = []
        self._opened = opened
        self._directory = directory
        self._admin = AdminClient({"bootstrap.servers": world.settings.kafka})
        self._workers = ExitStack()

    def worker(self, name: str, fault: str = "") -> subprocess.Popen[bytes]:
        offset = str(own_settings().ports.collect - 8080)
        more = {"FOOTFALL_PORT_OFFSET": offset, "FOOTFALL_FAULT": fault}
        started = footfall("stream", self.world.settings, self.log(name), **more)
        return self._workers.enter_context(started)

    def end_workers(self) -> None:
        self._workers.close()

    def close(self) -> None:
        """While Kafka is there: its client waits for it without end when it is taken down."""
        del self._admin

    def log(self, name: str) -> Path:
        return self._directory / f"{name}.log"

    def await_members(self, count: int) -> None:
        """Until the group has agreed upon who reads what."""

        await_true(lambda: self._have_agreed(count), 40, f"the group has {count} members")

    def are_settled(self, zombies: Mapping[str, subprocess.Popen[bytes]], members: int) -> bool:
        """Whether each zombie has ended, for the reason it should, or is one of the group again."""
        for name, process in zombies.items():
            if process.poll() is None:
                members += 1
            else:
                assert process.returncode == 1, name
                assert "LostPartition" in self.log(name).read_text(), name
        return self._have_agreed(members)

    def _have_agreed(self, count: int) -> bool:
        # of a Kafka that has just started some questions are never answered
        asked = self._admin.describe_consumer_groups([STREAM_GROUP], request_timeout=2)
        try:
            group = asked[STREAM_GROUP].result(3)
        except (KafkaException, TimeoutError):
            return False
        return len(group.members) == count and group.state.name == "STABLE"

    @contextmanager
    def load(self, events: list[Event]) -> Iterator[None]:
        """Events are sent all the while, and all of them have been when the block has ended."""
        self.sent += events
        ending = threading.Event()

        def send() -> None:
            for at in range(0, len(events), 100):
                self.world.send(events[at : at + 100], per_record=10)
                ending.wait(0.2)

        sender = threading.Thread(target=send)
        sender.start()
        try:
            yield
        finally:
            ending.set()
            sender.join()

    def assert_all_is_right(self) -> None:
        self.world.await_folded()
        assert_each_event_has_one_effect(self.world, self.sent)
        self.await_stored(len(self.sent))

    def await_stored(self, events: int) -> None:
        count = "SELECT uniqExact(device_id, event_id) FROM events_all"
        await_count(self._opened, count, events)
        assert self._opened.ask("SELECT count() FROM events_all") == [(events,)]

    def let_go_unfolded(self, records: int) -> None:
        """Kafka's retention takes all that was folded, and so many records more a partition."""
        with Positions(self.world.settings) as positions:
            fences = positions.fences(RAW)
        ends = [TopicPartition(RAW.name, p, offset + records) for p, offset in fences.items()]
        for done in self._admin.delete_records(ends).values():
            done.result()


@pytest.fixture(scope="module")
def arena(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Arena]:
    directory = tmp_path_factory.mktemp("workers")
    settings = own_settings()
    with running(own_kafka(settings, directory), directory / "kafka.log") as kafka:
        with (
            world_on(settings, directory) as world,
            own_clickhouse(settings, directory),
            store(settings) as opened,
            sink(settings),
        ):
            found = Arena(world, opened, directory)
            yield found
            found.close()
        kafka.kill()  # its log is not wanted any more


@pytest.fixture(autouse=True)
def _no_worker_outlives_its_test(arena: Arena) -> Iterator[None]:
    yield
    arena.end_workers()


def test_one_joins_one_leaves_and_one_is_killed_under_load(arena: Arena) -> None:
    leaving = arena.worker("leaving")
    arena.await_members(1)
    dying = arena.worker("dying")
    with arena.load(named("first", visits(devices=60, pages=60, seed=2))):
        arena.await_members(2)
        arena.worker("staying")
        arena.await_members(3)
        leaving.terminate()
        assert leaving.wait(30) == 0
        arena.await_members(2)
        dying.kill()
        arena.await_members(1)
    arena.assert_all_is_right()


def test_a_worker_that_was_away_for_too_long_has_no_effect(arena: Arena) -> None:
    stopped_at = {
        "after it read": "footfall.raw.loaded:3:STOP",
        "before it applied": "footfall.raw.published:3:STOP",
        "before it counted": "footfall.registers.published:3:STOP",
    }
    zombies = {}
    for name, fault in stopped_at.items():
        zombies[name] = arena.worker(name, fault)
        arena.await_members(len(zombies))
    with arena.load(named("second", visits(devices=60, pages=60, seed=3))):
        for process in zombies.values():
            await_true(partial(is_stopped, process), 30, "all have stopped")
        arena.worker("successor")
        arena.await_members(1)
    arena.world.await_folded()
    for process in zombies.values():
        process.send_signal(signal.SIGCONT)
    # its fence has moved on; where it hears of the group first, it gives up its step instead
    await_true(lambda: arena.are_settled(zombies, members=1), 60, "all have ended or joined again")
    arena.assert_all_is_right()


def test_what_kafka_let_go_unfolded_stops_the_worker_until_a_rebuild(arena: Arena) -> None:
    arena.worker("before")
    with arena.load(named("third", visits(devices=20, pages=20, seed=4))):
        arena.await_members(1)
    arena.assert_all_is_right()
    arena.end_workers()
    arena.world.send(named("fourth", visits(devices=20, pages=20, seed=5)), per_record=5)
    arena.let_go_unfolded(records=5)
    stopped = arena.worker("stopped")
    assert stopped.wait(30) == 3
    assert "run: footfall rebuild" in arena.log("stopped").read_text()
    with footfall("rebuild", arena.world.settings, arena.log("rebuild")) as rebuild:
        arena.worker("after")
        assert rebuild.wait(60) == 0, arena.log("rebuild").read_text()
    arena.world.await_folded()
    lines = map(raw_line_decoder.decode, arena.world.lines(RAW))
    left = [line for line in lines if isinstance(line, Event)]
    assert arena.world.live_counts() == expected_counts(left)
    told = {(event.device_id, event.event_id) for event in [*arena.sent, *left]}
    rows = arena.world.rows()
    assert set(rows) == told
    assert {len(lines) for lines in rows.values()} == {1}
    arena.await_stored(len(told))


def named(prefix: str, events: list[Event]) -> list[Event]:
    """Of devices that no other test has."""
    for event in events:
        event.device_id = f"{prefix}-{event.device_id}"
        event.user_id = f"{prefix}-{event.user_id}" if event.user_id else ""
    return events


def is_stopped(process: subprocess.Popen[bytes]) -> bool:
    pid, status = os.waitpid(process.pid, os.WNOHANG | os.WUNTRACED)
    return pid != 0 and os.WIFSTOPPED(status)


def own_kafka(settings: Settings, directory: Path) -> Service:
    port = settings.ports.kafka
    try:
        return apache.service(directory / "kafka", port, port + 1)
    except EmbeddedError as error:
        require("kafka", str(error))
