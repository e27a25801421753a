"""A ClickHouse that is slow, breaks off in the middle of blocks, and is away for long."""

from __future__ import annotations

import contextlib
import re
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from schemas.settings import Settings
from schemas.topics import EVENTS
from sinks.clickhouse.migrate import migrate
from tests.processes import await_true, footfall
from tests.servers import own_settings
from tests.sink_world import (
    DAY,
    Store,
    Topics,
    await_count,
    event,
    lines,
    new_device,
    own_broker,
    own_clickhouse,
    store,
)

ROWS = 40_000
CUTS = 3
WAITING = 200_000
MORE_MEMORY_MB = 160  # what waits is far more; two blocks and what is fetched ahead are 90
MORE_WHILE_CATCHING_UP_MB = 260  # blocks one after the other, before the allocator gives back
COUNTS = "SELECT count(), uniqExact((device_id, event_id)) FROM events_all"


class Line:
    """A TCP proxy before ClickHouse: as slow as `bytes_a_second`, cut by `cut`, or closed."""

    def __init__(self, port: int) -> None:
        self._target = ("127.0.0.1", port)
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._server.getsockname()[1]
        self.bytes_a_second = 0  # 0: as fast as it goes
        self.is_closed = False
        self.passed = 0  # bytes to ClickHouse
        self._open: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        """End every connection with whatever is on its way."""
        for end in self._open:
            _close(end)
        self._open = []

    def close(self) -> None:
        self._server.close()
        self.cut()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = self._server.accept()
                if self.is_closed:
                    near.close()
                    continue
                far = socket.create_connection(self._target)
                self._open += [near, far]
                for one, other, slow in ((near, far, True), (far, near, False)):
                    threading.Thread(
                        target=self._carry, args=(one, other, slow), daemon=True
                    ).start()

    def _carry(self, one: socket.socket, other: socket.socket, is_slow: bool) -> None:
        with contextlib.suppress(OSError):
            while data := one.recv(16_384):
                other.sendall(data)
                if is_slow:
                    self.passed += len(data)
                    if self.bytes_a_second:
                        time.sleep(len(data) / self.bytes_a_second)
        _close(one)
        _close(other)


def _close(end: socket.socket) -> None:
    """Both ways and at once; who still writes gets an error, who reads the end."""
    with contextlib.suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
    end.close()


class Place(msgspec.Struct):
    settings: Settings  # as the sink has them, ClickHouse behind the line
    line: Line
    topics: Topics
    opened: Store
    log: Path


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    directory, own = tmp_path_factory.mktemp("slow"), own_settings()
    with (
        own_broker(own, directory / "broker.log") as topics,
        own_clickhouse(own, directory),
        store(own) as opened,
    ):
        migrate(own.clickhouse)
        line = Line(own.clickhouse.port)
        url = own.clickhouse_url.replace(f":{own.clickhouse.port}/", f":{line.port}/")
        through = msgspec.structs.replace(own, clickhouse_url=url)
        yield Place(through, line, topics, opened, directory / "sink.log")
        line.close()


def test_slow_and_broken_off_in_the_middle_of_blocks_each_event_is_there_once(
    place: Place,
) -> None:
    device = new_device()
    sent = lines(event(device, at - 30 * DAY * (at % 3)) for at in range(ROWS))
    size = sum(map(len, sent))
    with footfall("sink", place.settings, place.log):
        place.line.bytes_a_second = size  # so the whole of it takes seconds
        for partition in range(8):
            place.topics.send(EVENTS, sent[partition::8], partition=partition, per_record=200)
        for _ in range(CUTS):
            aim = place.line.passed + size // 4
            await_true(lambda: place.line.passed >= aim, 30, "a part of a block")  # noqa: B023
            place.line.cut()
        place.line.bytes_a_second = 0
        await_true(lambda: place.opened.ask(COUNTS) == [(ROWS, ROWS)], 60, "each event once")
    assert "again in" in place.log.read_text(), "nothing was broken off, so nothing was tried"


def test_what_waits_for_a_clickhouse_that_is_away_waits_in_kafka(place: Place) -> None:
    ((before,),) = place.opened.ask("SELECT count() FROM events_all")
    with footfall("sink", place.settings, place.log) as process:
        place.topics.send(EVENTS, lines([event(new_device())]))
        await_count(place.opened, "SELECT count() FROM events_all", before + 1)
        idle_mb = memory_mb(process.pid)
        place.line.is_closed = True
        place.line.cut()
        device = new_device()
        for at in range(0, WAITING, 20_000):
            part = lines(event(device, n, title="t" * 200) for n in range(at, at + 20_000))
            place.topics.send(EVENTS, part, partition=at // 20_000 % 8, per_record=200)
        time.sleep(3)  # all that it would take, it has taken
        assert memory_mb(process.pid) - idle_mb < MORE_MEMORY_MB
        place.line.is_closed = False
        expected = before + 1 + WAITING
        await_true(lambda: place.opened.ask(COUNTS) == [(expected, expected)], 60, "all is there")
        assert memory_mb(process.pid) - idle_mb < MORE_WHILE_CATCHING_UP_MB


def memory_mb(pid: int) -> int:
    found = re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())
    assert found is not None
    return int(found[1]) // 1024
