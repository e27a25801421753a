"""Every metric of the personalization API: its name and what it means."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

from personalize_api.tallies import Durations, Tally
from personalize_api.worker import WRITE_EVERY_S, Worker
from schemas.current_site import CurrentSite

_LATENCY_S = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.015, 0.025, 0.05, 0.1, 0.25)
CONTENT_TYPE = CONTENT_TYPE_LATEST

_SUMMED = frozenset({"footfall_decisions_waiting", "footfall_live_viewers"})
"""Gauges of which each worker has its own part; the others say the same in each."""

CAUSES = ("deadline", "redis", "garbage", "bug")


class Metrics:
    """One registry an application, so that several may live in one process."""

    def __init__(self, worker: Worker | None = None) -> None:
        self._worker = worker
        self.registry = CollectorRegistry()
        self.latency = Durations(
            "footfall_homepage_seconds",
            "From the request read to the decision ready",
            _LATENCY_S,
            self.registry,
        )
        self._refused = self._counter(
            "footfall_homepage_refused", "Homepage requests answered with an error", ["code"]
        )
        self._degraded = self._counter(
            "footfall_homepage_degraded",
            "Decisions made without the visitor's state: deadline passed, redis failed, "
            "garbage under the key, or a bug of ours",
            ["cause"],
        )
        self.degraded = {cause: self._degraded.labels(cause) for cause in CAUSES}
        self._variants = Tally(
            "footfall_homepage_decisions", "Decisions by variant", "variant", self.registry
        )
        self.lookup_batches = self._counter(
            "footfall_lookup_batches", "Round trips to Redis for visitors' states"
        )
        self.lookup_keys = self._counter("footfall_lookup_keys", "Keys asked for in them")
        self.pick_seconds = Histogram(
            "footfall_picks_seconds",
            "Choosing the picks of one answer",
            registry=self.registry,
            buckets=_LATENCY_S,
        )
        popular = self._counter(
            "footfall_picks_popular",
            "Answers with popular products because picks came too late, or by a bug of ours",
            ["cause"],
        )
        self.picks_popular = {cause: popular.labels(cause) for cause in ("deadline", "bug")}
        self.published = self._counter(
            "footfall_decisions_published", "Decisions acknowledged by Kafka"
        )
        self.dropped = self._counter(
            "footfall_decisions_dropped", "Decisions lost because Kafka was away for too long"
        )
        self.waiting = Gauge(
            "footfall_decisions_waiting",
            "Decisions not yet acknowledged by Kafka",
            registry=self.registry,
        )
        self.oldest_decision = Gauge(
            "footfall_decisions_oldest_seconds",
            "Age of the oldest decisions that Kafka has not acknowledged; 0 where all are",
            registry=self.registry,
        )
        self.viewers = Gauge(
            "footfall_live_viewers", "Open /v1/live streams", registry=self.registry
        )
        self.viewers_dropped = self._counter(
            "footfall_live_viewers_dropped", "Viewers let go because they read nothing"
        )
        self.live_seconds = Histogram(
            "footfall_live_seconds",
            "Putting the live view together and encoding it, once for all viewers",
            registry=self.registry,
        )
        self.funnel_seconds = Histogram(
            "footfall_live_funnels_seconds",
            "Reading and adding up the live funnels once",
            registry=self.registry,
        )

        self._site_error = Gauge(
            "footfall_site_file_error",
            "1 while the site file holds something else than what is in use",
            registry=self.registry,
        )
        self._site_since = Gauge(
            "footfall_site_since_seconds",
            "Since when this version of the site file is in use, as a Unix time",
            ["digest"],
            registry=self.registry,
        )

        self._alert_active = Gauge(
            "footfall_alert_active",
            "1 for each alert of /v1/alerts that is active, the same in every process; "
            "subject: funnel/NAME/STEP, lag/STAGE, silent/SERVICE, rejected, degraded, spool",
            ["kind", "severity", "subject"],
            registry=self.registry,
        )
        self.alerts_evaluated = Gauge(
            "footfall_alerts_evaluated_seconds",
            "When alerts were last evaluated, by whichever process, as a Unix time",
            registry=self.registry,
        )
        self.webhooks = self._counter(
            "footfall_alert_webhooks",
            "Webhooks by outcome of an attempt: delivered, failed (tried again), given_up",
            ["outcome"],
        )
        for outcome in ("delivered", "failed", "given_up"):
            self.webhooks.labels(outcome)

    def alerts(self, active: Iterable[tuple[str, str, str]]) -> None:
        """(kind, severity, subject) of each."""
        self._alert_active.clear()
        for labels in active:
            self._alert_active.labels(*labels).set(1)

    def follow(self, site: CurrentSite) -> None:
        """Which site file is in use, and whether what stands there now is."""

        def taken(_: object) -> None:
            self._site_since.clear()
            self._site_since.labels(site.digest).set(site.since_ms / 1000)

        self._site_error.set_function(lambda: float(bool(site.error)))
        site.subscribe(taken)
        taken(None)

    def _counter(self, name: str, meaning: str, labels: list[str] | None = None) -> Counter:
        return Counter(name, meaning, labels or [], registry=self.registry)

    def refused(self, code: str) -> None:
        self._refused.labels(code).inc()

    def decided(self, variant: str) -> None:
        """Variants come from the site file, so their number is bounded."""
        self._variants.by_label[variant] += 1

    def decided_so_far(self) -> tuple[int, int]:
        """(decisions, those of them that were degraded)."""
        return self._variants.total, _total(self._degraded)

    def exposition(self) -> bytes:
        """Of all workers where there are several."""
        if self._worker is None:
            return generate_latest(self.registry)
        self._worker.write(self.registry)
        return generate_latest(self._worker.all_workers(_SUMMED))

    async def share(self) -> None:
        """Tells other workers once a second, until it is cancelled; without others it returns."""
        while self._worker is not None:
            self._worker.write(self.registry)
            await asyncio.sleep(WRITE_EVERY_S)


def _total(counter: Counter) -> int:
    samples = [sample for metric in counter.collect() for sample in metric.samples]
    return int(sum(sample.value for sample in samples if sample.name.endswith("_total")))
