"""Metrics of several processes on one port are told as one."""

from __future__ import annotations

from pathlib import Path

from prometheus_client import CollectorRegistry, Histogram, generate_latest

from personalize_api.metrics import Metrics
from personalize_api.tallies import Durations
from personalize_api.worker import Worker, retire


def value(metrics: Metrics, line: str) -> float:
    found = [x for x in metrics.exposition().decode().splitlines() if x.startswith(line + " ")]
    assert len(found) == 1, found
    return float(found[0].rpartition(" ")[2])


def test_counts_are_added_and_what_is_the_same_everywhere_is_not(tmp_path: Path) -> None:
    one, two = (Metrics(Worker(tmp_path, number)) for number in (0, 1))
    for metrics, decisions in ((one, 3), (two, 4)):
        for _ in range(decisions):
            metrics.decided("classic")
            metrics.latency.observe(0.001)
        metrics.waiting.set(decisions)
        metrics.alerts([("lag", "warning", "lag/x")])
        metrics.exposition()
    for metrics in (one, two):
        assert value(metrics, 'footfall_homepage_decisions_total{variant="classic"}') == 7
        assert value(metrics, "footfall_homepage_seconds_count") == 7
        assert value(metrics, 'footfall_homepage_seconds_bucket{le="+Inf"}') == 7
        assert value(metrics, "footfall_decisions_waiting") == 7
        alert = 'footfall_alert_active{kind="lag",severity="warning",subject="lag/x"}'
        assert value(metrics, alert) == 1


def test_what_a_dead_worker_has_counted_stays_and_what_it_held_does_not(tmp_path: Path) -> None:
    line = 'footfall_homepage_decisions_total{variant="classic"}'
    for pid in (100, 101, 102):
        dead = Metrics(Worker(tmp_path, 0))
        dead.decided("classic")
        dead.waiting.set(5)
        dead.exposition()
        retire(tmp_path, 0, pid)
        assert value(Metrics(Worker(tmp_path, 1)), "footfall_decisions_waiting") == 0
    retire(tmp_path, 0, 103)  # one that died before it wrote
    alive = Metrics(Worker(tmp_path, 0))
    alive.decided("classic")
    assert value(alive, line) == 4
    assert value(alive, "footfall_decisions_waiting") == 0
    assert len(list(tmp_path.glob("*.gone"))) == 1


def test_one_process_alone_tells_its_own() -> None:
    metrics = Metrics()
    metrics.decided("classic")
    assert value(metrics, 'footfall_homepage_decisions_total{variant="classic"}') == 1


def test_durations_are_told_as_a_histogram_of_the_library_tells_them() -> None:
    bounds = (0.001, 0.01, 1)
    ours, theirs = CollectorRegistry(), CollectorRegistry()
    durations = Durations("seconds", "How long", bounds, ours)
    histogram = Histogram("seconds", "How long", buckets=bounds, registry=theirs)
    for seconds in (0.0, 0.0005, 0.001, 0.002, 0.01, 0.5, 1, 1.5):
        durations.observe(seconds)
        histogram.observe(seconds)

    lines = generate_latest(theirs).decode().splitlines()

    told = [line for line in lines if "_created" not in line]
    assert generate_latest(ours).decode().splitlines() == told
