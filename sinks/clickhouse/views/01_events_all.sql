-- Each event once, bots included. Person, session and bot are those known now: what the event was
-- stored with, unless a row of corrections covers it. An event that names its own user keeps that
-- user's person; bots and pseudonyms have none and get none (design.md section 3b), but for log
-- lines that are joined to who was seen at their address (decision 0012).
-- Who is another user's alias is that one's person; what is apart from a person (a device above the
-- limit) is a person of its own (schemas/persons.py): `apart` is that person, and then all persons
-- from whom it is apart. While there is neither, constants say so, and nothing is looked up.
-- One hash join by device, its spans as sorted arrays: decision 0006 compares it with ASOF joins.
CREATE OR REPLACE VIEW events_all
(
    event_id UUID COMMENT 'The sender''s message id, as a UUID; with device_id it identifies the event',
    event_time DateTime64(3, 'UTC') COMMENT 'When it happened: the sender''s time corrected by its clock skew, never after received_at',
    received_at DateTime64(3, 'UTC') COMMENT 'When the collector took it; a log line''s own time',
    site LowCardinality(String) COMMENT 'The site it belongs to',
    type LowCardinality(String) COMMENT 'page, track, identify, alias, screen or group',
    name LowCardinality(String) COMMENT 'Event name; ''Page Viewed'' for page',
    protocol LowCardinality(String) COMMENT 'beacon, segment, snowplow, posthog, pixel, log or import',
    device_id String COMMENT 'The cookie or the SDK''s anonymous id; p_... is a daily pseudonym, user:... a server event without a device, email:... phone:... order:... one that names only that',
    user_id String COMMENT 'Login or member number that the event itself names',
    profile_id String COMMENT 'Which profile of the account, e.g. a child',
    person_id Nullable(UUID) COMMENT 'The person as known now; null for known bots, and for pseudonyms but where a log line was joined to a visitor',
    session_id Nullable(UUID) COMMENT 'The session as known now; null for known bots',
    url String COMMENT 'Full address of the page',
    host LowCardinality(String) COMMENT 'Host of the url',
    path String COMMENT 'Path of the url',
    title String COMMENT 'Title of the page',
    referrer String COMMENT 'Full address the visitor came from',
    referrer_medium LowCardinality(String) COMMENT 'direct, internal, search, social, email, paid, ai, referral or unknown',
    referrer_source LowCardinality(String) COMMENT 'Name of the source, e.g. Google or Encyclopedia',
    referrer_term String COMMENT 'Search term, where the referrer still carries it',
    utm_source LowCardinality(String) COMMENT 'Campaign parameter utm_source',
    utm_medium LowCardinality(String) COMMENT 'Campaign parameter utm_medium',
    utm_campaign LowCardinality(String) COMMENT 'Campaign parameter utm_campaign',
    utm_content LowCardinality(String) COMMENT 'Campaign parameter utm_content',
    utm_term LowCardinality(String) COMMENT 'Campaign parameter utm_term',
    click_id String COMMENT 'Click id of an ad network',
    click_id_type LowCardinality(String) COMMENT 'Which parameter carried click_id, e.g. gclid',
    search_query String COMMENT 'What the visitor searched on the site',
    search_results Nullable(UInt32) COMMENT 'How many results that search had; null where not said',
    device_class LowCardinality(String) COMMENT 'desktop, phone, tablet, ...',
    browser LowCardinality(String) COMMENT 'Browser family',
    os LowCardinality(String) COMMENT 'Operating system family',
    language LowCardinality(String) COMMENT 'Preferred language of the browser',
    country LowCardinality(String) COMMENT 'Country, two letters',
    region LowCardinality(String) COMMENT 'Region',
    city LowCardinality(String) COMMENT 'City',
    is_bot Bool COMMENT 'A crawler, a monitor, a headless browser; or the device behaved like one that day (UTC)',
    bot_reason LowCardinality(String) COMMENT 'Why it counts as a bot',
    scenario LowCardinality(String) COMMENT 'Homepage scenario of the decision that was shown',
    variant LowCardinality(String) COMMENT 'Homepage variant that was shown',
    experiment LowCardinality(String) COMMENT 'Experiment of that decision',
    arm LowCardinality(String) COMMENT 'Arm of that experiment',
    decision_id String COMMENT 'The decision the page showed, see decisions',
    order_id String COMMENT 'Order number',
    revenue Nullable(Decimal(18, 4)) COMMENT 'Money of the order, in currency; null where not said',
    currency LowCardinality(String) COMMENT 'Currency of revenue, three letters',
    revenue_site Nullable(Decimal(38, 4)) COMMENT 'revenue in the site''s currency, by the rates of the site file; null where the rate is not known',
    engaged_ms UInt32 COMMENT 'Time with the page in front, in milliseconds',
    http_status UInt16 COMMENT 'Status the web server answered (log lines); 0 where not known',
    late Bool COMMENT 'It came later than the site''s lateness; live counters leave it out',
    consent LowCardinality(String) COMMENT 'granted, denied or unknown',
    properties JSON(max_dynamic_paths = 256) COMMENT 'Whatever else was sent, by path: properties.product_id',
    notes Array(LowCardinality(String)) COMMENT 'What was mended on the way, e.g. nan_nulled'
)
AS WITH
    (SELECT count() > 0 FROM resolutions_stored WHERE device_id = '') AS any_alias,
    (SELECT count() > 0 FROM resolutions_stored WHERE device_id != '') AS any_apart
SELECT
    e.event_id AS event_id,
    e.event_time AS event_time,
    e.received_at AS received_at,
    e.site AS site,
    e.type AS type,
    e.name AS name,
    e.protocol AS protocol,
    e.device_id AS device_id,
    e.user_id AS user_id,
    e.profile_id AS profile_id,
    if(any_alias, if(isNull(r.root_id), e.owner_id, r.root_id), e.owner_id) AS person,
    if(
        any_apart,
        if(has(e.apart, person) OR has(e.apart, e.owner_id), e.apart[1], person),
        person
    ) AS person_id,
    e.corrected_session AS session_id,
    e.url AS url,
    e.host AS host,
    e.path AS path,
    e.title AS title,
    e.referrer AS referrer,
    e.referrer_medium AS referrer_medium,
    e.referrer_source AS referrer_source,
    e.referrer_term AS referrer_term,
    e.utm_source AS utm_source,
    e.utm_medium AS utm_medium,
    e.utm_campaign AS utm_campaign,
    e.utm_content AS utm_content,
    e.utm_term AS utm_term,
    e.click_id AS click_id,
    e.click_id_type AS click_id_type,
    e.search_query AS search_query,
    e.search_results AS search_results,
    e.device_class AS device_class,
    e.browser AS browser,
    e.os AS os,
    e.language AS language,
    e.country AS country,
    e.region AS region,
    e.city AS city,
    toBool(e.is_bot OR e.bot_day != '') AS is_bot,
    if(e.bot_day = '', e.bot_reason, e.bot_day) AS bot_reason,
    e.scenario AS scenario,
    e.variant AS variant,
    e.experiment AS experiment,
    e.arm AS arm,
    e.decision_id AS decision_id,
    e.order_id AS order_id,
    e.revenue AS revenue,
    e.currency AS currency,
    {site_money(e.revenue, e.currency)} AS revenue_site,
    e.engaged_ms AS engaged_ms,
    e.http_status AS http_status,
    e.late AS late,
    e.consent AS consent,
    e.properties AS properties,
    e.notes AS notes
FROM
(
    SELECT
        e.*,
        if(
            empty(c.persons) OR (isNull(e.person_id) AND (e.protocol != 'log' OR e.is_bot))
                OR (
                    e.user_id != '' AND e.type != 'alias'
                    AND NOT arrayExists(
                        void -> void.1 = e.user_id AND e.event_time <= void.2, c.voids
                    )
                )
                OR e.event_time > arrayLast(span -> span.1 <= e.event_time, c.persons).2,
            e.person_id,
            ifNull(arrayLast(span -> span.1 <= e.event_time, c.persons).3, e.person_id)
        ) AS owner_id,
        if(
            empty(c.sessions) OR isNull(e.session_id)
                OR e.event_time > arrayLast(span -> span.1 <= e.event_time, c.sessions).2,
            e.session_id,
            ifNull(arrayLast(span -> span.1 <= e.event_time, c.sessions).3, e.session_id)
        ) AS corrected_session,
        c.bot_days[toDate(e.event_time)] AS bot_day,
        c.apart AS apart
    FROM events_stored AS e FINAL
    ANY LEFT JOIN
    (
        SELECT
            device_id,
            arraySort(groupArrayIf((since, until, person_id), what = 'person')) AS persons,
            arraySort(groupArrayIf((since, until, session_id), what = 'session')) AS sessions,
            groupArrayIf((user_id, until), what = 'void') AS voids,
            mapFromArrays(
                groupArrayIf(toDate(since), what = 'bot'),
                groupArrayIf(toString(bot_reason), what = 'bot')
            ) AS bot_days,
            arrayConcat(
                groupUniqArrayIf(assumeNotNull(person_id), what = 'apart'),
                groupArrayIf(apart_from, what = 'apart')
            ) AS apart
        FROM
        (
            SELECT
                device_id, what, since, until, person_id, session_id, bot_reason, user_id,
                toUUID('00000000-0000-0000-0000-000000000000') AS apart_from
            FROM corrections_stored FINAL
            UNION ALL
            SELECT
                device_id, 'apart' AS what, toDateTime64(0, 3, 'UTC') AS since, since AS until,
                toNullable(resolved_id) AS person_id, NULL AS session_id, '' AS bot_reason,
                '' AS user_id,
                resolutions_stored.person_id AS apart_from
            FROM resolutions_stored FINAL
            WHERE device_id != ''
        )
        GROUP BY device_id
    ) AS c ON e.device_id = c.device_id
) AS e
ANY LEFT JOIN
(
    SELECT person_id AS alias_id, toNullable(resolved_id) AS root_id
    FROM resolutions_stored FINAL
    WHERE device_id = ''
) AS r ON assumeNotNull(e.owner_id) = r.alias_id
COMMENT 'Each event once, bots included; person and session as known now';
