-- Where a session came from is told by its first event that names an external source (another
-- site or a campaign), else by its first event. An order counts once however often it was sent.
-- What a letter tells, that it was opened or a link in it clicked, is no visit: that begins with the
-- page that the link leads to.
CREATE OR REPLACE VIEW sessions
(
    session_id UUID COMMENT 'Id of the session, derived from device and start',
    session_number UInt64 COMMENT '1 for the first session of this person (of this device where there is no person, and of log lines)',
    person_id Nullable(UUID) COMMENT 'The person as known now; null for pseudonyms, but where log lines were joined to a visitor',
    device_id String COMMENT 'The device; a session never spans two',
    started_at DateTime64(3, 'UTC') COMMENT 'Time of its first event',
    ended_at DateTime64(3, 'UTC') COMMENT 'Time of its last event',
    duration_s Float64 COMMENT 'Seconds from first to last event',
    engaged_s Float64 COMMENT 'Seconds with a page in front',
    pages UInt64 COMMENT 'Page and screen views',
    events UInt64 COMMENT 'Events of every type',
    entry_path String COMMENT 'Path of the first page',
    exit_path String COMMENT 'Path of the last page',
    bounced Bool COMMENT 'At most one page and no other action (a report of engaged time is none)',
    referrer_medium LowCardinality(String) COMMENT 'Of the entry: direct, search, referral, ...',
    referrer_source LowCardinality(String) COMMENT 'Of the entry: name of the source',
    referrer_term String COMMENT 'Of the entry: search term',
    utm_source LowCardinality(String) COMMENT 'Of the entry: campaign parameter',
    utm_medium LowCardinality(String) COMMENT 'Of the entry: campaign parameter',
    utm_campaign LowCardinality(String) COMMENT 'Of the entry: campaign parameter',
    device_class LowCardinality(String) COMMENT 'desktop, phone, tablet, ...',
    country LowCardinality(String) COMMENT 'Country, two letters',
    scenario LowCardinality(String) COMMENT 'Of the first homepage decision that was shown',
    variant LowCardinality(String) COMMENT 'Of the first homepage decision that was shown',
    experiment LowCardinality(String) COMMENT 'Of the first homepage decision that was shown',
    arm LowCardinality(String) COMMENT 'Of the first homepage decision that was shown',
    orders UInt64 COMMENT 'Distinct orders completed',
    revenue Nullable(Decimal(38, 4)) COMMENT 'Money of these orders, in their currency; null where they have several',
    currency LowCardinality(String) COMMENT 'Currency of revenue; empty where there is no money, or several',
    revenue_site Nullable(Decimal(38, 4)) COMMENT 'Money of these orders in the site''s currency; null where a rate is not known'
)
AS SELECT
    assumeNotNull(session) AS session_id,
    row_number() OVER (
        PARTITION BY person, if(isNull(person) OR startsWith(device, 'p_'), device, '')
        ORDER BY first_time, session
    ) AS session_number,
    person AS person_id,
    device AS device_id,
    first_time AS started_at,
    last_time AS ended_at,
    dateDiff('millisecond', first_time, last_time) / 1000 AS duration_s,
    engaged / 1000 AS engaged_s,
    pages,
    all_events AS events,
    entry_path,
    exit_path,
    toBool(pages <= 1 AND actions = 0) AS bounced,
    entry.1 AS referrer_medium,
    entry.2 AS referrer_source,
    entry.3 AS referrer_term,
    entry.4 AS utm_source,
    entry.5 AS utm_medium,
    entry.6 AS utm_campaign,
    opening.1 AS device_class,
    opening.2 AS country,
    shown.1 AS scenario,
    shown.2 AS variant,
    shown.3 AS experiment,
    shown.4 AS arm,
    length(money) AS orders,
    if(length(currencies) > 1, NULL, arraySum(mapValues(money))) AS revenue,
    if(length(currencies) = 1, currencies[1], '') AS currency,
    if(unknown_rates > 0, NULL, arraySum(mapValues(site_money))) AS revenue_site
FROM
(
    SELECT
        session_id AS session,
        argMax(person_id, (event_time, event_id)) AS person,
        argMax(device_id, (event_time, event_id)) AS device,
        min(event_time) AS first_time,
        max(event_time) AS last_time,
        sum(engaged_ms) AS engaged,
        countIf(type IN ('page', 'screen')) AS pages,
        count() AS all_events,
        countIf(type = 'track' AND engaged_ms = 0) AS actions,
        argMin(path, (type NOT IN ('page', 'screen'), event_time, event_id)) AS entry_path,
        argMax(path, (type IN ('page', 'screen'), event_time, event_id)) AS exit_path,
        argMin(
            (referrer_medium, referrer_source, referrer_term, utm_source, utm_medium, utm_campaign),
            (
                utm_source = '' AND utm_medium = '' AND utm_campaign = '' AND click_id = ''
                    AND referrer_medium IN ('direct', 'internal', 'unknown'),
                event_time,
                event_id
            )
        ) AS entry,
        argMin((device_class, country), (event_time, event_id)) AS opening,
        argMinIf(
            (scenario, variant, experiment, arm), (event_time, event_id), variant != ''
        ) AS shown,
        maxMapIf(
            map(if(order_id = '', toString(event_id), order_id), ifNull(revenue, 0)),
            name = 'Order Completed'
        ) AS money,
        groupUniqArrayIf(currency, name = 'Order Completed' AND revenue != 0) AS currencies,
        maxMapIf(
            map(if(order_id = '', toString(event_id), order_id), ifNull(revenue_site, 0)),
            name = 'Order Completed'
        ) AS site_money,
        countIf(name = 'Order Completed' AND revenue != 0 AND isNull(revenue_site)) AS unknown_rates
    FROM events
    WHERE isNotNull(session_id) AND (protocol != 'pixel' OR type IN ('page', 'screen'))
    GROUP BY session_id
)
COMMENT 'One row a session, without bots';
