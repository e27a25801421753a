-- Every refused input with its original bytes. A repeated refusal has the same rejected_id but
-- may have another time, so no time is in the key; the first one holds.
CREATE TABLE IF NOT EXISTS rejected_stored
(
    rejected_id UUID,
    rejected_at DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    reason LowCardinality(String),
    detail String CODEC(ZSTD(1)),
    protocol LowCardinality(String),
    event_id String CODEC(ZSTD(1)),
    original String CODEC(ZSTD(1)),
    version UInt64
)
ENGINE = ReplacingMergeTree(version)
ORDER BY rejected_id;
