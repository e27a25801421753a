"""Every metric of the sink, with its meaning."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

_SECONDS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 3.0, 5.0, 10.0, 30.0, 60.0, 300.0)

ROWS = Counter(
    "footfall_sink_rows_total",
    "Rows ClickHouse took; a row that was delivered again counts again",
    ["table"],
)
BLOCKS = Counter("footfall_sink_blocks_total", "Blocks delivered completely")
BLOCK_SECONDS = Histogram(
    "footfall_sink_block_seconds",
    "Time to deliver a block: to insert it and to publish its rejections",
    buckets=_SECONDS,
)
FRESHNESS_SECONDS = Histogram(
    "footfall_sink_freshness_seconds",
    "From the Kafka timestamp of a block's first record until the block was stored",
    buckets=_SECONDS,
)
REJECTED = Counter(
    "footfall_sink_rejected_total",
    "Lines the sink refused, by reason; they are in footfall.rejected",
    ["reason"],
)
FORGOTTEN = Counter(
    "footfall_sink_forgotten_total", "Lines left out: of who was forgotten since they were written"
)
RETRIES = Counter(
    "footfall_sink_retries_total", "Attempts that failed because a server was away", ["server"]
)
LAG = Gauge(
    "footfall_sink_lag_records",
    "Records of a partition that are not in ClickHouse yet",
    ["topic", "partition"],
)
LAG_SECONDS = Gauge(
    "footfall_sink_lag_seconds",
    "Age of the oldest record of a partition that is not in ClickHouse yet; 0 where all are",
    ["topic", "partition"],
)
READY = Gauge("footfall_sink_ready", "1 while both servers are there and answer")
