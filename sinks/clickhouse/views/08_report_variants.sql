-- report_variants(since = '2026-11-01', until = '2026-11-08', by = 'referrer_source'): one row a
-- value of `by` and homepage variant, of the sessions that started in [since, until), UTC.
--   value                what `by` says of the session
--   variant              the first homepage variant it was shown; '' for none
--   sessions             sessions
--   sessions_with_order  those of them that ordered
--   orders               their orders
--   currencies           those they paid in
--   revenue, currency    their money; null and '' where they paid in several currencies
-- A parameterized view has no column list, hence no COMMENTs.
CREATE OR REPLACE VIEW report_variants AS
SELECT
    value,
    variant,
    count() AS sessions,
    countIf(sessions.orders > 0) AS sessions_with_order,
    sum(sessions.orders) AS orders,
    groupUniqArrayIf(sessions.currency, sessions.currency != '') AS currencies,
    if(
        length(currencies) > 1 OR countIf(isNull(sessions.revenue)) > 0,
        NULL,
        sum(sessions.revenue)
    ) AS revenue,
    if(length(currencies) = 1 AND isNotNull(revenue), currencies[1], '') AS currency
FROM
(
    SELECT
        {session_field(by)} AS value,
        variant, orders, revenue, currency
    FROM sessions
    WHERE started_at >= {since:DateTime64(3, 'UTC')} AND started_at < {until:DateTime64(3, 'UTC')}
) AS sessions
GROUP BY value, variant;
