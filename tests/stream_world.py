"""A broker and a Redis for one test of the stream, events to send, and what should come of them."""

from __future__ import annotations

import random
import time
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import msgspec
from confluent_kafka import Consumer, Producer, TopicPartition
from redis import Redis

from infra.cli.context import EXAMPLE_SITE
from infra.embedded import broker, redis_server
from infra.positions import Offsets, Positions, behind
from infra.topics import create_topics, register_epochs
from schemas.batch import encode_batch, split_lines
from schemas.device_state import decode_device_state
from schemas.event import EnrichedEvent, Event
from schemas.redis_keys import device_key
from schemas.settings import Settings
from schemas.site_file import load
from schemas.topics import EVENTS, FLOW, RAW, Topic, partition_of
from tests.processes import await_true
from tests.servers import own_settings, running

CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/141.0.0.0 Safari/537.36"
)
SITE = load(EXAMPLE_SITE)


class World:
    """Real servers of one test. `send` puts micro-batches into footfall.raw as ingest would."""

    def __init__(self, settings: Settings, redis_directory: Path) -> None:
        self.settings = settings
        self.redis_directory = redis_directory
        self._redis_server = ExitStack()
        self.redis = Redis.from_url(settings.redis_url)
        self._producer = Producer(
            {"bootstrap.servers": settings.kafka, "acks": "all", "log_level": 0}
        )

    def start_redis(self) -> None:
        """On the data that `redis_directory` holds."""
        service = redis_server.service(self.redis_directory, self.settings.ports.redis)
        log = self.redis_directory.with_suffix(".log")
        self._redis_process = self._redis_server.enter_context(running(service, log))

    def kill_redis(self) -> None:
        """kill -9: what was not on the disk is gone."""
        self._redis_process.kill()
        self._redis_server.close()

    def send(self, events: Iterable[Event], per_record: int = 50) -> None:
        partitions: dict[int, list[Event]] = {}
        for event in events:
            partitions.setdefault(partition_of(event.device_id, RAW), []).append(event)
        for partition, mine in partitions.items():
            for at in range(0, len(mine), per_record):
                value = encode_batch(mine[at : at + per_record])
                self._producer.produce(RAW.name, value, partition=partition)
        assert self._producer.flush(30) == 0

    def send_lines(self, lines: Sequence[bytes]) -> None:
        """One record of whatever lines."""
        self._producer.produce(RAW.name, b"\n".join(lines), partition=0)
        assert self._producer.flush(30) == 0

    def await_folded(self, timeout_s: float = 60) -> None:
        """Until all stages stand at the end of their topics."""
        with Positions(self.settings) as positions:
            for topic in FLOW:
                ends = positions.barrier(topic)

                def left(topic: Topic = topic, ends: Offsets = ends) -> int:
                    return behind(ends, positions.fences(topic))

                await_true(lambda: not left(), timeout_s, f"{topic.name} folded to its end")

    def lines(self, topic: Topic) -> Iterator[bytes]:
        """Every line of a topic, from its beginning to its present end."""
        with Positions(self.settings) as positions:
            begins, ends = positions.begins(topic), positions.barrier(topic)
        consumer = Consumer(
            {
                "bootstrap.servers": self.settings.kafka,
                "group.id": f"test-{uuid.uuid4()}",
                "log_level": 0,
            }
        )
        try:
            consumer.assign([TopicPartition(topic.name, p, begin) for p, begin in begins.items()])
            left = dict(ends)
            while left:
                message = consumer.poll(5)
                assert message is not None, f"{topic.name} at {left}"
                assert message.error() is None
                yield from split_lines(message.value() or b"")
                if (message.offset() or 0) + 1 == left[message.partition() or 0]:
                    del left[message.partition() or 0]
        finally:
            consumer.close()

    def rows(self) -> dict[tuple[str, str], set[bytes]]:
        """(device, event id) -> the different lines that were emitted for it."""
        found: dict[tuple[str, str], set[bytes]] = {}
        for line in self.lines(EVENTS):
            row = msgspec.json.decode(line, type=EnrichedEvent)
            found.setdefault((row.device_id, row.event_id), set()).add(line)
        return found

    def sessions_of(self, device: str) -> int:
        blob = self.redis.get(device_key(device))
        assert isinstance(blob, bytes)
        return len(decode_device_state(blob).starts)

    def live_counts(self) -> Mapping[str, int]:
        """Field 'step|by|value' -> persons, over all minutes and partitions."""
        counts: dict[str, int] = {}
        for key in self.redis.scan_iter("ff:{g*}:f:*"):
            found: dict[bytes, bytes] = self.redis.hgetall(key)  # type: ignore[assignment]
            for field, value in found.items():
                name = field.decode().split("|", 1)[1]
                counts[name] = counts.get(name, 0) + int(value)
        return {name: count for name, count in counts.items() if count}


@contextmanager
def stream_world(directory: Path) -> Iterator[World]:
    settings = own_settings()
    kafka = running(broker.service(settings.ports.kafka), directory / "broker.log")
    with kafka, world_on(settings, directory) as world:
        yield world


@contextmanager
def world_on(settings: Settings, directory: Path) -> Iterator[World]:
    """A world on a Kafka that runs already, with topics and a Redis of its own."""
    world = World(settings, directory / "redis")
    world.start_redis()
    try:
        create_topics(settings, SITE)
        register_epochs(settings)
        yield world
    finally:
        world.kill_redis()


def visits(devices: int, pages: int, seed: int = 1) -> list[Event]:
    """Visits of the last hours: product pages, some carts, orders and logins; mixed up in time."""
    chance = random.Random(seed)
    now = int(time.time() * 1000)
    events = []
    for device in range(devices):
        began = now - chance.randrange(60_000, 6 * 3_600_000)
        for page in range(pages):
            at = min(began + page * chance.randrange(1_000, 300_000), now - 1000)
            events.append(_event(chance, f"device-{device}", at))
    chance.shuffle(events)
    return events


def aliases(devices: int) -> list[Event]:
    """Of the users of `visits` every two are one person, and of these every second no longer."""
    now = int(time.time() * 1000)
    said = []
    for number in range(0, devices - 1, 2):
        users = [f"user-device-{number + n}" for n in (0, 1)]
        said.append(_alias(users, now - 5000))
        if number % 4:
            said.append(_alias(users, now - 4000, revoke=True))
    return said


def _alias(users: list[str], at: int, *, revoke: bool = False) -> Event:
    return Event(
        event_id=str(uuid.uuid5(uuid.NAMESPACE_OID, f"{users} {revoke}")),
        event_time=at,
        received_at=at,
        type="alias",
        name="",
        protocol="segment",
        device_id=f"user:{users[0]}",
        consent="granted",
        server=True,
        user_id=users[0],
        previous_id=users[1],
        revoke=revoke,
    )


def _event(chance: random.Random, device: str, at: int) -> Event:
    event = Event(
        event_id=str(uuid.UUID(int=chance.getrandbits(128))),
        event_time=at,
        received_at=at,
        type="page",
        name="Page Viewed",
        protocol="segment",
        device_id=device,
        consent="granted",
        url=f"https://toyhouse.example/p/{chance.randrange(50)}",
        referrer=chance.choice(["", "https://encyclopedia.example/a", "https://www.google.com/"]),
        user_agent=CHROME,
    )
    kind = chance.random()
    if kind < 0.15:
        event.type, event.name = "track", "Product Added"
    elif kind < 0.2:
        event.type, event.name = "track", "Checkout Started"
    elif kind < 0.25:
        event.type, event.name = "track", "Order Completed"
        event.properties = msgspec.Raw(b'{"order_id": "%d", "currency": "EUR"}' % at)
    elif kind < 0.28:
        event.type, event.name, event.user_id = "identify", "", f"user-{device}"
    return event
