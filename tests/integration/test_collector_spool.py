"""Kafka away and a spool there: 200 means on the disk, and each event reaches Kafka exactly as it
was, though the collector is killed meanwhile.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from subprocess import Popen

import httpx
import msgspec
import pytest

from infra.embedded import broker
from infra.topics import create_topics
from ingest.collector.spool import Spool
from schemas.click_link import link
from schemas.settings import Settings
from schemas.topics import RAW
from tests.collector_service import SITE, Arrivals
from tests.processes import await_true, footfall
from tests.servers import own_settings, running

SERVER_KEY = {"Authorization": "Bearer sk_demo"}


@pytest.fixture
def own(redis_url: str) -> Settings:
    """Settings of a broker of the test's own."""
    return msgspec.structs.replace(own_settings(), redis_url=redis_url)


@pytest.fixture
def kafka(own: Settings, tmp_path: Path) -> Iterator[Popen[bytes]]:
    port = int(own.kafka.rpartition(":")[2])
    with running(broker.service(port), tmp_path / "broker") as process:
        yield process
        os.kill(process.pid, signal.SIGCONT)
        process.kill()


def post(own: Settings, number: int) -> int:
    """Each by another protocol than the one before."""
    name, who, own_id = "Product Added", "u", f"message {number}"
    path, body = [
        ("/v1/track", {"event": name, "userId": who, "messageId": own_id}),
        ("/batch/", {"event": name, "distinct_id": who, "uuid": own_id}),
        ("/com.snowplowanalytics.snowplow/tp2", {"data": [{"e": "pv", "uid": who, "eid": own_id}]}),
    ][number % 3]
    url = own.url(own.ports.collect) + str(path)
    return httpx.post(url, json=body, headers=SERVER_KEY, timeout=30, trust_env=False).status_code


def await_ready(own: Settings) -> None:
    def answers() -> bool:
        try:
            return httpx.get(
                f"{own.url(own.ports.collect)}/ready", timeout=10, trust_env=False
            ).is_success
        except httpx.TransportError:
            return False

    await_true(answers, 30, "the collector is ready")


def _a_letter_is_opened_and_clicked(own: Settings) -> None:
    """Both answers wait for the disk, so what they tell is there when they come."""
    collector = own.url(own.ports.collect)
    shop = "https://toyhouse.example/"
    opened = httpx.get(f"{collector}/pixel.gif?key=pk_demo", timeout=30, trust_env=False)
    clicked = httpx.get(link(collector, shop, own.secret_key), timeout=30, trust_env=False)
    assert "footfall-refused" not in opened.headers
    assert clicked.headers["location"] == shop


def test_what_was_answered_while_kafka_stood_still_arrives_after_a_kill(
    own: Settings, kafka: Popen[bytes], tmp_path: Path
) -> None:
    create_topics(own, SITE)
    arrivals = Arrivals(own.kafka, RAW)
    spool, log = tmp_path / "spool", tmp_path / "collect"
    with footfall("collect", own, log, FOOTFALL_SPOOL=str(spool)) as collector:
        await_ready(own)
        assert post(own, 0) == 200
        os.kill(kafka.pid, signal.SIGSTOP)
        assert [post(own, number) for number in (1, 2, 3)] == [200] * 3
        assert Spool(spool).size() > 0
        began = time.monotonic()
        assert post(own, 4) == 200
        assert time.monotonic() - began < 3, "Kafka is known to be away: nobody waits for it"
        _a_letter_is_opened_and_clicked(own)
        await_ready(own)
        collector.kill()
        collector.wait()
    os.kill(kafka.pid, signal.SIGCONT)
    with footfall("collect", own, log, FOOTFALL_SPOOL=str(spool)):
        await_ready(own)
        await_true(lambda: not Spool(spool).size(), 30, "the spool is sent")
        assert post(own, 5) == 200
        assert list(spool.iterdir()) == []
    lines = [msgspec.json.decode(line) for line in arrivals.lines()]
    found = [line for line in lines if line["kind"] == "event"]
    assert len({event["event_id"] for event in found}) == 8
    assert {"Email Opened", "Link Clicked"} <= {event["name"] for event in found}
    arrivals.close()


def test_with_a_disk_that_takes_nothing_the_answer_is_503(
    own: Settings, kafka: Popen[bytes], tmp_path: Path
) -> None:
    create_topics(own, SITE)
    spool = tmp_path / "spool"
    with footfall("collect", own, tmp_path / "collect", FOOTFALL_SPOOL=str(spool)):
        await_ready(own)
        spool.rmdir()
        os.kill(kafka.pid, signal.SIGSTOP)
        assert post(own, 1) == 503
        spool.mkdir()
        assert post(own, 1) == 200
