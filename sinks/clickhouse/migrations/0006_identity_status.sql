-- Links that do not apply are recorded too, and links can be taken back. The newest version of a
-- (identifier, kind, person, reason, device) holds; valid_from may change with it.
ALTER TABLE identity_stored
    ADD COLUMN IF NOT EXISTS status LowCardinality(String) DEFAULT 'applied',
    ADD COLUMN IF NOT EXISTS evidence String DEFAULT '' CODEC(ZSTD(1)),
    ADD COLUMN IF NOT EXISTS removed Bool DEFAULT false;
