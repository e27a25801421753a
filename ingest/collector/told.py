"""What the collector says of itself in its heartbeat."""

from __future__ import annotations

from prometheus_client import Counter

from ingest.collector.metrics import Metrics
from ingest.collector.publish import Publisher
from schemas.heartbeat import ALONE, StageBeat, Told

STAGE = "collect.publish"


def told(publisher: Publisher, metrics: Metrics) -> Told:
    """Refusals by reason, of events, and by code, of whole requests; both since the start."""
    waiting = StageBeat(STAGE, ALONE, publisher.waiting, round(publisher.oldest_s(), 3))
    refused = {**_by_label(metrics.refused), **_by_label(metrics.rejected)}
    (spool,) = metrics.spool_bytes.collect()
    return Told(stages=[waiting], refused=refused, spool_bytes=int(spool.samples[0].value))


def _by_label(counter: Counter) -> dict[str, int]:
    samples = [sample for metric in counter.collect() for sample in metric.samples]
    return {
        next(iter(sample.labels.values())): int(sample.value)
        for sample in samples
        if sample.name.endswith("_total")
    }
