"""What the sink says about itself: every metric with its meaning, and whether it is ready."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

_SECONDS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 3.0, 5.0, 10.0, 30.0, 60.0, 300.0)


class SinkStatus:
    """Shared by the writer, which sets it, and by who serves /ready and /metrics."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.rows = Counter(
            "footfall_sink_rows_total",
            "Rows ClickHouse took; a redelivered row counts again",
            ["table"],
            registry=self.registry,
        )
        self.blocks = Counter(
            "footfall_sink_blocks_total",
            "Blocks delivered completely",
            registry=self.registry,
        )
        self.block_seconds = Histogram(
            "footfall_sink_block_seconds",
            "Time to deliver a block: insert, and publish rejections",
            buckets=_SECONDS,
            registry=self.registry,
        )
        self.freshness_seconds = Histogram(
            "footfall_sink_freshness_seconds",
            "From the Kafka timestamp of a block's first record until the block was stored",
            buckets=_SECONDS,
            registry=self.registry,
        )
        self.rejected = Counter(
            "footfall_sink_rejected_total",
            "Lines refused by the sink, by reason; they are in footfall.rejected",
            ["reason"],
            registry=self.registry,
        )
        self.retries = Counter(
            "footfall_sink_retries_total",
            "Attempts that failed because a server was away, by server",
            ["server"],
            registry=self.registry,
        )
        self.lag = Gauge(
            "footfall_sink_lag_records",
            "Records in a partition that the sink has not taken yet",
            ["topic", "partition"],
            registry=self.registry,
        )
        self.ready = Gauge(
            "footfall_sink_ready", "1 when nothing is known to be wrong", registry=self.registry
        )
        self._problems = {"clickhouse": "not connected yet", "kafka": "not connected yet"}

    @property
    def is_ready(self) -> bool:
        return not self._problems

    @property
    def problem(self) -> str:
        """What keeps the sink from working; '' where nothing does."""
        return "; ".join(f"{server}: {problem}" for server, problem in self._problems.items())

    def works(self, server: str) -> None:
        self._problems = {s: text for s, text in self._problems.items() if s != server}
        self.ready.set(self.is_ready)

    def fails(self, server: str, problem: str) -> None:
        self._problems = {**self._problems, server: problem}
        self.retries.labels(server).inc()
        self.ready.set(0)
