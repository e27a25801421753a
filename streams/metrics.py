"""Every metric of the stream, with what it means. Labels: `topic`, `partition`."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

LINES = Counter("footfall_stream_lines_total", "Lines folded into live state", ["topic"])
RECORDS = Counter("footfall_stream_records_total", "Kafka records folded", ["topic"])
EMITTED = Counter("footfall_stream_emitted_total", "Lines published by the stage", ["topic"])
RETRIES = Counter(
    "footfall_stream_retries_total", "Batches tried again because a server was away", ["topic"]
)
BATCH_SECONDS = Histogram(
    "footfall_stream_batch_seconds",
    "From taking a batch to its acknowledgement",
    ["topic"],
    buckets=(0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10),
)
FRESHNESS_SECONDS = Histogram(
    "footfall_stream_freshness_seconds",
    "From the Kafka timestamp of a batch's first record until the batch was applied",
    ["topic"],
    buckets=(0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 1, 2, 5, 10, 60, 300),
)
LAG = Gauge(
    "footfall_stream_lag_records",
    "Records of a partition that are not applied yet",
    ["topic", "partition"],
)
LAG_SECONDS = Gauge(
    "footfall_stream_lag_seconds",
    "Age of the oldest record of a partition that is not applied yet; 0 where all are",
    ["topic", "partition"],
)
POSITION = Gauge("footfall_stream_position", "Next offset to be folded", ["topic", "partition"])
