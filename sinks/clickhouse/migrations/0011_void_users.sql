-- A login that was taken back: until then events of the device that name the user are not his.
ALTER TABLE corrections_stored ADD COLUMN IF NOT EXISTS user_id String DEFAULT '' CODEC(ZSTD(1));
