"""How old an event is when it can be seen: in `/v1/homepage`, and in ClickHouse's `events`.

The whole stack as `footfall up` starts it, with the load generator on the same machine. First as
much as the collector takes for some seconds, until all of it is folded and stored: that is what the
stack gets through. Then half of that, while probes ask: each is one event of a device that nobody
knows, timed from the collector's answer until the homepage's answer knows its session, and until a
query that begins then finds its row. Asked is the table under the view `events`, by its key, since
asking the view twenty times a second is a load of its own; the view is asked once, for all of them.
"""

from __future__ import annotations

import http.client
import json
import statistics
import tempfile
import threading
import time
import uuid
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

from infra.drain import drain
from schemas.settings import Settings
from sinks.clickhouse.client import connect
from tests.benchmarks.load import Load, drive, post
from tests.stack import CHROME, Stack, stack

EVENTS_A_REQUEST = 10
REQUESTS = 2_000
BLAST_S = 5
SECONDS = 20
CONNECTIONS = 16
PROBERS = 3
ASK_EVERY_S = 0.004
QUERY_EVERY_S = 0.05
GIVEN_UP_S = 30.0
_STORED = """
SELECT DISTINCT device_id FROM events_stored
WHERE toDate(event_time) >= today() - 1 AND device_id IN {devices:Array(String)}"""
_SEEN = "SELECT uniqExact(device_id) FROM events WHERE device_id IN {devices:Array(String)}"
DRAINED_S = 180.0


def run() -> list[dict[str, object]]:
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        with stack(place / "state", place / "up.log", FOOTFALL_ADMIN_TOKEN="bench") as running:
            settings = Settings.from_environment(running.environment)
            requests = [_batch(number) for number in range(REQUESTS)]
            through = _through(running, settings, requests, place)
            load, homepage, stored = _probed(running, settings, requests, place, through / 2)
    at = f"{load.per_s * EVENTS_A_REQUEST:,.0f} of {through:,.0f} events/s"
    return [
        _row(f"freshness: acknowledged to /v1/homepage, at {at}", homepage, "p99 < 300 ms"),
        _row(f"freshness: acknowledged to ClickHouse events, at {at}", stored, "p99 < 3,000 ms"),
    ]


def _row(name: str, seconds: Sequence[float], goal: str) -> dict[str, object]:
    if len(seconds) < 2:
        raise RuntimeError(f"{name}: only {len(seconds)} probes were seen")
    return {
        "name": name,
        "value": round(statistics.quantiles(seconds, n=100)[98] * 1000, 1),
        "unit": "ms",
        "p50_ms": round(statistics.median(seconds) * 1000, 1),
        "max_ms": round(max(seconds) * 1000, 1),
        "probes": len(seconds),
        "goal": goal,
    }


def _through(running: Stack, settings: Settings, requests: list[bytes], place: Path) -> float:
    """Events a second from the collector's door into live state and ClickHouse."""
    began = time.perf_counter()
    load = drive(running.collector, requests, place, connections=64, seconds=BLAST_S)
    if missing := drain(settings, DRAINED_S):
        raise RuntimeError(f"not stored in {DRAINED_S:g} s: {missing}")
    return load.per_s * BLAST_S * EVENTS_A_REQUEST / (time.perf_counter() - began)


def _probed(
    running: Stack, settings: Settings, requests: list[bytes], place: Path, events_per_s: float
) -> tuple[Load, list[float], list[float]]:
    """(the load there was, seconds to the homepage, seconds to ClickHouse)."""
    rest_ms = max(1, round(1000 * CONNECTIONS * EVENTS_A_REQUEST / events_per_s))
    stop, asked = threading.Event(), _Stored(settings)
    homepage: list[float] = []
    with ThreadPoolExecutor(PROBERS + 2) as pool:
        under_load = pool.submit(
            drive,
            running.collector,
            requests,
            place,
            connections=CONNECTIONS,
            seconds=SECONDS,
            delay_ms=rest_ms,
        )
        time.sleep(1)
        querying = pool.submit(asked.ask_until, stop)
        probing = [pool.submit(_probe, running, stop, asked.expect) for _ in range(PROBERS)]
        time.sleep(SECONDS - 3)
        stop.set()
        for prober in probing:
            homepage += prober.result()
        querying.result()
        return under_load.result(), homepage, asked.took


def _probe(
    running: Stack, stop: threading.Event, expect: Callable[[str, float], None]
) -> list[float]:
    """One event after the other, until `stop`."""
    collector, api = _Caller(running.collector), _Caller(running.personalize)
    took = []
    while not stop.is_set():
        device = str(uuid.uuid4())
        collector.call("POST", "/v1/page", json.dumps(_page(device, 1)))
        acknowledged = time.monotonic()
        expect(device, acknowledged)
        while not api.call("GET", f"/v1/homepage?anonymous_id={device}")["visitor"]["sessions"]:
            if time.monotonic() - acknowledged > GIVEN_UP_S:
                raise RuntimeError(f"the homepage does not know {device}")
            time.sleep(ASK_EVERY_S)
        took.append(time.monotonic() - acknowledged)
        time.sleep(0.1)
    return took


class _Stored:
    """Asks ClickHouse again and again which of the expected devices it has an event of."""

    def __init__(self, settings: Settings) -> None:
        self._address = settings.clickhouse
        self._lock = threading.Lock()
        self._expected: dict[str, float] = {}
        self.took: list[float] = []

    def expect(self, device: str, acknowledged: float) -> None:
        with self._lock:
            self._expected[device] = acknowledged

    def ask_until(self, stop: threading.Event) -> None:
        client = connect(self._address)
        given_up, seen = 0.0, list[str]()
        while not stop.is_set() or self._expected:
            if stop.is_set():
                given_up = given_up or time.monotonic() + GIVEN_UP_S
                if time.monotonic() > given_up:
                    raise RuntimeError(f"ClickHouse never had {len(self._expected)} events")
            with self._lock:
                devices = list(self._expected)
            began = time.monotonic()  # what a query finds was there when it began
            rows = client.execute(_STORED, {"devices": devices})
            with self._lock:
                self.took += [began - self._expected.pop(device) for (device,) in rows]
            seen += [device for (device,) in rows]
            time.sleep(QUERY_EVERY_S)
        ((found,),) = client.execute(_SEEN, {"devices": seen})
        if found != len(seen):
            raise RuntimeError(f"of {len(seen)} devices that are stored, events has {found}")
        client.disconnect()


class _Caller:
    """One kept connection, with the server key."""

    def __init__(self, url: str) -> None:
        self._connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=GIVEN_UP_S)

    def call(self, method: str, path: str, body: str | None = None) -> dict[str, dict[str, int]]:
        headers = {"Authorization": "Bearer sk_demo", "Content-Type": "application/json"}
        self._connection.request(method, path, body, headers)
        answer = self._connection.getresponse()
        text = answer.read()
        if answer.status != 200:
            raise RuntimeError(f"{path}: {answer.status} {text[:200]!r}")
        found: dict[str, dict[str, int]] = json.loads(text)
        return found


def _page(device: str, number: int) -> dict[str, object]:
    page = {"url": f"https://toyhouse.example/p/{number % 300}", "title": "A wooden train"}
    return {"anonymousId": device, "context": {"page": page, "userAgent": CHROME}}


def _batch(number: int) -> bytes:
    """Page views without ids: sent again they are other events."""
    device = str(uuid.uuid5(uuid.NAMESPACE_OID, str(number)))
    pages = [{"type": "page", **_page(device, number + n)} for n in range(EVENTS_A_REQUEST)]
    headers = {"Authorization": "Bearer sk_demo", "Content-Type": "application/json"}
    return post("/v1/batch", json.dumps({"batch": pages}).encode(), headers)
