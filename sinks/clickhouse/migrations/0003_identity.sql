-- Every link from an identifier to a person that was ever made, with its reason.
CREATE TABLE IF NOT EXISTS identity_stored
(
    identifier String CODEC(ZSTD(1)),
    kind LowCardinality(String),
    person_id UUID,
    valid_from DateTime64(3, 'UTC'),
    reason LowCardinality(String),
    device_id String CODEC(ZSTD(1)),
    version UInt64
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (identifier, kind, person_id, reason, device_id, valid_from);
