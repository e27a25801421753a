-- With what a refused input came, so that it can be replayed with the same rights; and when it was:
-- then it is no longer among the refused ones.
ALTER TABLE rejected_stored
    ADD COLUMN IF NOT EXISTS key LowCardinality(String) DEFAULT '',
    ADD COLUMN IF NOT EXISTS call LowCardinality(String) DEFAULT '',
    ADD COLUMN IF NOT EXISTS replayed_at DateTime64(3, 'UTC') DEFAULT 0;
