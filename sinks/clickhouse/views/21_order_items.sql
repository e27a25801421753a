-- The lines of whoever tells most of an order, so that a line counts once.
CREATE OR REPLACE VIEW order_items
(
    order_id String COMMENT 'The order, see orders',
    product_id String COMMENT 'The product, see products',
    quantity Decimal(18, 4) COMMENT 'How many; 1 where not said',
    price Nullable(Decimal(18, 4)) COMMENT 'Price of one, in the order''s currency; null where not said',
    currency LowCardinality(String) COMMENT 'Currency of price',
    ordered_at DateTime64(3, 'UTC') COMMENT 'When it was ordered'
)
AS SELECT
    order_id,
    line.1 AS product_id,
    line.2 AS quantity,
    line.3 AS price,
    currency,
    ordered_at
FROM orders
ARRAY JOIN products AS line
COMMENT 'One row a line of an order';
