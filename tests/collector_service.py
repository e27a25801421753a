"""The collector on real servers, and what arrives in Kafka, for tests to ask and to read."""

from __future__ import annotations

import gzip
import http.client
import json
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple

import msgspec
import pytest
import uvicorn
from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec  # type: ignore[attr-defined]

from infra.topics import create_topics
from ingest.collector.app import create_app, server_config
from schemas.batch import split_lines
from schemas.current_site import CurrentSite
from schemas.event import Event, Rejected, raw_line_decoder
from schemas.settings import Ports, Settings
from schemas.site import ConsentRules, Site, WriteKey
from schemas.topics import RAW, REJECTED, Topic
from tests.ports import free_offset

SITE = Site(
    name="Toyhouse",
    origins=("https://toyhouse.example", "http://127.0.0.1:*"),
    consent=ConsentRules(mode="opt-in", honour=("gpc",)),
    write_keys=(WriteKey(key="sk_demo", kind="server"), WriteKey(key="pk_demo", kind="browser")),
)
PAGE = {"Origin": "https://toyhouse.example"}
SERVER_KEY = {"Authorization": "Bearer sk_demo"}

_rejected_decoder = msgspec.json.Decoder(Rejected)


class Answer(NamedTuple):
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Collector:
    """A running collector: sends requests to it and reads what it published since it started."""

    def __init__(self, settings: Settings) -> None:
        self.host, self.port = settings.bind, settings.ports.collect
        self.url = f"http://{self.host}:{self.port}"
        self._raw = Arrivals(settings.kafka, RAW)
        self._rejected = Arrivals(settings.kafka, REJECTED)

    def close(self) -> None:
        self._raw.close()
        self._rejected.close()

    def ask(
        self, method: str, path: str, body: object = None, headers: Mapping[str, str] = {}
    ) -> Answer:
        """`body` is sent as it is when it is bytes or an iterator of them, else as JSON."""
        if body is not None and not isinstance(body, bytes | Iterator):
            body = json.dumps(body).encode()
        connection = http.client.HTTPConnection(self.host, self.port, timeout=30)
        try:
            connection.request(method, path, body, dict(headers))
            response = connection.getresponse()
            answered = {name.lower(): value for name, value in response.getheaders()}
            return Answer(response.status, answered, response.read())
        finally:
            connection.close()

    def post(self, path: str, body: object, headers: Mapping[str, str] = SERVER_KEY) -> Answer:
        return self.ask("POST", path, body, headers)

    def post_gzipped(self, path: str, body: object, headers: Mapping[str, str]) -> Answer:
        return self.post(path, gzip.compress(json.dumps(body).encode()), headers)

    def events(self) -> list[Event]:
        """What was published to `footfall.raw` since the last call."""
        lines = [raw_line_decoder.decode(line) for line in self._raw.lines()]
        return [line for line in lines if isinstance(line, Event)]

    def rejected(self) -> list[Rejected]:
        """What was published to `footfall.rejected` since the last call."""
        return [_rejected_decoder.decode(line) for line in self._rejected.lines()]


class Arrivals:
    """The lines of one topic from here on."""

    def __init__(self, kafka: str, topic: Topic) -> None:
        self._topic = topic
        self._admin = AdminClient({"bootstrap.servers": kafka})
        self._consumer = Consumer(
            {
                "bootstrap.servers": kafka,
                "group.id": "test",
                "enable.auto.commit": False,
                "fetch.wait.max.ms": 10,
            }
        )
        self._next = self._ends()

    def lines(self) -> list[bytes]:
        ends = self._ends()
        missing = {p for p, end in ends.items() if end > self._next[p]}
        self._consumer.assign([TopicPartition(self._topic.name, p, self._next[p]) for p in missing])
        found: list[bytes] = []
        deadline = time.monotonic() + 20
        while missing:
            assert time.monotonic() < deadline, f"{self._topic.name}: records are missing"
            message = self._consumer.poll(1.0)
            if message is None:
                continue
            assert message.error() is None
            value, partition, offset = message.value(), message.partition(), message.offset()
            assert value is not None
            assert partition is not None
            assert offset is not None
            lines = list(split_lines(value))
            assert dict(message.headers() or [])["n"] == str(len(lines)).encode()
            found += lines
            self._next[partition] = offset + 1
            if offset + 1 >= ends[partition]:
                missing.discard(partition)
        return found

    def close(self) -> None:
        self._consumer.close()
        del self._admin  # closes its connections

    def _ends(self) -> dict[int, int]:
        latest = OffsetSpec.latest()  # type: ignore[no-untyped-call]
        asked = {
            TopicPartition(self._topic.name, partition): latest
            for partition in range(self._topic.partitions)
        }
        deadline = time.monotonic() + 10
        while True:
            answers = self._admin.list_offsets(asked)
            try:
                return {place.partition: end.result(10).offset for place, end in answers.items()}
            except KafkaException as error:
                # a client that asked just before the topic was there believes so for a moment
                new = error.args[0].code() == KafkaError._UNKNOWN_PARTITION
                if not new or time.monotonic() > deadline:
                    raise
            time.sleep(0.1)


def with_free_ports(settings: Settings) -> Settings:
    """The same servers, with a port of its own for the service."""
    return msgspec.structs.replace(settings, ports=Ports.with_offset(free_offset()))


@contextmanager
def serving(settings: Settings, site: Site | CurrentSite) -> Iterator[None]:
    """The collector at settings.bind:settings.ports.collect, stopped in good order at the end."""
    current = site if isinstance(site, CurrentSite) else CurrentSite(site)
    app = create_app(settings, current)
    config = server_config(app, settings.bind, settings.ports.collect)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        deadline = time.monotonic() + 20
        while not server.started:
            assert thread.is_alive(), "the collector did not start"
            assert time.monotonic() < deadline
            time.sleep(0.01)
        yield
    finally:
        server.should_exit = True
        thread.join(30)
        assert not thread.is_alive()


@contextmanager
def collecting(settings: Settings, site: Site = SITE) -> Iterator[Collector]:
    """A collector on the given servers, its topics made."""
    create_topics(settings, site)
    own = with_free_ports(settings)
    with serving(own, site):
        collector = Collector(own)
        try:
            yield collector
        finally:
            collector.close()


@pytest.fixture(scope="module")
def _running(addresses: Settings, kafka_address: str, redis_url: str) -> Iterator[Collector]:
    with collecting(addresses) as running:
        yield running


@pytest.fixture
def collector(_running: Collector) -> Collector:
    """A collector of `SITE`; what earlier tests sent is forgotten."""
    _running.events()
    _running.rejected()
    return _running
