"""What a device costs in Redis: `used_memory` before and after, its key and expiry included.

The states are made by the device stage from ordinary visits: who comes from a search engine looks
at products and comes back the next day; who is registered comes three times, logs in and orders.
"""

from __future__ import annotations

import hashlib
import random
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import msgspec
from msgspec import Raw
from redis import Redis

from infra.cli.context import EXAMPLE_SITE
from infra.embedded import redis_server
from schemas.batch import encode_batch
from schemas.event import Event
from schemas.ids import PSEUDONYM_PREFIX
from schemas.person_state import PersonState
from schemas.site_file import load
from schemas.topics import REGISTERS
from streams.device_stage import DeviceStage, States
from streams.person_stage import PersonStage
from streams.records import Record, StateWrite
from tests.servers import own_settings, running
from tests.stream_world import CHROME

SITE = load(EXAMPLE_SITE)
STAGE, PERSON_STAGE = DeviceStage(SITE, "secret"), PersonStage(SITE, "secret")
DEVICES = 5_000
DAY_MS = 86_400_000
SHOP = "https://toyhouse.example"
SEARCH = "https://www.google.com/"


def run() -> list[dict[str, object]]:
    settings = own_settings()
    with tempfile.TemporaryDirectory() as folder:
        service = redis_server.service(Path(folder), settings.ports.redis)
        with running(service, Path(folder) / "log"), Redis.from_url(settings.redis_url) as store:
            return [
                *_rows(store, "anonymous", "10 events", anonymous, "<= 400"),
                *_rows(store, "registered", "21 events", registered, "<= 900"),
            ]


def _rows(
    store: Redis,
    who: str,
    events: str,
    visits: Callable[[random.Random], list[Event]],
    goal: str,
) -> Iterator[dict[str, object]]:
    chance = random.Random(1)
    devices: list[StateWrite] = []
    persons: list[StateWrite] = []
    seen: list[StateWrite] = []
    for _ in range(DEVICES):
        history = visits(chance)
        device, its_persons = _states(history)
        devices.append(device)
        persons += its_persons
        for event in history:
            event.address_keys = [_pseudonym(event)]
        seen.append(_states(history)[0])
    yield _row(store, f"{who} device with {events}", devices, goal)
    yield _row(store, "  the same, for joining log lines", seen)
    yield _row(store, "  whom it is of, beside it", persons)


def _row(
    store: Redis, what: str, writes: Sequence[StateWrite], goal: str = ""
) -> dict[str, object]:
    store.flushall()
    before = _used(store)
    for write in writes:
        store.set(write.key, write.blob, px=write.ttl_ms)
    own = sum(len(write.key) + len(write.blob) for write in writes) / DEVICES
    row: dict[str, object] = {
        "name": f"{what}: {own:.0f} bytes of key and value, in Redis",
        "value": (_used(store) - before) / DEVICES,
        "unit": "bytes",
    }
    return {**row, "goal": goal} if goal else row


def _used(store: Redis) -> int:
    """Bytes of what is stored: without the buffers of who asks, and when tables have moved."""
    before = -1
    while True:
        memory: dict[str, int] = store.info("memory")
        buffers = memory["mem_clients_normal"] + memory["mem_aof_buffer"]
        used = memory["used_memory"] - buffers
        if used == before:
            return used
        before = used
        time.sleep(0.3)


def _states(events: list[Event]) -> tuple[StateWrite, Sequence[StateWrite]]:
    """What is stored of the device and of persons when these have come, one record each."""
    states: States = {}
    persons: dict[str, PersonState | None] = {}
    device, told = None, {}
    for offset, event in enumerate(events):
        record = Record(0, offset, event.received_at, encode_batch([event]), lambda: None)
        effects = STAGE.fold(states, [(record, STAGE.decode(record))], 1)
        (device,) = effects.states
        for (topic, _), lines in effects.emissions.lines.items():
            if topic == REGISTERS.name:
                record = msgspec.structs.replace(record, value=b"\n".join(lines))
                folded = PERSON_STAGE.fold(persons, [(record, PERSON_STAGE.decode(record))], 1)
                told.update({write.key: write for write in folded.states})
    assert device is not None
    return device, list(told.values())


def _pseudonym(event: Event) -> str:
    """Of the event's visitor on its day, as the collector would tell it."""
    named = f"{event.device_id}{event.event_time // DAY_MS}".encode()
    return PSEUDONYM_PREFIX + hashlib.blake2b(named, digest_size=16).hexdigest()


def anonymous(chance: random.Random) -> list[Event]:
    """Six pages from a search, four on the next day from nowhere; one product in the cart."""
    device, now = _cookie(chance), int(time.time() * 1000)
    yesterday = now - DAY_MS + chance.randrange(3_600_000)
    return [
        *_visit(chance, device, yesterday, ["/", "/c", "/p", "/p", "Product Viewed", "/p"], SEARCH),
        *_visit(chance, device, now - 600_000, ["/p", "/p", "Product Added", "/cart"], ""),
    ]


def registered(chance: random.Random) -> list[Event]:
    """Seven events in each of three visits within two days: a login in each, two orders."""
    device, now = _cookie(chance), int(time.time() * 1000)
    ordering = ["/", "identify", "/p", "Product Added", "/cart", "Checkout Started"]
    return [
        *_visit(chance, device, now - 2 * DAY_MS + 3_600_000, [*ordering, "/p"], SEARCH),
        *_visit(chance, device, now - DAY_MS, [*ordering, "Order Completed"], ""),
        *_visit(chance, device, now - 3_600_000, [*ordering, "Order Completed"], SEARCH),
    ]


def _cookie(chance: random.Random) -> str:
    return str(uuid.UUID(int=chance.getrandbits(128), version=4))


def _visit(
    chance: random.Random, device: str, began: int, what: list[str], referrer: str
) -> Iterator[Event]:
    at = began
    for name in what:
        at += chance.randrange(2_000, 60_000)
        product = chance.randrange(50)
        path = f"/p/{product}" if name == "/p" else name if name.startswith("/") else "/"
        event = Event(
            event_id=_cookie(chance),
            event_time=at,
            received_at=at,
            type="page",
            name="Page Viewed",
            protocol="beacon",
            device_id=device,
            consent="granted",
            url=SHOP + path,
            referrer=referrer,
            user_agent=CHROME,
        )
        referrer = SHOP + path
        if name == "identify":
            event.type, event.name, event.user_id = "identify", "", f"m-{device[:6]}"
        elif not name.startswith("/"):
            event.type, event.name = "track", name
            event.properties = Raw(b'{"category": "trains", "product_id": "T-%04d"}' % product)
            if name == "Order Completed":
                order = (
                    b'{"order_id": "%d", "revenue": 39.9, "currency": "EUR",'
                    b' "products": [{"product_id": "T-%04d"}]}' % (at, product)
                )
                event.properties = Raw(order)
        yield event
