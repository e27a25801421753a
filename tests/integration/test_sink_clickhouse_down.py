"""ClickHouse is away: the sink waits, says so, and loses nothing."""

from __future__ import annotations

from pathlib import Path

from schemas.topics import EVENTS
from sinks.clickhouse.migrate import migrate
from tests.processes import await_true
from tests.servers import own_settings
from tests.sink_world import (
    await_count,
    event,
    lines,
    new_device,
    own_broker,
    own_clickhouse,
    sink,
    store,
)

COUNT = "SELECT count() FROM events"


def test_nothing_is_lost_while_clickhouse_is_away_and_ready_tells(tmp_path: Path) -> None:
    settings, device = own_settings(), new_device()
    with own_broker(settings, tmp_path / "broker.log") as topics, sink(settings) as status:
        await_true(lambda: "clickhouse:" in status.waits_for, 30, "the sink misses ClickHouse")
        with own_clickhouse(settings, tmp_path):
            migrate(settings.clickhouse)
            topics.send(EVENTS, lines(event(device, at) for at in range(100)))
            with store(settings) as opened:
                await_count(opened, COUNT, 100)
                assert status.waits_for == ""
        topics.send(EVENTS, lines(event(device, at) for at in range(100, 200)))
        await_true(lambda: "clickhouse:" in status.waits_for, 30, "the sink misses ClickHouse")
        topics.send(EVENTS, lines(event(device, at) for at in range(200, 300)))
        with own_clickhouse(settings, tmp_path), store(settings) as opened:
            await_count(opened, COUNT, 300)
            await_true(lambda: status.waits_for == "", 30, "ready again")


def test_a_stop_while_clickhouse_is_away_is_quick_and_the_next_run_delivers(
    tmp_path: Path,
) -> None:
    settings, device = own_settings(), new_device()
    with own_broker(settings, tmp_path / "broker.log") as topics:
        with own_clickhouse(settings, tmp_path):
            migrate(settings.clickhouse)
            with sink(settings) as status:
                await_true(lambda: status.waits_for == "", 30, "ready")
                topics.send(EVENTS, lines([event(device, 0)]))
                with store(settings) as opened:
                    await_count(opened, COUNT, 1)
        with sink(settings):  # its end asserts that it stops
            topics.send(EVENTS, lines([event(device, 1)]))
        with own_clickhouse(settings, tmp_path), store(settings) as opened, sink(settings):
            await_count(opened, COUNT, 2)
