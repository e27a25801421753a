CREATE OR REPLACE VIEW products
(
    product_id String COMMENT 'Number of the product, as events and orders name it',
    title String COMMENT 'Its name',
    category LowCardinality(String) COMMENT 'Its category',
    brand LowCardinality(String) COMMENT 'Who makes it',
    price Nullable(Decimal(18, 4)) COMMENT 'What one costs now; null where not said',
    list_price Nullable(Decimal(18, 4)) COMMENT 'Before an offer; null where not said',
    currency LowCardinality(String) COMMENT 'Currency of the prices; empty for the site''s own',
    url String COMMENT 'Its page',
    image String COMMENT 'Address of its picture',
    stock Nullable(Int64) COMMENT 'How many are there; null where not said',
    attributes Map(String, String) COMMENT 'Everything else: attributes[''material'']'
)
AS SELECT
    product_id, title, category, brand, price, list_price, currency, url, image, stock, attributes
FROM products_stored FINAL
COMMENT 'The catalogue as it was imported last, one row a product';
