"""What collector and homepage service say of themselves in their heartbeats."""

from __future__ import annotations

import time
from typing import cast

import pytest

from ingest.collector.metrics import Metrics as CollectorMetrics
from ingest.collector.producer import Producer
from ingest.collector.publish import Batch, Publisher
from ingest.collector.told import told
from personalize_api.decision.decisions import DecisionLog
from personalize_api.metrics import Metrics
from personalize_api.told import Telling
from schemas.heartbeat import ALONE, StageBeat


class Waiting:
    """A decision log of which Kafka has not acknowledged some."""

    waiting = 3

    def oldest_s(self) -> float:
        return 1.23456


def test_decisions_are_told_by_the_minute_for_an_hour(monkeypatch: pytest.MonkeyPatch) -> None:
    minute = 29_833_333
    monkeypatch.setattr(time, "time", lambda: minute * 60 + 5)
    metrics = Metrics()
    metrics.decided("classic")
    telling = Telling(metrics, cast(DecisionLog, Waiting()))
    metrics.decided("classic")
    metrics.decided("offers")
    metrics.degraded["redis"].inc()
    first = telling.told()
    assert (first.decisions, first.degraded) == ({minute: 2}, {minute: 1})
    assert first.stages == [StageBeat("personalize.decisions", ALONE, 3, 1.235)]

    metrics.decided("classic")
    assert telling.told().decisions == {minute: 3}
    monkeypatch.setattr(time, "time", lambda: (minute + 59) * 60)
    assert telling.told().decisions == {minute: 3}
    monkeypatch.setattr(time, "time", lambda: (minute + 60) * 60)
    metrics.decided("classic")
    assert telling.told().decisions == {minute + 60: 1}


def test_the_collector_tells_refusals_and_what_is_in_the_spool() -> None:
    metrics = CollectorMetrics()
    producer: Producer[Batch] = Producer("127.0.0.1:1")
    metrics.rejected.labels("too_large").inc(2)
    metrics.refused.labels("unknown_key").inc()
    metrics.spool_bytes.set(4096)
    said = told(Publisher(producer, metrics), metrics)
    assert said.refused == {"too_large": 2, "unknown_key": 1}
    assert said.spool_bytes == 4096
    assert said.stages == [StageBeat("collect.publish", ALONE, 0, 0.0)]
