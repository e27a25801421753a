"""`/v1/homepage` for known visitors, against FastAPI with one `redis.get` a request.

One worker process each, uvicorn with uvloop and httptools, the same Redis, 64 connections from wrk,
20,000 devices asked for at random. Decisions go to a real broker. The runs alternate, so that what
else the machine does meets both; figures are medians of the pairs. `cpu_us` is the server
process's processor time a request, which a busy machine disturbs less.

Then two workers against one, both as `footfall personalize` with the demo's site file. They share
their cores with wrk, Redis and the broker: on two cores the row says what is left there to be had,
not what a second worker gives on a machine of its own.
"""

from __future__ import annotations

import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

import redis
import redis.asyncio
import uvicorn
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic
from fastapi import FastAPI

from infra.embedded import broker, redis_server
from personalize_api.app import serve
from schemas.current_site import CurrentSite
from schemas.device_state import DeviceState, encode_device_state
from schemas.evidence import Evidence, Said, pack
from schemas.layouts import layout_id
from schemas.redis_keys import device_key
from schemas.settings import Ports, Settings
from schemas.topics import RAW
from tests.benchmarks.load import processor_s
from tests.integration.personalize_service import SITE, device_state, now_ms
from tests.ports import free_offset
from tests.processes import await_true
from tests.servers import own_settings, running

CONNECTIONS = 64
DEVICES = 20_000
SECONDS = 4
PAIRS = 4

_WRK_SCRIPT = """
math.randomseed(os.time())
function request()
  return wrk.format("GET", "%s" .. math.random(0, {devices} - 1) .. "%s")
end
function done(summary, latency)
  local refused = summary.errors.status + summary.errors.read + summary.errors.timeout
  io.write(string.format("RESULT %%d %%d %%d %%d\\n", summary.requests, summary.duration,
    latency:percentile(99), refused))
end
""".replace("{devices}", str(DEVICES))

_MODULE = "tests.benchmarks.bench_homepage"
_PERSONALIZE = ("infra.cli", "personalize")
_QUERY = ("/v1/homepage?anonymous_id=device-", "&referrer=https%3A%2F%2Fencyclopedia.example%2F")


class Served(NamedTuple):
    url: str
    pid: int


class Figures(NamedTuple):
    per_s: float
    p99_ms: float
    cpu_us: float


def run() -> list[dict[str, object]]:
    """Requests a second and latency of both; `ratio` is ours to the baseline's throughput."""
    if shutil.which("wrk") is None:
        return [{"name": "homepage", "skipped": "wrk is not on PATH"}]
    settings = own_settings()
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        place = Path(folder)
        store = redis_server.service(place / "redis", settings.ports.redis)
        kafka = broker.service(settings.ports.kafka)
        stack.enter_context(running(store, place / "redis.log"))
        stack.enter_context(running(kafka, place / "kafka.log"))
        _prepare(settings)
        rows = _against_fastapi(settings, place)
        return [*rows, _of_workers(settings, place)]


def _against_fastapi(settings: Settings, place: Path) -> list[dict[str, object]]:
    with (
        _served(_MODULE, "baseline", settings=settings) as fastapi,
        _served(_MODULE, "homepage", settings=settings) as homepage,
    ):
        paths = ((fastapi, ("/device-", "")), (homepage, _QUERY))
        baseline, ours, ratio = _pairs(*paths, place)
    return [
        {
            "name": "homepage: known visitor, against FastAPI + one redis.get",
            "value": ours.per_s,
            "unit": "requests/s",
            "baseline": baseline.per_s,
            "ratio": ratio,
            "cpu_us": [baseline.cpu_us, ours.cpu_us],
            "goal": ">= 8,000/s, >= 4x",
        },
        {
            "name": "homepage: p99 at 64 connections",
            "value": ours.p99_ms,
            "unit": "ms",
            "baseline": baseline.p99_ms,
            "goal": "< 15 ms",
        },
    ]


def _of_workers(settings: Settings, place: Path) -> dict[str, object]:
    with (
        _served(*_PERSONALIZE, settings=settings) as one,
        _served(*_PERSONALIZE, "--workers", "2", settings=settings) as two,
    ):
        alone, both, ratio = _pairs((one, _QUERY), (two, _QUERY), place)
    return {
        "name": f"homepage: two workers against one, {os.cpu_count()} cores for all",
        "value": both.per_s,
        "unit": "requests/s",
        "baseline": alone.per_s,
        "ratio": ratio,
        "p99_ms": both.p99_ms,
    }


def _pairs(
    first: tuple[Served, tuple[str, str]], second: tuple[Served, tuple[str, str]], place: Path
) -> tuple[Figures, Figures, float]:
    """Medians of either, and of the throughputs' ratio, second to first."""
    measured = [[_measure(*each, place) for each in (first, second)] for _ in range(PAIRS + 1)]
    del measured[0]  # warmed up
    one, two = (
        Figures(*(round(statistics.median(figures), 1) for figures in zip(*runs, strict=True)))
        for runs in zip(*measured, strict=True)
    )
    return one, two, round(statistics.median(b.per_s / a.per_s for a, b in measured), 2)


def _prepare(settings: Settings) -> None:
    admin = AdminClient({"bootstrap.servers": settings.kafka})
    admin.create_topics([NewTopic(RAW.name, RAW.partitions, 1)])[RAW.name].result()
    with redis.Redis.from_url(settings.redis_url) as store:
        pipe = store.pipeline(transaction=False)
        for number in range(DEVICES):
            pipe.set(device_key(f"device-{number}"), encode_device_state(_state()))
        pipe.execute()


def _state() -> DeviceState:
    """A device with ten events in two sessions."""
    now = now_ms()
    return device_state(
        first_seen=now - 90_000_000,
        seen={now // 86_400_000: os.urandom(50)},
        runs=((now - 90_000_000, now - 89_000_000), (now - 60_000, now - 1000)),
        marks=((now - 90_000_000, "referral:Encyclopedia"), (now - 60_000, "referral:Google")),
        starts=(now - 90_000_000, now - 60_000),
        layout=layout_id(tuple(funnel.fingerprint for funnel in SITE.funnels.values())),
        evidence=pack(
            Evidence(now - 1000 * (8 - n), Said((1, 2, 2), (("Google", ""),))) for n in range(8)
        ),
    )


@contextmanager
def _served(*module: str, settings: Settings) -> Iterator[Served]:
    """A server process of its own: `python -m` with these arguments."""
    offset = free_offset()
    process = subprocess.Popen(
        [sys.executable, "-m", *module],
        env={
            **os.environ,
            "FOOTFALL_KAFKA": settings.kafka,
            "FOOTFALL_REDIS_URL": settings.redis_url,
            "FOOTFALL_PORT_OFFSET": str(offset),
        },
    )
    url = f"http://127.0.0.1:{Ports.with_offset(offset).personalize}"
    try:
        await_true(lambda: _is_healthy(url), 60, f"{module} serves")
        yield Served(url, process.pid)
    finally:
        process.terminate()
        process.wait(30)


def _is_healthy(url: str) -> bool:
    try:
        urllib.request.urlopen(f"{url}/health", timeout=1).close()
    except OSError:
        return False
    return True


def _measure(served: Served, path: tuple[str, str], place: Path) -> Figures:
    script = place / "ask.lua"
    script.write_text(_WRK_SCRIPT % path)
    before = processor_s(served.pid)
    answer = subprocess.run(
        ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{SECONDS}s", "-s", str(script), served.url],
        capture_output=True,
        text=True,
        check=True,
    )
    used_s = processor_s(served.pid) - before
    found = re.search(r"RESULT (\d+) (\d+) (\d+) (\d+)", answer.stdout)
    if found is None:
        raise RuntimeError(f"wrk says: {answer.stdout}")
    requests, duration_us, p99_us, refused = map(int, found.groups())
    if refused:
        raise RuntimeError(f"{refused} requests failed")
    return Figures(requests / duration_us * 1e6, p99_us / 1000, used_s / requests * 1e6)


def _serve_baseline(settings: Settings) -> None:
    """What one would write first."""
    app = FastAPI()
    store = redis.asyncio.Redis.from_url(settings.redis_url)

    @app.get("/health")
    async def health() -> dict[str, str]:
        return {"status": "ok"}

    @app.get("/{device_id}")
    async def homepage(device_id: str) -> dict[str, object]:
        state = await store.get(device_key(device_id))
        return {"variant": "classic", "known": state is not None}

    uvicorn.run(
        app,
        port=settings.ports.personalize,
        loop="uvloop",
        http="httptools",
        access_log=False,
        log_level="warning",
    )


if __name__ == "__main__":
    ports_and_servers = Settings.from_environment(os.environ)
    if sys.argv[1] == "baseline":
        _serve_baseline(ports_and_servers)
    else:
        serve(ports_and_servers, CurrentSite(SITE))
