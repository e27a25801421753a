"""Rows to store, ways to store them, and a sink that runs while a test looks at what it did."""

from __future__ import annotations

import itertools
import threading
import uuid
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
from clickhouse_driver import Client
from confluent_kafka import Producer

from infra.cli.context import EXAMPLE_SITE
from infra.embedded import broker, clickhouse_server
from infra.topics import create_topics
from schemas.batch import encode_line
from schemas.event import EnrichedEvent
from schemas.ids import person_of_device, session_of
from schemas.settings import Settings
from schemas.site_file import load
from schemas.topics import Topic
from sinks.clickhouse.client import connect
from sinks.clickhouse.insert import Inserter
from sinks.clickhouse.migrate import migrate
from sinks.clickhouse.rows import Table
from sinks.clickhouse.writer import Status, run
from tests.processes import await_true
from tests.servers import own_settings, running

NOON = 1_790_000_400_000  # 2026-09-21T14:20:00Z
MINUTE = 60_000
DAY = 86_400_000

_devices = itertools.count()
_BASE = EnrichedEvent(
    event_id=str(uuid.UUID(int=1)),
    event_time=NOON,
    received_at=NOON + 500,
    site="Toyhouse",
    type="page",
    name="Page Viewed",
    protocol="beacon",
    device_id="d",
    consent="granted",
    path="/",
)


def new_device() -> str:
    """An id no other test has, since tests share the tables."""
    return f"sink-{uuid.uuid4().hex[:12]}-{next(_devices)}"


def event(device_id: str, at: int = 0, **fields: Any) -> EnrichedEvent:
    """A page view of an anonymous device, `at` ms after NOON."""
    time_ms = NOON + at
    given = {
        "event_id": str(uuid.uuid4()),
        "event_time": time_ms,
        "received_at": time_ms + 500,
        "device_id": device_id,
        "person_id": person_of_device(device_id),
        "session_id": session_of(device_id, NOON),
    }
    return msgspec.structs.replace(_BASE, **{**given, **fields})


def lines(records: Iterable[msgspec.Struct]) -> list[bytes]:
    return [encode_line(record) for record in records]


class Store:
    """A migrated ClickHouse: `put` inserts as the sink does, `ask` reads."""

    def __init__(self, settings: Settings) -> None:
        migrate(settings.clickhouse)
        self.address = settings.clickhouse
        self.client: Client = connect(settings.clickhouse)
        self.inserter = Inserter(settings.clickhouse)

    def put(self, table: Table, *records: msgspec.Struct) -> None:
        assert self.inserter.insert(table, lines(records)) == []

    def ask(self, query: str, **parameters: object) -> list[tuple[Any, ...]]:
        rows: list[tuple[Any, ...]] = self.client.execute(query, parameters)
        return rows

    def close(self) -> None:
        self.inserter.close()
        self.client.disconnect()


@contextmanager
def store(settings: Settings) -> Iterator[Store]:
    opened = Store(settings)
    try:
        yield opened
    finally:
        opened.close()


class Topics:
    """Puts lines into topics as the stages before the sink do."""

    def __init__(self, settings: Settings) -> None:
        create_topics(settings, load(EXAMPLE_SITE))
        self._producer = Producer({"bootstrap.servers": settings.kafka, "acks": "all"})

    def send(
        self, topic: Topic, values: Sequence[bytes], *, partition: int = 0, per_record: int = 100
    ) -> None:
        """`values` as lines of micro-batches, acknowledged when this returns."""
        for at in range(0, len(values), per_record):
            value = b"\n".join(values[at : at + per_record])
            self._producer.produce(topic.name, value, partition=partition)
        assert self._producer.flush(30) == 0


@contextmanager
def sink(settings: Settings) -> Iterator[Status]:
    """The sink in a thread, stopped in order at the end; what it raised is raised here."""
    stop, status = threading.Event(), Status()
    failures: list[BaseException] = []

    def work() -> None:
        try:
            run(settings, stop, status)
        except BaseException as error:  # noqa: BLE001
            failures.append(error)

    thread = threading.Thread(target=work, name="sink")
    thread.start()
    try:
        yield status
    finally:
        stop.set()
        thread.join(60)
    assert not thread.is_alive(), "the sink did not stop"
    if failures:
        raise failures[0]


@contextmanager
def own_servers(directory: Path) -> Iterator[Settings]:
    """A broker with topics and a migrated ClickHouse of this test's own."""
    settings = own_settings()
    with own_broker(settings, directory / "broker.log"), own_clickhouse(settings, directory):
        migrate(settings.clickhouse)
        yield settings


@contextmanager
def own_broker(settings: Settings, log: Path) -> Iterator[Topics]:
    with running(broker.service(settings.ports.kafka), log):
        yield Topics(settings)


@contextmanager
def own_clickhouse(settings: Settings, directory: Path) -> Iterator[None]:
    service = clickhouse_server.service(
        directory / "clickhouse", settings.clickhouse, settings.ports.clickhouse_http
    )
    with running(service, directory / "clickhouse.log"):
        yield


def await_count(opened: Store, query: str, count: int, timeout_s: float = 60) -> None:
    """Until a query that counts gives `count`."""
    await_true(lambda: opened.ask(query) == [(count,)], timeout_s, f"{count} from {query}")
