"""`/v1/homepage` for known visitors, against FastAPI with one `redis.get` a request.

One worker process each, the same server (uvicorn, uvloop, httptools), the same Redis, 64
connections from wrk, 20,000 devices asked for at random. Decisions go to a real broker.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

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
from schemas.settings import Settings
from schemas.topics import RAW
from tests.integration.personalize_service import SITE, device_state, now_ms
from tests.processes import await_true
from tests.servers import own_settings, running

CONNECTIONS = 64
DEVICES = 20_000
SECONDS = 8

_WRK_SCRIPT = """
math.randomseed(os.time())
function request()
  return wrk.format("GET", "%s" .. math.random(0, {devices} - 1) .. "%s")
end
function done(summary, latency)
  local refused = summary.errors.status + summary.errors.read + summary.errors.timeout
  io.write(string.format("RESULT %%d %%d %%d %%d %%d\\n", summary.requests, summary.duration,
    latency:percentile(50), latency:percentile(99), refused))
end
""".replace("{devices}", str(DEVICES))

_QUERY = ("/v1/homepage?anonymous_id=device-", "&referrer=https%3A%2F%2Fencyclopedia.example%2F")


def run() -> list[dict[str, object]]:
    """Requests a second and latency of both; `ratio` is ours to the baseline's throughput."""
    if shutil.which("wrk") is None:
        return [{"name": "homepage", "skipped": "wrk is not on PATH"}]
    settings = own_settings()
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        store = redis_server.service(place / "redis", settings.ports.redis)
        kafka = broker.service(settings.ports.kafka)
        with running(store, place / "redis.log"), running(kafka, place / "kafka.log"):
            _prepare(settings)
            with _served("baseline", settings) as url:
                baseline = _measure(url, ("/device-", ""), place)
            with _served("homepage", settings) as url:
                ours = _measure(url, _QUERY, place)
    ratio = round(ours["per_s"] / baseline["per_s"], 2)
    return [
        {
            "name": "homepage: known visitor, against FastAPI + one redis.get",
            "value": ours["per_s"],
            "unit": "requests/s",
            "baseline": baseline["per_s"],
            "ratio": ratio,
            "goal": ">= 8,000/s, >= 4x",
        },
        {
            "name": "homepage: p99 at 64 connections",
            "value": ours["p99_ms"],
            "unit": "ms",
            "baseline": baseline["p99_ms"],
            "goal": "< 15 ms",
        },
    ]


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
def _served(what: str, settings: Settings) -> Iterator[str]:
    """A server process of its own."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.benchmarks.bench_homepage", what],
        env={
            **os.environ,
            "FOOTFALL_KAFKA": settings.kafka,
            "FOOTFALL_REDIS_URL": settings.redis_url,
            "FOOTFALL_PORT_OFFSET": str(settings.ports.personalize - 8081),
        },
    )
    url = f"http://127.0.0.1:{settings.ports.personalize}"
    try:
        await_true(lambda: _is_healthy(url), 60, f"{what} serves")
        yield url
    finally:
        process.terminate()
        process.wait(30)


def _is_healthy(url: str) -> bool:
    try:
        urllib.request.urlopen(f"{url}/health", timeout=1).close()
    except OSError:
        return False
    return True


def _measure(url: str, path: tuple[str, str], place: Path) -> dict[str, float]:
    script = place / "ask.lua"
    script.write_text(_WRK_SCRIPT % path)
    for seconds in (2, SECONDS):  # the first warms up
        answer = subprocess.run(
            ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "-s", str(script), url],
            capture_output=True,
            text=True,
            check=True,
        )
    found = re.search(r"RESULT (\d+) (\d+) (\d+) (\d+) (\d+)", answer.stdout)
    if found is None:
        raise RuntimeError(f"wrk says: {answer.stdout}")
    requests, duration_us, p50_us, p99_us, refused = map(int, found.groups())
    if refused:
        raise RuntimeError(f"{refused} requests failed")
    per_s = round(requests / duration_us * 1_000_000)
    return {"per_s": per_s, "p50_ms": p50_us / 1000, "p99_ms": p99_us / 1000}


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
