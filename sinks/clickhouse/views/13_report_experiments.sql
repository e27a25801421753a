-- report_experiments(experiment = 'hero', goal = 'Order Completed', since = '2026-11-01',
-- until = '2026-11-08'): one row an arm, of the persons who were first shown any arm of the
-- experiment in [since, until), UTC.
--   arm        the person's arm: that of the earliest exposure, whatever was shown later
--   exposed    persons
--   converted  those of them who reached the goal then or later
-- A person counts once. Late events show nothing and reach nothing here, as in live counts.
-- A parameterized view has no column list, hence no COMMENTs.
CREATE OR REPLACE VIEW report_experiments AS
SELECT
    shown AS arm,
    count() AS exposed,
    countIf(reached >= first) AS converted
FROM
(
    SELECT
        person_id,
        minIf(event_time, experiment = {experiment:String} AND arm != '') AS first,
        argMinIf(
            toString(arm), (event_time, toString(arm)),
            experiment = {experiment:String} AND arm != ''
        ) AS shown,
        maxIf(event_time, name = {goal:String} AND name != '') AS reached
    FROM events
    WHERE isNotNull(person_id) AND NOT late
        AND (experiment = {experiment:String} OR name = {goal:String})
    GROUP BY person_id
    HAVING countIf(experiment = {experiment:String} AND arm != '') > 0
)
WHERE first >= {since:DateTime64(3, 'UTC')} AND first < {until:DateTime64(3, 'UTC')}
GROUP BY arm;
