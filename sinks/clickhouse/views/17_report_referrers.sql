-- report_referrers(since = '2026-11-01', until = '2026-11-08', by = 'referrer_source'): one row a
-- value of `by`, of the sessions that started in [since, until), UTC.
--   value                what `by` says of the session's entry
--   sessions, persons    sessions; known persons in them
--   bounces              sessions of at most one page and no other action
--   pages, engaged_s     pages seen; seconds with a page in front
--   searching            sessions that searched on the site
--   searches, fruitless  their searches; those of them that are known to have found nothing
--   looked_for           (what they searched for, in how many sessions), most first, ten at most
--   terms                (what they came with from a search engine, sessions), the same
--   sessions_with_order, orders, currencies, revenue, currency    as in report_variants
-- Searches that differ by case and outer space only are one.
-- A parameterized view has no column list, hence no COMMENTs.
CREATE OR REPLACE VIEW report_referrers AS
SELECT
    visits.value AS value,
    count() AS sessions,
    uniqExactIf(person_id, isNotNull(person_id)) AS persons,
    countIf(bounced) AS bounces,
    sum(visits.pages) AS pages,
    sum(visits.engaged_s) AS engaged_s,
    countIf(s.searched > 0) AS searching,
    sum(s.searched) AS searches,
    sum(s.found_nothing) AS fruitless,
    arraySlice(arraySort(
        one -> (-one.2, one.1),
        arrayZip(sumMap(s.queries, arrayMap(q -> 1, s.queries)).1 AS names,
            sumMap(s.queries, arrayMap(q -> 1, s.queries)).2)
    ), 1, 10) AS looked_for,
    arraySlice(arraySort(
        one -> (-one.2, one.1),
        arrayZip(sumMapIf([referrer_term], [1], referrer_term != '').1,
            sumMapIf([referrer_term], [1], referrer_term != '').2)
    ), 1, 10) AS terms,
    countIf(visits.orders > 0) AS sessions_with_order,
    sum(visits.orders) AS orders,
    groupUniqArrayIf(visits.currency, visits.currency != '') AS currencies,
    if(
        length(currencies) > 1 OR countIf(isNull(visits.revenue)) > 0, NULL, sum(visits.revenue)
    ) AS revenue,
    if(length(currencies) = 1 AND isNotNull(revenue), currencies[1], '') AS currency
FROM
(
    SELECT
        {session_field(by)} AS value,
        session_id, person_id, bounced, pages, engaged_s, referrer_term, orders, revenue, currency
    FROM sessions
    WHERE started_at >= {since:DateTime64(3, 'UTC')} AND started_at < {until:DateTime64(3, 'UTC')}
) AS visits
LEFT JOIN
(
    SELECT
        assumeNotNull(session_id) AS session_id,
        count() AS searched,
        countIf(search_results = 0) AS found_nothing,
        groupUniqArray(lowerUTF8(trimBoth(search_query))) AS queries
    FROM events
    WHERE search_query != '' AND isNotNull(session_id)
        AND event_time >= {since:DateTime64(3, 'UTC')}
    GROUP BY session_id
) AS s ON visits.session_id = s.session_id
GROUP BY value;
