-- Recency goes by the borders of the site file (lifecycle: active, silent, asleep), frequency by
-- one, two, up to five, more orders. The live profile (schemas/person_profile.py) goes by the same.
-- Refunds of one order add up where their amounts differ, and take away no more than was paid.
CREATE OR REPLACE VIEW persons
(
    person_id UUID COMMENT 'The person as known now',
    first_seen DateTime64(3, 'UTC') COMMENT 'First event',
    last_seen DateTime64(3, 'UTC') COMMENT 'Last event',
    devices UInt64 COMMENT 'Devices with at least one event',
    sessions UInt64 COMMENT 'Sessions of these devices; log lines joined to them are not counted again',
    orders UInt64 COMMENT 'Distinct orders completed',
    revenue Nullable(Decimal(38, 4)) COMMENT 'Money of these orders less refunds, in their currency; null where they have several',
    recency_class LowCardinality(String) COMMENT 'Last seen within the borders of the site file (30, 90, 365 days): active, silent, asleep; else lost',
    frequency_class LowCardinality(String) COMMENT 'Orders: 1 new, 2 second-time, 3 to 5 repeat, more loyal; empty without any',
    lifecycle LowCardinality(String) COMMENT 'Without orders: lead with a login, else visitor. With orders: frequency_class while active, else recency_class',
    value_tier LowCardinality(String) COMMENT 'By revenue_site and the borders of the site file (1000, 300, 100): top, large, medium, small; empty without orders or where revenue_site is null',
    revenue_site Nullable(Decimal(38, 4)) COMMENT 'revenue in the site''s currency, orders in several added up; null where a rate is not known'
)
AS SELECT
    assumeNotNull(person) AS person_id,
    first_seen,
    last_seen,
    devices,
    sessions,
    length(money) AS orders,
    arrayMap(
        (id, paid) -> (
            greatest(
                toDecimal128(0, 4),
                paid.1 - arraySum(
                    arrayDistinct(
                        arrayMap(
                            refund -> refund.2,
                            arrayFilter(
                                refund -> refund.1 = id AND refund.3 IN ('', paid.2), refunds
                            )
                        )
                    )
                )
            ),
            paid.2
        ),
        mapKeys(money), mapValues(money)
    ) AS left_over,
    arrayMap(
        each -> if(each.1 = 0, toDecimal128(0, 4), {site_money(each.1, each.2)}), left_over
    ) AS site_money,
    if(length(currencies) > 1, NULL, arraySum(each -> each.1, left_over)) AS revenue,
    multiIf(
        last_seen >= now() - INTERVAL {seconds_of_active} SECOND, 'active',
        last_seen >= now() - INTERVAL {seconds_of_silent} SECOND, 'silent',
        last_seen >= now() - INTERVAL {seconds_of_asleep} SECOND, 'asleep',
        'lost'
    ) AS recency_class,
    multiIf(
        orders = 0, '',
        orders = 1, 'new',
        orders = 2, 'second-time',
        orders <= 5, 'repeat',
        'loyal'
    ) AS frequency_class,
    multiIf(
        orders = 0 AND logins = 0, 'visitor',
        orders = 0, 'lead',
        recency_class = 'active', frequency_class,
        recency_class
    ) AS lifecycle,
    multiIf(
        orders = 0 OR isNull(revenue_site), '',
        revenue_site >= toDecimal128('{tier_of_top}', 4), 'top',
        revenue_site >= toDecimal128('{tier_of_large}', 4), 'large',
        revenue_site >= toDecimal128('{tier_of_medium}', 4), 'medium',
        'small'
    ) AS value_tier,
    if(
        arrayExists(each -> isNull(each), site_money),
        NULL,
        arraySum(each -> ifNull(each, toDecimal128(0, 4)), site_money)
    ) AS revenue_site
FROM
(
    SELECT
        person_id AS person,
        min(event_time) AS first_seen,
        max(event_time) AS last_seen,
        uniqExactIf(device_id, NOT match(device_id, '^(user:|email:|phone:|order:|p_)')) AS devices,
        uniqExactIf(session_id, NOT startsWith(device_id, 'p_')) AS sessions,
        maxMapIf(
            map(
                if(order_id = '', toString(event_id), order_id),
                (toDecimal128(ifNull(revenue, 0), 4), toString(currency))
            ),
            name = 'Order Completed'
        ) AS money,
        groupUniqArrayIf(currency, name = 'Order Completed' AND revenue != 0) AS currencies,
        groupUniqArrayIf(
            (order_id, toDecimal128(ifNull(nullIf(abs(revenue), 0), 99999999999999), 4), currency),
            name = 'Order Refunded' AND order_id != ''
        ) AS refunds,
        countIf(user_id != '' AND type != 'alias') AS logins
    FROM events
    WHERE isNotNull(person_id)
    GROUP BY person_id
)
COMMENT 'One row a person, as known now';
