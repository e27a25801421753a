-- How far corrections are folded into the rows they speak of (decision 0016): those that a record of
-- footfall.raw made before the version `below`, by partition. The highest holds; no query looks at
-- such a correction any more, so one that is inserted again means nothing.
CREATE TABLE IF NOT EXISTS squashed_stored
(
    partition UInt16,
    below UInt64,
    squashed_at DateTime64(3, 'UTC') DEFAULT now64(3)
)
ENGINE = ReplacingMergeTree(below)
ORDER BY partition;
