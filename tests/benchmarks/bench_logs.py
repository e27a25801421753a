"""Log import: lines a second into a real broker and Redis, against a plain loop over lines.

Generated combined logs: `mixed` has the share of static files of the real log in
tests/integration (57 %), `pages` has nothing but pages. The baseline parses with one regular
expression a line and makes the same events, without publishing: what the import saves by parsing
whole blocks, though it does more.
"""

from __future__ import annotations

import random
import re
import tempfile
import time
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from infra.embedded import broker, redis_server
from ingest.collector.pseudonym import pseudonym
from ingest.logs.importer import ImportOptions, import_logs
from schemas.batch import encode_line
from schemas.event import Event
from schemas.ids import uuid5
from schemas.settings import Settings
from schemas.site import Site
from schemas.topics import RAW, REJECTED
from tests.servers import own_settings, running

LINES = 300_000
VISITORS = 20_000
GOAL = 150_000
ROUNDS = 3  # the best counts

_SITE = Site(name="Toyhouse", hosts=("toyhouse.example",))
_AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:{0}.0) Gecko/20100101 Firefox/{0}.0"
_LINE = re.compile(
    r'^(\S+) \S+ \S+ \[([^\]]+)\] "([A-Z]+) (\S+) HTTP/[\d.]+" (\d{3}) \S+ "([^"]*)" "([^"]*)"$'
)
_STATIC = re.compile(r"\.(?:css|js|png|jpg|gif|ico|woff2)(?:\?|$)")


def run() -> list[dict[str, object]]:
    """Lines a second of each kind of log; `ratio` is to the plain loop over the same file."""
    settings = own_settings()
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        store = redis_server.service(place / "redis", settings.ports.redis)
        kafka = broker.service(settings.ports.kafka)
        with running(store, place / "redis.log"), running(kafka, place / "kafka.log") as process:
            _create_topics(settings)
            results = [
                _measure(kind, _written(place / f"{kind}.log", static), settings)
                for kind, static in (("mixed", 0.57), ("pages", 0.0))
            ]
            process.kill()  # told politely it waits 5 s for its clients
    return results


def _measure(kind: str, path: Path, settings: Settings) -> dict[str, object]:
    baseline_s = seconds = cpu_s = float("inf")
    for _ in range(ROUNDS):
        started = time.perf_counter()
        events = _plain_loop(path)
        baseline_s = min(baseline_s, time.perf_counter() - started)
        used = time.process_time()
        summary = import_logs([path], ImportOptions(), settings, _SITE, lambda done, total: None)
        cpu_s = min(cpu_s, time.process_time() - used)
        seconds = min(seconds, summary.seconds)
        assert (summary.lines, summary.events) == (LINES, events), summary
    return {
        "name": f"import-logs: {kind}, against a plain loop that publishes nothing",
        "value": round(LINES / seconds),
        "unit": "lines/s",
        "baseline": round(LINES / baseline_s),
        "ratio": round(baseline_s / seconds, 2),
        "goal": f">= {GOAL:,}/s",
        "lines": LINES,
        "events": events,
        "cpu_us_per_line": round(cpu_s / LINES * 1e6, 1),
    }


def _plain_loop(path: Path) -> int:
    """Events made one line after the other; none is published."""
    events = 0
    equal: Counter[str] = Counter()
    with path.open(encoding="utf-8") as file:
        for raw in file:
            line = raw.rstrip("\n")
            match = _LINE.match(line)
            if match is None or match[3] != "GET" or _STATIC.search(match[4]):
                continue
            at = datetime.strptime(match[2], "%d/%b/%Y:%H:%M:%S %z").timestamp()
            event = Event(
                event_id=uuid5("log", _SITE.name, line, equal[line]),
                event_time=int(at * 1000),
                received_at=int(at * 1000),
                type="page",
                name="Page Viewed",
                protocol="log",
                device_id=pseudonym(b"salt", _SITE.name, match[1], match[7]),
                url=f"https://toyhouse.example{match[4]}",
                referrer=match[6],
                user_agent=match[7],
                http_status=int(match[5]),
            )
            equal[line] += 1
            events += bool(encode_line(event))
    return events


def _written(path: Path, static: float) -> Path:
    chance = random.Random(7)
    visitors = [
        (
            f"203.0.{chance.randrange(256)}.{chance.randrange(256)}",
            _AGENT.format(chance.randrange(90, 130)),
        )
        for _ in range(VISITORS)
    ]
    with path.open("w", encoding="utf-8") as file:
        for number in range(LINES):
            # Some 60 visitors are there at a time; each leaves about 15 lines.
            address, agent = visitors[(number // 15 + chance.randrange(60)) % VISITORS]
            at = datetime.fromtimestamp(1_750_000_000 + number // 20, UTC)
            page = f"/p/{chance.randrange(5000)}?ref={number % 97}"
            target = f"/static/{number % 400}.png" if chance.random() < static else page
            file.write(
                f'{address} - - [{at:%d/%b/%Y:%H:%M:%S +0000}] "GET {target} HTTP/1.1" 200 '
                f'{chance.randrange(90_000)} "https://toyhouse.example{page}" "{agent}"\n'
            )
    return path


def _create_topics(settings: Settings) -> None:
    admin = AdminClient({"bootstrap.servers": settings.kafka})
    topics = [NewTopic(topic.name, topic.partitions, 1) for topic in (RAW, REJECTED)]
    for created in admin.create_topics(topics).values():
        created.result()


if __name__ == "__main__":
    for result in run():
        print(result)  # noqa: T201
