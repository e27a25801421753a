-- One row an event, as the device stage emitted it; the views (../views) are what people read.
-- Sorting key and partition follow from what identifies the event, so a repeated insert collapses
-- with its first copy whatever block it came in. `version` prefers a squashed row, then the copy
-- received first; the insert computes it (rows.py).
-- Retention is the site's: it comes by ALTER TABLE ... MODIFY TTL from the site file, not here.
CREATE TABLE IF NOT EXISTS events_stored
(
    event_id UUID,
    event_time DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    received_at DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    site LowCardinality(String),
    type LowCardinality(String),
    name LowCardinality(String),
    protocol LowCardinality(String),
    device_id String CODEC(ZSTD(1)),
    user_id String CODEC(ZSTD(1)),
    profile_id String CODEC(ZSTD(1)),
    person_id Nullable(UUID),
    session_id Nullable(UUID),
    url String CODEC(ZSTD(1)),
    host LowCardinality(String),
    path String CODEC(ZSTD(1)),
    title String CODEC(ZSTD(1)),
    referrer String CODEC(ZSTD(1)),
    referrer_medium LowCardinality(String),
    referrer_source LowCardinality(String),
    referrer_term String CODEC(ZSTD(1)),
    utm_source LowCardinality(String),
    utm_medium LowCardinality(String),
    utm_campaign LowCardinality(String),
    utm_content LowCardinality(String),
    utm_term LowCardinality(String),
    click_id String CODEC(ZSTD(1)),
    click_id_type LowCardinality(String),
    search_query String CODEC(ZSTD(1)),
    search_results Nullable(UInt32),
    device_class LowCardinality(String),
    browser LowCardinality(String),
    os LowCardinality(String),
    language LowCardinality(String),
    country LowCardinality(String),
    region LowCardinality(String),
    city LowCardinality(String),
    is_bot Bool,
    bot_reason LowCardinality(String),
    scenario LowCardinality(String),
    variant LowCardinality(String),
    experiment LowCardinality(String),
    arm LowCardinality(String),
    decision_id String CODEC(ZSTD(1)),
    order_id String CODEC(ZSTD(1)),
    revenue Nullable(Decimal(18, 4)),
    currency LowCardinality(String),
    engaged_ms UInt32 CODEC(ZSTD(1)),
    http_status UInt16,
    late Bool,
    consent LowCardinality(String),
    notes Array(LowCardinality(String)),
    properties JSON(max_dynamic_paths = 256),
    version UInt64 CODEC(ZSTD(1))
)
ENGINE = ReplacingMergeTree(version)
PARTITION BY toYYYYMM(event_time)
ORDER BY (toDate(event_time), device_id, event_id);
