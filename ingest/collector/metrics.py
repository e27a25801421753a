"""Every metric of the collector: its name and what it means."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector
from prometheus_client.core import CounterMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector


class Tally(Collector):
    """A counter for the hot path: `by_label[value] += n` is all it costs there.

    Belongs to the event loop's thread, so it needs no lock, which is most of a Counter's cost.
    """

    def __init__(self, name: str, about: str, label: str, registry: CollectorRegistry) -> None:
        self._name, self._about, self._label = name, about, label
        self.by_label: defaultdict[str, int] = defaultdict(int)
        registry.register(self)

    def collect(self) -> Iterator[Metric]:
        family = CounterMetricFamily(self._name, self._about, labels=[self._label])
        for value, count in self.by_label.items():
            family.add_metric([value], count)
        yield family


class Metrics:
    """One set an application, in a registry of its own."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        self.events = Tally(
            "footfall_collector_events", "Events taken: they are durable", "protocol", registry
        )
        self.rejected = Counter(
            "footfall_collector_rejected",
            "Events that went to footfall.rejected",
            ["reason"],
            registry=registry,
        )
        self.refused = Counter(
            "footfall_collector_refused_requests",
            "Requests of which nothing was taken; answered with an error, images with an image",
            ["code"],
            registry=registry,
        )
        self.unacknowledged = Counter(
            "footfall_collector_unacknowledged",
            "Events that neither Kafka nor the spool took; their requests were answered 503",
            registry=registry,
        )
        self.lost = Counter(
            "footfall_collector_lost",
            "Opened letters and clicked links that neither Kafka nor the spool took: whoever asked "
            "has got the image, or went on, all the same",
            ["path"],
            registry=registry,
        )
        self.buffered_events = Gauge(
            "footfall_collector_buffered_events",
            "Events taken and not yet acknowledged by Kafka",
            registry=registry,
        )
        self.spooled = Counter(
            "footfall_collector_spooled",
            "Events that went to the spool, since Kafka did not take them",
            registry=registry,
        )
        self.resent = Counter(
            "footfall_collector_resent",
            "Events of the spool that Kafka has acknowledged; more where some were sent again",
            registry=registry,
        )
        self.spool_bytes = Gauge(
            "footfall_collector_spool_bytes",
            "What waits in the spool, of all collectors that share it",
            registry=registry,
        )
        self.oldest_seconds = Gauge(
            "footfall_collector_oldest_seconds",
            "Age of the oldest event that Kafka has not acknowledged; 0 where all are",
            registry=registry,
        )
        self.record_events = Histogram(
            "footfall_collector_record_events",
            "Events in one Kafka record",
            buckets=(1, 2, 5, 10, 20, 50, 100, 200, 500),
            registry=registry,
        )
        self.publish_seconds = Histogram(
            "footfall_collector_publish_seconds",
            "From handing a record to the Kafka client to its acknowledgement",
            buckets=(0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5),
            registry=registry,
        )
