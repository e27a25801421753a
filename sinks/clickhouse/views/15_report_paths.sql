-- report_paths(since = '2026-11-01', until = '2026-11-08'): one row a step from a page to the next,
-- in sessions that started in [since, until), UTC. The same page again is no step.
--   from_path  where the step leads from; '' for the entry into the session
--   to_path    where it leads to; '' for the exit from it
--   steps      how often this step was made
--   sessions   sessions that made it
--   of_steps   all steps from from_path, so that steps / of_steps is the share
-- Screens without a path read '(no path)'.
-- A session that goes on for more than a week without a pause counts from then.
-- A parameterized view has no column list, hence no COMMENTs.
CREATE OR REPLACE VIEW report_paths AS
SELECT
    from_path,
    to_path,
    made AS steps,
    by_sessions AS sessions,
    sum(made) OVER (PARTITION BY from_path) AS of_steps
FROM
(
    SELECT
        step.1 AS from_path,
        step.2 AS to_path,
        count() AS made,
        uniqExact(session_id) AS by_sessions
    FROM
    (
        SELECT
            session_id,
            arrayCompact(arrayMap(
                one -> if(one.3 = '', '(no path)', one.3),
                arraySort(groupArrayIf(
                    (event_time, event_id, path), type IN ('page', 'screen')
                ))
            )) AS pages
        FROM events
        WHERE isNotNull(session_id)
            AND event_time >= {since:DateTime64(3, 'UTC')} - INTERVAL 7 DAY
        GROUP BY session_id
        HAVING min(event_time) >= {since:DateTime64(3, 'UTC')}
            AND min(event_time) < {until:DateTime64(3, 'UTC')}
            AND notEmpty(pages)
    )
    ARRAY JOIN arrayZip(arrayPushFront(pages, ''), arrayPushBack(pages, '')) AS step
    GROUP BY from_path, to_path
);
