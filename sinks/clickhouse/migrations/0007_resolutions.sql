-- Whose the events of a person are, as known now: all of them (device_id '', an alias of two users),
-- or those of one device that is above the limit of a person's devices. The newest version holds, and
-- who is nobody else any more is removed.
CREATE TABLE IF NOT EXISTS resolutions_stored
(
    person_id UUID,
    device_id String CODEC(ZSTD(1)),
    resolved_id UUID,
    version UInt64,
    removed UInt8
)
ENGINE = ReplacingMergeTree(version, removed)
ORDER BY (device_id, person_id);
