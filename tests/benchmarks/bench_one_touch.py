"""`/v1/visitors/{identifier}` over HTTP, of states that the stages made: one caller after another.

The baseline is `/health` of the same service, which reads nothing: what the machine itself takes.

A usual member has three devices and twenty visits in two months; the other has a hundred devices,
the most that are counted, with two visits each.
"""

from __future__ import annotations

import random
import tempfile
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
from msgspec import Raw
from redis import Redis

from infra.embedded import broker, redis_server
from schemas.batch import encode_batch
from schemas.event import Event
from schemas.topics import REGISTERS
from streams.device_stage import DeviceStage
from streams.lane import Stage
from streams.person_stage import PersonStage
from streams.records import Record
from tests.benchmarks.load import Load, drive
from tests.integration.personalize_service import ADMIN, make_raw_topic
from tests.processes import await_true, footfall
from tests.servers import own_settings, running
from tests.stream_world import CHROME, SITE

MEMBERS = 50
SECONDS = 6
SHOP = "https://toyhouse.example"
DAY_MS = 86_400_000
VISIT = ("/", "identify", "/c", "/p", "/p", "Product Viewed", "/p", "Product Added", "/cart")
ORDER = ("Checkout Started", "Order Completed")


def run() -> list[dict[str, object]]:
    settings = own_settings()
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        store = redis_server.service(place / "redis", settings.ports.redis)
        kafka = broker.service(settings.ports.kafka)
        with running(store, place / "redis.log"), running(kafka, place / "kafka.log"):
            make_raw_topic(settings.kafka)
            usual = [f"usual-{number}" for number in range(MEMBERS)]
            with Redis.from_url(settings.redis_url) as redis:
                for member in usual:
                    _store(redis, member, devices=3, visits=20)
                _store(redis, "most", devices=100, visits=200)
            token = ADMIN["Authorization"].removeprefix("Bearer ")
            with footfall("personalize", settings, place / "log", FOOTFALL_ADMIN_TOKEN=token):
                url = f"http://127.0.0.1:{settings.ports.personalize}"
                await_true(lambda: _answers(url), 60, "personalize answers")
                bare = _asked(url, ["/health"], place)
                own = _asked(url, [f"/v1/visitors/{member}" for member in usual], place)
                large = _asked(url, ["/v1/visitors/most"], place)
    return [
        *_rows("3 devices, 20 visits", own, bare, "< 20"),
        *_rows("100 devices, 200 visits", large, bare, ""),
    ]


def _rows(what: str, load: Load, bare: Load, goal: str) -> Iterator[dict[str, object]]:
    for name, value, baseline in (
        ("p50", load.p50_ms, bare.p50_ms),
        ("p99", load.p99_ms, bare.p99_ms),
    ):
        yield {
            "name": f"one touch: {what}, {name}",
            "value": value,
            "unit": "ms",
            "baseline": baseline,
            "goal": goal if name == "p99" else "",
        }


def _answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/ready", timeout=1).is_success
    except httpx.HTTPError:
        return False


def _asked(url: str, paths: list[str], place: Path) -> Load:
    headers = "".join(f"{name}: {value}\r\n" for name, value in ADMIN.items())
    requests = [
        f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{headers}\r\n".encode() for path in paths
    ]
    drive(url, requests, place, connections=1, seconds=1)
    return drive(url, requests, place, connections=1, seconds=SECONDS)


def _store(redis: Redis, member: str, *, devices: int, visits: int) -> None:
    """What both stages keep of a member, whose visits are spread over two months."""
    chance = random.Random(member)
    cookies = [str(uuid.UUID(int=chance.getrandbits(128), version=4)) for _ in range(devices)]
    now = int(time.time() * 1000)
    stages: list[tuple[Stage, dict[str, Any]]]
    stages = [(DeviceStage(SITE, "secret"), {}), (PersonStage(SITE), {})]
    blobs: dict[str, bytes] = {}
    for number in range(visits):
        began = now - (visits - number) * 60 * DAY_MS // visits
        names = VISIT + ORDER * (number % 3 == 0)
        events = list(_visit(chance, cookies[number % devices], member, began, names))
        value = encode_batch(events)
        for stage, held in stages:
            record = Record(0, number, events[-1].received_at, value, lambda: None)
            effects = stage.fold(held, [(record, stage.decode(record))], 1)
            blobs |= {write.key: write.blob for write in effects.states}
            value = b"\n".join(
                line
                for (topic, _), lines in effects.emissions.lines.items()
                if topic == REGISTERS.name
                for line in lines
            )
    for key, blob in blobs.items():
        redis.set(key, blob)


def _visit(
    chance: random.Random, device: str, user: str, began: int, names: tuple[str, ...]
) -> Iterator[Event]:
    at, referrer = began, chance.choice(["", "https://www.google.com/", "https://wiki.example/"])
    for name in names:
        at += chance.randrange(2_000, 60_000)
        product = chance.randrange(500)
        event = Event(
            event_id=str(uuid.UUID(int=chance.getrandbits(128), version=4)),
            event_time=at,
            received_at=at,
            type="page",
            name="Page Viewed",
            protocol="beacon",
            device_id=device,
            consent="granted",
            url=SHOP + (f"/p/{product}" if name == "/p" else name if name[0] == "/" else "/"),
            referrer=referrer,
            user_agent=CHROME,
        )
        referrer = event.url
        if name == "identify":
            event.type, event.name, event.user_id = "identify", "", user
        elif name[0] != "/":
            event.type, event.name = "track", name
            event.properties = Raw(
                b'{"category": "c%d", "product_id": "T-%04d", "order_id": "%d", "revenue": 39.9,'
                b' "currency": "EUR", "products": [{"product_id": "T-%04d"}]}'
                % (product % 40, product, at, product)
            )
        yield event
