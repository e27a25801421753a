-- What the homepage endpoint answered; the view says whether it was shown.
CREATE TABLE IF NOT EXISTS decisions_stored
(
    decision_id String CODEC(ZSTD(1)),
    decided_at DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    device_id String CODEC(ZSTD(1)),
    scenario LowCardinality(String),
    variant LowCardinality(String),
    experiment LowCardinality(String),
    arm LowCardinality(String),
    reason String CODEC(ZSTD(1)),
    degraded Bool,
    latency_ms Float32
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(decided_at)
ORDER BY (toDate(decided_at), decision_id);
