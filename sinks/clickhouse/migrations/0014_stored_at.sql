-- When a row came to be stored, which retention counts from where the row's own time may be long
-- past: an old log that is imported today is kept as long as what happens today (retention.py).
-- Squashes copy it. Rows from before this column count from now on.
ALTER TABLE events_stored ADD COLUMN IF NOT EXISTS stored_at DateTime('UTC') DEFAULT now() CODEC(DoubleDelta, ZSTD(1));
ALTER TABLE events_stored MATERIALIZE COLUMN stored_at;
ALTER TABLE corrections_stored ADD COLUMN IF NOT EXISTS stored_at DateTime('UTC') DEFAULT now() CODEC(DoubleDelta, ZSTD(1));
ALTER TABLE corrections_stored MATERIALIZE COLUMN stored_at;
