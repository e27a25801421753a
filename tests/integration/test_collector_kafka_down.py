"""Kafka away: 503 with Retry-After within bounded time and memory, and everything works again."""

from __future__ import annotations

import time
from contextlib import ExitStack
from pathlib import Path

import pytest

from infra.embedded import broker
from infra.topics import create_topics
from schemas.settings import Settings
from tests.collector_service import SITE, Collector, collecting
from tests.servers import own_settings, running

TRACK = {"event": "Product Added", "userId": "u"}


@pytest.fixture
def own(redis_url: str) -> Settings:
    """Settings of a broker that the test starts and stops by itself."""
    settings = own_settings()
    environment = {"FOOTFALL_KAFKA": settings.kafka, "FOOTFALL_REDIS_URL": redis_url}
    return Settings.from_environment(environment)


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
        stack.enter_context(running(service, tmp_path / "second"))
        create_topics(own, SITE)
        _works_again(collector)


def _is_refused_while_kafka_is_away(collector: Collector) -> None:
    started = time.monotonic()
    answer = collector.post("/v1/track", TRACK)
    assert answer.status == 503
    assert int(answer.headers["retry-after"]) > 0
    assert set(answer.json) == {"code", "message"}
    assert time.monotonic() - started < 15
    assert collector.ask("GET", "/health").status == 200
    assert collector.ask("GET", "/ready").status == 503


def _works_again(collector: Collector) -> None:
    deadline = time.monotonic() + 30
    while collector.post("/v1/track", TRACK).status != 200:
        assert time.monotonic() < deadline, "the collector did not recover"
    for _ in range(5):
        assert collector.post("/v1/track", TRACK).status == 200
