"""Kafka away: 503 with Retry-After within bounded time and memory, and everything works again."""

from __future__ import annotations

import time
from contextlib import ExitStack
from pathlib import Path

import msgspec
import pytest

from infra.embedded import broker
from infra.topics import create_topics
from schemas.click_link import link
from schemas.settings import Settings
from tests.collector_service import SITE, Collector, collecting
from tests.processes import await_true
from tests.servers import own_settings, running

SHOP = "https://toyhouse.example/"
TRACK = {"event": "Product Added", "userId": "u"}


@pytest.fixture
def own(redis_url: str) -> Settings:
    """Settings of a broker that the test starts and stops by itself."""
    settings = own_settings()
    return msgspec.structs.replace(settings, redis_url=redis_url)


def _port(settings: Settings) -> int:
    return int(settings.kafka.rpartition(":")[2])


def test_while_kafka_is_away_the_answer_is_503_and_afterwards_it_works_again(
    own: Settings, tmp_path: Path
) -> None:
    service = broker.service(_port(own))
    with ExitStack() as stack:
        with running(service, tmp_path / "first"):
            collector = stack.enter_context(collecting(own, SITE))
            assert collector.post("/v1/track", TRACK).status == 200
        _is_refused_while_kafka_is_away(collector)
        await_true(lambda: _lost(collector) == {"/r", "/pixel.gif"}, 10, "the loss is counted")
        stack.enter_context(running(service, tmp_path / "second"))
        create_topics(own, SITE)
        _works_again(collector)


def _is_refused_while_kafka_is_away(collector: Collector) -> None:
    started = time.monotonic()
    _who_clicks_arrives_and_who_reads_sees_no_broken_image(collector)
    answer = collector.post("/v1/track", TRACK)
    assert answer.status == 503
    assert int(answer.headers["retry-after"]) > 0
    assert set(answer.json) == {"code", "message"}
    assert time.monotonic() - started < 15
    assert collector.ask("GET", "/health").status == 200
    assert collector.ask("GET", "/ready").status == 503


def _who_clicks_arrives_and_who_reads_sees_no_broken_image(collector: Collector) -> None:
    started = time.monotonic()
    clicked = collector.ask("GET", link("", SHOP, own_settings().secret_key))
    assert (clicked.status, clicked.headers["location"]) == (302, SHOP)
    assert collector.ask("GET", "/pixel.gif?key=pk_demo").body[:6] == b"GIF89a"
    assert time.monotonic() - started < 5


def _lost(collector: Collector) -> set[str]:
    """Paths of what was answered, and then taken neither by Kafka nor by the spool."""
    metrics = collector.ask("GET", "/metrics").body.decode()
    return {path for path in ("/r", "/pixel.gif") if f'lost_total{{path="{path}"}} 1.0' in metrics}


def _works_again(collector: Collector) -> None:
    deadline = time.monotonic() + 30
    while collector.post("/v1/track", TRACK).status != 200:
        assert time.monotonic() < deadline, "the collector did not recover"
    for _ in range(5):
        assert collector.post("/v1/track", TRACK).status == 200
