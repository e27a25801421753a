-- An order is one however often and from wherever it was sent: by its number, or where it has none
-- by its event. Of several amounts the largest counts; refunds of one order add up where their
-- amounts differ, and take away no more than was paid: as in persons and the live profile.
CREATE OR REPLACE VIEW orders
(
    order_id String COMMENT 'Order number; the event''s id where the order has none',
    person_id Nullable(UUID) COMMENT 'Who ordered, as known now: by who names a login, else by the earliest who tells of it',
    session_id Nullable(UUID) COMMENT 'The visit in which it was ordered; of an order off the web the session of that event alone',
    ordered_at DateTime64(3, 'UTC') COMMENT 'When it was first told of',
    revenue Nullable(Decimal(38, 4)) COMMENT 'What was paid, refunds not taken off; null where nobody said',
    currency LowCardinality(String) COMMENT 'Currency of revenue and refunded, three letters',
    items UInt64 COMMENT 'How many pieces, see order_items',
    channel String COMMENT 'As properties.channel says (phone, shop, ...); else web where the visitor''s device told of it, server where only a backend did',
    refunded Nullable(Decimal(38, 4)) COMMENT 'What was paid back of it, 0 for nothing',
    revenue_site Nullable(Decimal(38, 4)) COMMENT 'revenue in the site''s currency; null where the rate is not known',
    refunded_site Nullable(Decimal(38, 4)) COMMENT 'refunded in the site''s currency; null where the rate is not known',
    coupon String COMMENT 'Code that was used, as properties.coupon says',
    products Array(Tuple(product_id String, quantity Decimal(18, 4), price Nullable(Decimal(18, 4)))) COMMENT 'The lines of the order, see order_items'
)
AS SELECT
    id AS order_id,
    who.1 AS person_id,
    visit.1 AS session_id,
    first_time AS ordered_at,
    paid AS revenue,
    money_currency AS currency,
    toUInt64(arraySum(line -> ceil(greatest(line.2, 0)), products)) AS items,
    multiIf(said_channel != '', said_channel, on_the_web, 'web', 'server') AS channel,
    least(
        ifNull(paid, toDecimal128(0, 4)),
        arraySum(
            arrayDistinct(
                arrayMap(
                    refund -> refund.1,
                    arrayFilter(refund -> refund.2 IN ('', money_currency), refunds)
                )
            )
        )
    ) AS refunded,
    {site_money(paid, money_currency)} AS revenue_site,
    {site_money(refunded, money_currency)} AS refunded_site,
    said_coupon AS coupon,
    arrayMap(
        line -> (line.1, ifNull(toDecimal64OrNull(line.2, 4), 1), toDecimal64OrNull(line.3, 4)),
        lines
    ) AS products
FROM
(
    SELECT
        if(order_id = '', toString(event_id), order_id) AS id,
        argMinIf(
            tuple(person_id), (isNull(person_id), user_id = '', event_time, event_id), completed
        ) AS who,
        argMinIf(
            tuple(session_id), (isNull(session_id), NOT by_device, event_time, event_id), completed
        ) AS visit,
        minIf(event_time, completed) AS first_time,
        maxIf(toDecimal128(revenue, 4), completed) AS paid,
        argMaxIf(toString(currency), (ifNull(revenue, -1), currency), completed) AS money_currency,
        argMaxIf(
            lines_told, (length(lines_told), -toUnixTimestamp64Milli(event_time), event_id), completed
        ) AS lines,
        maxIf(channel_told, completed) AS said_channel,
        maxIf(coupon_told, completed) AS said_coupon,
        maxIf(by_device, completed) AS on_the_web,
        groupUniqArrayIf(
            (toDecimal128(ifNull(nullIf(abs(revenue), 0), 99999999999999), 4), toString(currency)),
            NOT completed AND order_id != ''
        ) AS refunds
    FROM
    (
        SELECT
            *,
            name = 'Order Completed' AS completed,
            NOT match(device_id, '^(user:|email:|phone:|order:)') AS by_device,
            properties.channel::String AS channel_told,
            properties.coupon::String AS coupon_told,
            arrayMap(
                line -> (
                    coalesce(nullIf(line.product_id::String, ''), line.sku::String),
                    line.quantity::String,
                    line.price::String
                ),
                properties.products[]
            ) AS lines_told
        FROM events
        WHERE name IN ('Order Completed', 'Order Refunded')
    )
    GROUP BY id
    HAVING countIf(completed) > 0
)
COMMENT 'One row an order, however often and from wherever it was told';
