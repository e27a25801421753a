"""History told twice, to two collectors, is the same events: those without consent included."""

from __future__ import annotations

import time

import redis

from schemas.ids import is_pseudonym
from schemas.settings import Settings
from tests.collector_service import SERVER_KEY, Collector, _running, collecting, collector

__all__ = ["_running", "collector"]

REFUSED = {"consent": "denied", "ip": "203.0.113.9", "userAgent": "Safari"}
BATCH = {
    "historical_migration": True,
    "batch": [
        {"type": "track", "event": "E", "timestamp": f"2026-06-0{day}T12:00:00Z", **who}
        for day in (1, 2)
        for who in ({"anonymousId": "known"}, {"context": REFUSED})
    ],
}


def test_history_told_to_another_collector_is_the_same_events(
    addresses: Settings, kafka_address: str, redis_url: str
) -> None:
    told = []
    for _ in range(2):
        with collecting(addresses) as collector:
            assert collector.post("/v1/batch", BATCH).status == 200
            told.append(collector.events())
    first, again = ({event.event_id: event for event in events} for events in told)
    assert first == again
    assert len(first) == 4
    pseudonyms = [e.device_id for e in told[0] if is_pseudonym(e.device_id)]
    assert len(set(pseudonyms)) == 2  # a day each


def test_salts_of_history_are_deleted_some_day(collector: Collector, redis_url: str) -> None:
    collector.post("/v1/import", BATCH, SERVER_KEY)
    life_ms = redis.Redis.from_url(redis_url).pttl("ff:salt:import:2026-06-01")
    assert isinstance(life_ms, int)
    assert 0 < life_ms <= 400 * 86_400_000


def test_a_page_makes_no_salts(collector: Collector, redis_url: str) -> None:
    batch = {**BATCH, "writeKey": "pk_demo"}
    page = {"Origin": "https://toyhouse.example"}
    day = time.strftime("2001-%m-%d")
    batch["batch"] = [{"type": "track", "event": "E", "anonymousId": "d", "timestamp": day}]
    assert collector.post("/v1/batch", batch, page).status == 200
    assert [r.reason for r in collector.rejected()] == ["needs_server_key"]
    assert redis.Redis.from_url(redis_url).get(f"ff:salt:import:{day}") is None


def test_the_word_is_in_the_openapi_document(collector: Collector) -> None:
    shapes = collector.ask("GET", "/openapi.json").json["components"]["schemas"]
    described = shapes["Batch"]["properties"]["historical_migration"]
    assert "server key" in str(described)
