-- The catalogue and what campaigns cost, as they were imported: reference data beside the events,
-- the last import of a row holds.
CREATE TABLE IF NOT EXISTS products_stored
(
    product_id String,
    title String CODEC(ZSTD(1)),
    category LowCardinality(String),
    brand LowCardinality(String),
    price Nullable(Decimal(18, 4)),
    list_price Nullable(Decimal(18, 4)),
    currency LowCardinality(String),
    url String CODEC(ZSTD(1)),
    image String CODEC(ZSTD(1)),
    stock Nullable(Int64),
    attributes Map(String, String) CODEC(ZSTD(1)),
    imported_at DateTime64(3, 'UTC')
)
ENGINE = ReplacingMergeTree(imported_at)
ORDER BY product_id;
CREATE TABLE IF NOT EXISTS costs_stored
(
    day Date,
    utm_source LowCardinality(String),
    utm_medium LowCardinality(String),
    utm_campaign LowCardinality(String),
    utm_content LowCardinality(String),
    utm_term LowCardinality(String),
    cost Decimal(18, 4),
    currency LowCardinality(String),
    impressions Nullable(UInt64),
    clicks Nullable(UInt64),
    sent Nullable(UInt64),
    imported_at DateTime64(3, 'UTC')
)
ENGINE = ReplacingMergeTree(imported_at)
ORDER BY (day, utm_source, utm_medium, utm_campaign, utm_content, utm_term);
-- When a file that says no times was imported first: imported again, it means that time again.
CREATE TABLE IF NOT EXISTS imports_stored
(
    digest String,
    first_at DateTime64(3, 'UTC')
)
ENGINE = MergeTree
ORDER BY digest;
