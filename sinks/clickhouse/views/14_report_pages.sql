-- report_pages(since = '2026-11-01', until = '2026-11-08'): one row a path, of the pages and screens
-- seen in sessions that started in [since, until), UTC.
--   path         the page; '' for screens that have none
--   views        views
--   sessions     sessions that saw it
--   persons      known persons who did
--   entries      sessions that began there, bounces included
--   exits        sessions whose last page it was
--   bounces      sessions that saw this one page once and did nothing else
--   timed_views  views after which another page was seen in the session
--   seconds      median of the seconds from these views to that page; null where there are none
--   engaged_s    seconds with the page in front, by views; nothing is heard of pages without script
-- A session that goes on for more than a week without a pause counts from then.
-- A parameterized view has no column list, hence no COMMENTs.
CREATE OR REPLACE VIEW report_pages AS
SELECT
    path,
    sum(seen) AS views,
    countIf(seen > 0) AS sessions,
    uniqExactIf(person, isNotNull(person) AND seen > 0) AS persons,
    sum(entered) AS entries,
    sum(left) AS exits,
    sum(bounced) AS bounces,
    length(groupArrayArray(times) AS all_times) AS timed_views,
    if(timed_views = 0, NULL, arrayReduce('quantileExactInclusive(0.5)', all_times)) AS seconds,
    sum(engaged) / views / 1000 AS engaged_s
FROM
(
    SELECT
        session_id,
        any(person) AS person,
        page.1 AS path,
        sum(page.2) AS seen,
        sum(page.3) AS entered,
        sum(page.4) AS left,
        sum(page.5) AS bounced,
        groupArrayIf(assumeNotNull(page.6), isNotNull(page.6)) AS times,
        sum(page.7) AS engaged
    FROM
    (
        SELECT
            session_id,
            argMax(person_id, (event_time, event_id)) AS person,
            arraySort(groupArrayIf(
                (event_time, event_id, path), type IN ('page', 'screen')
            )) AS pages,
            groupArrayIf((path, engaged_ms), engaged_ms > 0) AS engagements,
            length(pages) = 1 AND countIf(type = 'track' AND engaged_ms = 0) = 0 AS bounce,
            arrayConcat(
                arrayMap(
                    (one, at) -> (
                        one.3,
                        1,
                        at = 1,
                        at = length(pages),
                        bounce,
                        if(
                            at = length(pages),
                            NULL,
                            dateDiff('millisecond', one.1, pages[at + 1].1) / 1000
                        ),
                        toUInt64(0)
                    ),
                    pages,
                    arrayEnumerate(pages)
                ),
                arrayMap(
                    one -> (one.1, 0, 0, 0, 0, CAST(NULL, 'Nullable(Float64)'), toUInt64(one.2)),
                    engagements
                )
            ) AS found
        FROM events
        WHERE isNotNull(session_id)
            AND event_time >= {since:DateTime64(3, 'UTC')} - INTERVAL 7 DAY
        GROUP BY session_id
        HAVING min(event_time) >= {since:DateTime64(3, 'UTC')}
            AND min(event_time) < {until:DateTime64(3, 'UTC')}
    )
    ARRAY JOIN found AS page
    GROUP BY session_id, path
)
GROUP BY path
HAVING views > 0;
