"""SIGTERM: what was answered stands in Kafka, and what was being answered still is."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
import urllib.error
from pathlib import Path

from infra.topics import create_topics
from schemas.settings import Settings
from tests.collector_service import SITE, Collector, with_free_ports
from tests.processes import environment_of

TRACK = {"type": "track", "event": "Product Added", "userId": "u"}
_SERVE = """
import os
from ingest.collector.app import serve
from schemas.settings import Settings
from schemas.current_site import CurrentSite
from tests.collector_service import SITE
serve(Settings.from_environment(os.environ), CurrentSite(SITE))
"""


def test_no_answered_event_is_lost_when_it_is_stopped_under_load(
    addresses: Settings, kafka_address: str, redis_url: str, tmp_path: Path
) -> None:
    create_topics(addresses, SITE)
    own = with_free_ports(addresses)
    collector = Collector(own)
    answered: list[int] = []

    def send() -> None:
        while True:
            try:
                answer = collector.post("/v1/batch", {"batch": [TRACK] * 10})
            except (OSError, urllib.error.URLError):
                return
            answered.append(answer.status)

    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-c", _SERVE],
            env=environment_of(own),
            stderr=log,
        )
    try:
        _await_health(collector)
        senders = [threading.Thread(target=send) for _ in range(8)]
        for sender in senders:
            sender.start()
        time.sleep(1)
        process.send_signal(signal.SIGTERM)
        for sender in senders:
            sender.join(30)
        process.wait(30)
    finally:
        process.kill()
        process.wait()
    assert answered.count(200) > 0
    assert set(answered) <= {200, 503}
    assert len(collector.events()) >= 10 * answered.count(200)
    collector.close()


def _await_health(collector: Collector) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            assert collector.ask("GET", "/health").status == 200
            return
        except OSError:
            assert time.monotonic() < deadline, "the collector did not start"
            time.sleep(0.05)
