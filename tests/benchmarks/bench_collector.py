"""The collector, Kafka acks=all, one worker process, against an empty 204 on the same server.

Both are uvicorn with the same settings and the same garbage collection (`server_config`,
`calm_garbage_collection`), each a process of its own, and both get the very same requests. The runs
alternate, so that what else the machine does meets both; figures are medians of the pairs. `cpu_us`
is the server process's processor time a request, which a busy machine disturbs less.
A real broker acknowledges every event. Visitors have their cookie, as all but the first hit do.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import uvicorn

from infra.embedded import broker, redis_server
from infra.topics import create_topics
from ingest.collector.app import calm_garbage_collection, serve, server_config
from schemas.current_site import CurrentSite
from schemas.settings import Ports, Settings
from tests.benchmarks.load import Load, drive, post, processor_s
from tests.collector_service import PAGE, SERVER_KEY, SITE
from tests.ports import free_offset
from tests.servers import own_settings, running

PAIRS = 4
SECONDS = 4
REQUESTS = 2_000


class Served(NamedTuple):
    url: str
    pid: int


def run() -> list[dict[str, object]]:
    """Events a second with one and with ten events a request, and latency at half load."""
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        place = Path(folder)
        settings = own_settings()
        store = redis_server.service(place / "redis", settings.ports.redis)
        stack.enter_context(running(store, place / "redis.log"))
        kafka = broker.service(settings.ports.kafka)
        kafka_process = stack.enter_context(running(kafka, place / "kafka.log"))
        create_topics(settings, SITE)
        ours = stack.enter_context(_served("collector", settings))
        empty = stack.enter_context(_served("empty", settings))
        rows = [
            _throughput("one event a request", _beacons(1), 1, ours, empty, place),
            _latency(_beacons(1), ours, place),
            _throughput("ten events a request (beacon)", _beacons(10), 10, ours, empty, place),
            _throughput("ten events a request (Segment)", _batches(10), 10, ours, empty, place),
        ]
        rows[0]["goal"] = "ratio >= 0.5"
        rows[2]["goal"] = rows[3]["goal"] = ">= 60,000 events/s"
        kafka_process.kill()  # told politely it waits 5 s for its clients
    return rows


def _throughput(
    name: str, requests: list[bytes], events: int, ours: Served, empty: Served, place: Path
) -> dict[str, object]:
    """At 256 connections; of one event a request also the ratio to the empty answer's requests."""
    pairs: list[tuple[Load, Load]] = []
    used: list[tuple[float, float]] = []
    for _ in range(PAIRS + 1):
        before = processor_s(empty.pid), processor_s(ours.pid)
        baseline = drive(empty.url, requests, place, connections=256, seconds=SECONDS)
        collector = drive(ours.url, requests, place, connections=256, seconds=SECONDS)
        pairs.append((baseline, collector))
        after = processor_s(empty.pid), processor_s(ours.pid)
        used.append((after[0] - before[0], after[1] - before[1]))
    del pairs[0], used[0]  # warmed up
    cpu_us = [
        statistics.median(
            one[which] / (SECONDS * pair[which].per_s) * 1e6
            for one, pair in zip(used, pairs, strict=True)
        )
        for which in (0, 1)
    ]
    compared = {
        "baseline": round(statistics.median(base.per_s for base, _ in pairs)),
        "ratio": round(statistics.median(one.per_s / base.per_s for base, one in pairs), 2),
    }
    return {
        "name": f"collector: {name}",
        "value": round(statistics.median(one.per_s for _, one in pairs)) * events,
        "unit": "events/s",
        **(compared if events == 1 else {}),
        "p99_ms": round(statistics.median(one.p99_ms for _, one in pairs), 1),
        "cpu_us": [round(us, 1) for us in cpu_us],
    }


def _latency(requests: list[bytes], ours: Served, place: Path) -> dict[str, object]:
    """At 64 connections and half of what 256 get through, found by resting between requests."""
    half = drive(ours.url, requests, place, connections=256, seconds=SECONDS).per_s / 2
    loads = [
        drive(ours.url, requests, place, connections=64, seconds=SECONDS, delay_ms=delay)
        for delay in range(5)
    ]
    load = min(loads, key=lambda load: abs(load.per_s - half))
    return {
        "name": "collector: p99 at 64 connections and half load",
        "value": load.p99_ms,
        "unit": "ms",
        "p50_ms": load.p50_ms,
        "per_s": round(load.per_s),
        "goal": "< 25 ms",
    }


def _beacons(events: int) -> list[bytes]:
    """Page views and product views of many devices."""
    return [_beacon(number, events) for number in range(REQUESTS)]


def _beacon(number: int, events: int) -> bytes:
    views = [
        {
            "type": "page",
            "id": str(uuid.uuid4()),
            "time": int(time.time() * 1000),
            "url": f"https://toyhouse.example/p/{number % 500}?utm_source=letter",
            "title": "A wooden train with a whistle",
            "referrer": "https://encyclopedia.example/wiki/Train",
            "language": "de",
            "properties": {"sku": f"T-{number % 500}", "price": 19.9},
        }
        for _ in range(events)
    ]
    beacon = {
        "key": "pk_demo",
        "load": str(uuid.uuid4()),
        "sent_at": int(time.time() * 1000),
        "consent": True,
        "events": views,
    }
    browser = {
        "User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
        "Content-Type": "text/plain;charset=UTF-8",
        "Sec-Fetch-Mode": "no-cors",
        "Cookie": f"ff_id={uuid.UUID(int=number, version=4)}",
    }
    return post("/b", json.dumps(beacon).encode(), {**PAGE, **browser})


def _batches(events: int) -> list[bytes]:
    """What a shop's backend sends."""

    def message(number: int) -> dict[str, Any]:
        return {
            "type": "track",
            "event": "Product Added",
            "messageId": str(uuid.uuid4()),
            "anonymousId": str(uuid.UUID(int=number, version=4)),
            "timestamp": "2026-01-01T12:00:00.000Z",
            "context": {
                "ip": "203.0.113.9",
                "userAgent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Firefox/140.0",
                "page": {"url": f"https://toyhouse.example/p/{number % 500}"},
                "library": {"name": "analytics-python", "version": "2.3.0"},
            },
            "properties": {"sku": f"T-{number % 500}", "price": 19.9},
            "integrations": {},
        }

    return [
        post(
            "/v1/batch",
            json.dumps({"batch": [message(number + n) for n in range(events)]}).encode(),
            {**SERVER_KEY, "Content-Type": "application/json"},
        )
        for number in range(REQUESTS)
    ]


@contextmanager
def _served(what: str, settings: Settings) -> Iterator[Served]:
    """A server process of its own."""
    own = msgspec.structs.replace(settings, ports=Ports.with_offset(free_offset()))
    port = own.ports.collect
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.benchmarks.bench_collector", what],
        env={
            **os.environ,
            "FOOTFALL_KAFKA": own.kafka,
            "FOOTFALL_REDIS_URL": own.redis_url,
            "FOOTFALL_PORT_OFFSET": str(port - Ports.with_offset(0).collect),
        },
    )
    url = f"http://127.0.0.1:{port}"
    try:
        _await(url)
        yield Served(url, process.pid)
    finally:
        process.terminate()
        process.wait(30)


def _await(url: str) -> None:
    deadline = time.monotonic() + 20
    while True:
        try:
            urllib.request.urlopen(f"{url}/health", timeout=1).close()
            return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)


async def _empty(scope: Any, receive: Any, send: Any) -> None:
    """The baseline: reads the request, answers 204."""
    if scope["type"] == "lifespan":
        while (await receive())["type"] == "lifespan.startup":
            await send({"type": "lifespan.startup.complete"})
        await send({"type": "lifespan.shutdown.complete"})
        return
    await receive()
    await send({"type": "http.response.start", "status": 204, "headers": []})
    await send({"type": "http.response.body", "body": b""})


if __name__ == "__main__":
    from_environment = Settings.from_environment(os.environ)
    if sys.argv[1] == "empty":
        calm_garbage_collection()
        config = server_config(_empty, from_environment.bind, from_environment.ports.collect)
        uvicorn.Server(config).run()
    else:
        serve(from_environment, CurrentSite(SITE))
