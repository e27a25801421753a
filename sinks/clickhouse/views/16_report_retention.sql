-- report_retention(since = '2026-09-01', until = '2026-11-08', period = 'week', zone = 'Europe/Berlin',
-- by = ''): of the persons first seen in one day, week (from Monday) or month, how many came again
-- in each later one.
--   value     what `by` says of the person's first session; '' where by = ''
--   cohort    first day of the period in which the person's first session started
--   number    how many periods later; 0 is the cohort's own
--   persons   persons of the cohort
--   returned  those of them with a session that started in that period
--   complete  whether the period was over at `until`
-- Persons are those whose first session started in [since, until); sessions from `until` on count
-- for nothing. period: day, week or month, in the timezone `zone`. by: a field of sessions, or ''.
-- A parameterized view has no column list, hence no COMMENTs.
CREATE OR REPLACE VIEW report_retention AS
SELECT
    value,
    cohort,
    number,
    count() AS persons,
    countIf(has(numbers, number)) AS returned,
    toBool(
        multiIf(
            {period:String} = 'day', addDays(cohort, number + 1),
            {period:String} = 'week', addWeeks(cohort, number + 1),
            addMonths(cohort, number + 1)
        ) <= toDate({until:DateTime64(3, 'UTC')}, {zone:String})
    ) AS complete
FROM
(
    SELECT
        person_id,
        toDate(multiIf(
            {period:String} = 'day', toDate(min(started_at), {zone:String}),
            {period:String} = 'week', toMonday(min(started_at), {zone:String}),
            {period:String} = 'month', toStartOfMonth(min(started_at), {zone:String}),
            throwIf(true, 'report_retention: period is day, week or month')
                + toDate(min(started_at))
        )) AS cohort,
        groupUniqArray(
            multiIf(
                {period:String} = 'day', toDate(started_at, {zone:String}),
                {period:String} = 'week', toMonday(started_at, {zone:String}),
                toStartOfMonth(started_at, {zone:String})
            )
        ) AS starts,
        arrayMap(
            start -> multiIf(
                {period:String} = 'day', dateDiff('day', cohort, start),
                {period:String} = 'week', intDiv(dateDiff('day', cohort, start), 7),
                dateDiff('month', cohort, start)
            ),
            starts
        ) AS numbers,
        multiIf(
            {period:String} = 'day', toDate({until:DateTime64(3, 'UTC')}, {zone:String}),
            {period:String} = 'week', toMonday({until:DateTime64(3, 'UTC')}, {zone:String}),
            toStartOfMonth({until:DateTime64(3, 'UTC')}, {zone:String})
        ) AS last_start,
        multiIf(
            {period:String} = 'day', dateDiff('day', cohort, last_start),
            {period:String} = 'week', intDiv(dateDiff('day', cohort, last_start), 7),
            dateDiff('month', cohort, last_start)
        ) AS last_number,
        argMin(
            if({by:String} = '', '', {session_field(by)}),
            (started_at, session_id)
        ) AS value
    FROM sessions
    WHERE isNotNull(person_id) AND started_at < {until:DateTime64(3, 'UTC')}
    GROUP BY person_id
    HAVING min(started_at) >= {since:DateTime64(3, 'UTC')}
)
ARRAY JOIN range(toUInt64(last_number + 1)) AS number
GROUP BY value, cohort, number;
