"""The site's retention is the tables' TTL: set once, changed with the site file, seen at work."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator

import pytest

from infra.doctor import examine
from schemas.event import EnrichedEvent, Rejected
from schemas.settings import Settings
from schemas.site import Retention, Site
from sinks.clickhouse.retention import apply_retention
from sinks.clickhouse.rows import EVENTS, REJECTED
from tests.servers import own_settings
from tests.sink_world import DAY, Store, event, new_device, own_clickhouse, store

KEPT = Retention(events_ms=400 * DAY, kafka_ms=35 * DAY)
TABLES = ("events_stored", "decisions_stored", "rejected_stored", "corrections_stored")


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Settings, Store]]:
    settings = own_settings()
    with own_clickhouse(settings, tmp_path_factory.mktemp("kept")), store(settings) as opened:
        yield settings, opened


def test_it_is_set_once_seen_by_doctor_and_changes_with_the_site_file(
    opened: tuple[Settings, Store],
) -> None:
    settings, _ = opened
    assert "run: footfall migrate" in said_by_doctor(settings, KEPT)
    assert apply_retention(settings.clickhouse, KEPT) == [f"retention of {t}" for t in TABLES]
    assert apply_retention(settings.clickhouse, KEPT) == []
    assert said_by_doctor(settings, KEPT) == "events 400 days in ClickHouse, 35 in Kafka"

    longer = Retention(events_ms=800 * DAY, kafka_ms=35 * DAY)
    assert "events_stored" in said_by_doctor(settings, longer)
    assert "retention of events_stored" in apply_retention(settings.clickhouse, longer)
    assert apply_retention(settings.clickhouse, longer) == []


def test_what_is_older_goes_and_history_that_was_told_today_stays(
    opened: tuple[Settings, Store],
) -> None:
    settings, rows = opened
    apply_retention(settings.clickhouse, KEPT)
    now, device = int(time.time() * 1000), new_device()

    def received(days_ago: int, protocol: str) -> EnrichedEvent:
        moment = now - days_ago * DAY
        return event(device, event_time=moment, received_at=moment, protocol=protocol)

    rows.put(
        EVENTS,
        received(403, "beacon"),
        received(399, "beacon"),
        received(2000, "log"),
        received(3000, "import"),
        event(device, event_time=now - 500 * DAY, received_at=now, protocol="segment"),
    )
    for days_ago in (403, 399):
        rows.put(REJECTED, refusal(now - days_ago * DAY))
    for table in ("events_stored", "rejected_stored"):
        rows.ask(f"OPTIMIZE TABLE {table} FINAL")
    kept = rows.ask(
        "SELECT protocol, dateDiff('day', received_at, now()) FROM events_stored ORDER BY 2"
    )
    assert kept == [("segment", 0), ("beacon", 399), ("log", 2000), ("import", 3000)]
    assert rows.ask("SELECT dateDiff('day', rejected_at, now()) FROM rejected_stored") == [(399,)]


def refusal(at_ms: int) -> Rejected:
    return Rejected(rejected_id=str(uuid.uuid4()), rejected_at=at_ms, reason="invalid_event")


def said_by_doctor(settings: Settings, retention: Retention) -> str:
    site = Site(name="Toyhouse", retention=retention)
    checks = examine(settings, lambda: site)
    return next(check.state for check in checks if check.what == "retention")
