-- report_experiments(experiment = 'hero', goal = 'Order Completed', within_s = 86400,
-- since = '2026-11-01', until = '2026-11-08'): one row an arm and referrer medium, of the persons who
-- were first shown any arm of the experiment in [since, until), UTC. What they did after that counts
-- for so many seconds; within_s = 0: for good.
--   arm              the person's arm: that of the earliest exposure, whatever was shown later
--   referrer_medium  what the person came by then
--   exposed          persons
--   converted        those of them who reached the goal then or later, in that time
--   revenue          what they paid in that time, in the site's currency, each order once
--   revenue_squares  the sum of the squares of what each person paid, for an interval of the mean
--   rate_unknown     orders that are missing in it: of a currency for which the site file has no rate
-- A person counts once. Late events show nothing and reach nothing here, as in live counts.
-- A parameterized view has no column list, hence no COMMENTs.
CREATE OR REPLACE VIEW report_experiments AS
SELECT
    shown.1 AS arm,
    shown.2 AS referrer_medium,
    count() AS exposed,
    countIf(reached) AS converted,
    sum(paid) AS revenue,
    sum(paid * paid) AS revenue_squares,
    sum(length(orders) - length(worth)) AS rate_unknown
FROM
(
    SELECT
        person_id,
        minIf(event_time, experiment = {experiment:String} AND arm != '') AS first,
        argMinIf(
            (toString(arm), toString(referrer_medium)),
            (event_time, toString(arm), toString(referrer_medium)),
            experiment = {experiment:String} AND arm != ''
        ) AS shown,
        if({within_s:UInt32} = 0, toDateTime64('2200-01-01', 3, 'UTC'),
            addSeconds(first, {within_s:UInt32})) AS last,
        arrayExists(
            at -> at >= first AND at <= last,
            groupArrayIf(event_time, name = {goal:String} AND name != '')
        ) AS reached,
        groupArrayIf(
            (
                if(order_id = '', toString(event_id), order_id),
                event_time,
                toFloat64(if(revenue IS NULL, 0, revenue_site))
            ),
            name = 'Order Completed'
        ) AS told,
        arrayFilter(each -> each.2 >= first AND each.2 <= last, told) AS mine,
        arrayDistinct(arrayMap(each -> each.1, mine)) AS orders,
        arrayReduce(
            'maxMap',
            arrayMap(
                each -> map(each.1, assumeNotNull(each.3)),
                arrayFilter(each -> isNotNull(each.3), mine)
            )
        ) AS worth,
        arraySum(mapValues(worth)) AS paid
    FROM events
    WHERE isNotNull(person_id) AND NOT late
        AND (experiment = {experiment:String} OR name IN ({goal:String}, 'Order Completed'))
    GROUP BY person_id
    HAVING countIf(experiment = {experiment:String} AND arm != '') > 0
)
WHERE first >= {since:DateTime64(3, 'UTC')} AND first < {until:DateTime64(3, 'UTC')}
GROUP BY arm, referrer_medium;
