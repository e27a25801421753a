-- Spans of a device whose events belong to another person or session than was known when they
-- came. The newest version of a span holds; `removed` takes it away.
CREATE TABLE IF NOT EXISTS corrections_stored
(
    device_id String CODEC(ZSTD(1)),
    what LowCardinality(String),
    since DateTime64(3, 'UTC'),
    until DateTime64(3, 'UTC'),
    person_id Nullable(UUID),
    session_id Nullable(UUID),
    version UInt64,
    removed UInt8
)
ENGINE = ReplacingMergeTree(version, removed)
ORDER BY (device_id, what, since);
