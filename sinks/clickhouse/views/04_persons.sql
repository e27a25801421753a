-- The borders of the two classes are simple ones until the site file names its own:
-- last visit within 30, 90, 365 days; one, two, up to five, more orders.
CREATE OR REPLACE VIEW persons
(
    person_id UUID COMMENT 'The person as known now',
    first_seen DateTime64(3, 'UTC') COMMENT 'First event',
    last_seen DateTime64(3, 'UTC') COMMENT 'Last event',
    devices UInt64 COMMENT 'Devices with at least one event',
    sessions UInt64 COMMENT 'Sessions of these devices; log lines joined to them are not counted again',
    orders UInt64 COMMENT 'Distinct orders completed',
    revenue Nullable(Decimal(38, 4)) COMMENT 'Money of these orders, in their currency; null where they have several',
    recency_class LowCardinality(String) COMMENT 'Last seen within 30 days: active; 90: silent; 365: asleep; else lost',
    frequency_class LowCardinality(String) COMMENT 'Orders: 1 new, 2 second-time, 3 to 5 repeat, more loyal; empty without any',
    lifecycle LowCardinality(String) COMMENT 'Not computed yet: empty',
    value_tier LowCardinality(String) COMMENT 'Not computed yet: empty'
)
AS SELECT
    assumeNotNull(person) AS person_id,
    first_seen,
    last_seen,
    devices,
    sessions,
    length(money) AS orders,
    if(length(currencies) > 1, NULL, arraySum(mapValues(money))) AS revenue,
    multiIf(
        last_seen >= now() - INTERVAL 30 DAY, 'active',
        last_seen >= now() - INTERVAL 90 DAY, 'silent',
        last_seen >= now() - INTERVAL 365 DAY, 'asleep',
        'lost'
    ) AS recency_class,
    multiIf(
        orders = 0, '',
        orders = 1, 'new',
        orders = 2, 'second-time',
        orders <= 5, 'repeat',
        'loyal'
    ) AS frequency_class,
    '' AS lifecycle,
    '' AS value_tier
FROM
(
    SELECT
        person_id AS person,
        min(event_time) AS first_seen,
        max(event_time) AS last_seen,
        uniqExactIf(device_id, NOT match(device_id, '^(user:|email:|phone:|order:|p_)')) AS devices,
        uniqExactIf(session_id, NOT startsWith(device_id, 'p_')) AS sessions,
        maxMapIf(
            map(if(order_id = '', toString(event_id), order_id), ifNull(revenue, 0)),
            name = 'Order Completed'
        ) AS money,
        groupUniqArrayIf(currency, name = 'Order Completed' AND revenue != 0) AS currencies
    FROM events
    WHERE isNotNull(person_id)
    GROUP BY person_id
)
COMMENT 'One row a person, as known now';
