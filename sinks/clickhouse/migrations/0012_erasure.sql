-- What is kept of who was forgotten, so that no replay brings them back: keyed hashes, and until
-- when nothing counts. `place`: whose memory it is a copy of, a stage's partition (r3) or the
-- sink's own (x). Times are milliseconds; `told_until`: when the erasure had gone through.
CREATE TABLE IF NOT EXISTS forgotten_stored
(
    place LowCardinality(String),
    digest FixedString(32),
    since Int64,
    until Int64,
    told_until Int64
)
ENGINE = ReplacingMergeTree(told_until)
ORDER BY (place, digest, since);
-- Whom an erasure under way takes away; empty before and after. So that no identifier stands in the
-- text of a mutation, which ClickHouse keeps.
CREATE TABLE IF NOT EXISTS erasing_stored
(
    what LowCardinality(String),
    name String,
    other String
)
ENGINE = MergeTree
ORDER BY (what, name);
