-- What the desk offers to ask, in the order it is shown. `-- ## ` begins a group, `-- # ` a question,
-- plain comments below it say what to look for; then comes one query. Times are UTC.

-- ## See

-- # Where do visits come from, and what becomes of them?
-- A session is one visit; it counts for the site or campaign that brought it.
SELECT
    referrer_medium,
    count() AS visits,
    round(avg(pages), 1) AS pages_a_visit,
    round(100 * countIf(bounced) / visits, 1) AS left_at_once_pct,
    round(100 * countIf(orders > 0) / visits, 1) AS ordered_pct,
    sum(revenue) AS revenue
FROM sessions
GROUP BY referrer_medium
ORDER BY visits DESC;

-- # What do readers of the encyclopedia look at?
-- The share of visits that saw each product page, beside everybody else's: what they came for.
WITH readers AS (SELECT session_id FROM sessions WHERE referrer_source = 'Encyclopedia')
SELECT
    path,
    uniqExactIf(session_id, session_id IN readers) AS readers_visits,
    round(100 * readers_visits / (SELECT count() FROM readers), 1) AS of_readers_pct,
    round(
        100 * uniqExactIf(session_id, session_id NOT IN readers)
            / (SELECT count() FROM sessions WHERE referrer_source != 'Encyclopedia'), 1
    ) AS of_others_pct
FROM events
WHERE type = 'page' AND path LIKE '/p/%' AND isNotNull(session_id)
GROUP BY path
ORDER BY readers_visits DESC, of_others_pct DESC
LIMIT 25;

-- # What was searched for, and hardly found?
-- Words with fewer than five results: what is missing in the shop, or called something else.
SELECT
    lower(search_query) AS searched,
    count() AS searches,
    uniqExact(session_id) AS visits,
    min(search_results) AS fewest_results,
    max(search_results) AS most_results
FROM events
WHERE name = 'Products Searched'
GROUP BY searched
HAVING most_results < 5
ORDER BY searches DESC, searched
LIMIT 50;

-- # Which toys were bought, and where had the buyers come from?
-- `properties` is JSON, queryable by path. Each order once (LIMIT 1 BY), its products as rows.
SELECT
    product.name::String AS product,
    product.category::String AS category,
    uniqExact(order_id) AS orders,
    sum(ifNull(toUInt32OrNull(toString(product.quantity)), 1)) AS pieces,
    topKIf(3)(source, source != '') AS buyers_came_from
FROM
(
    SELECT e.order_id AS order_id, e.properties.products[] AS products, s.referrer_source AS source
    FROM events AS e LEFT JOIN sessions AS s ON e.session_id = s.session_id
    WHERE e.name = 'Order Completed'
    ORDER BY e.event_time
    LIMIT 1 BY e.order_id
)
ARRAY JOIN products AS product
GROUP BY product, category
ORDER BY orders DESC, pieces DESC
LIMIT 25;

-- # How far do persons come: product, cart, checkout, order?
-- ClickHouse's own windowFunnel, within a day. A person who came by phone and by laptop is one.
WITH reached AS
(
    SELECT
        person_id,
        windowFunnel(86400000)(
            toUInt64(toUnixTimestamp64Milli(event_time)),
            path LIKE '/p/%' AND type = 'page',
            name = 'Product Added',
            name = 'Checkout Started',
            name = 'Order Completed'
        ) AS step
    FROM events
    WHERE isNotNull(person_id)
    GROUP BY person_id
)
SELECT
    ['product', 'cart', 'checkout', 'order'][number] AS step_name,
    countIf(step >= number) AS persons,
    round(100 * persons / greatest(1, countIf(step >= 1)), 1) AS of_all_pct,
    round(100 * persons / greatest(1, countIf(step >= number - 1 AND step >= 1)), 1) AS of_step_before_pct
FROM reached CROSS JOIN (SELECT arrayJoin([1, 2, 3, 4]) AS number) AS steps
GROUP BY number
ORDER BY number;

-- # What happened in the last ten minutes?
-- Click in the shop, run this again: an event is here within seconds.
SELECT event_time, name, path, referrer_source, variant, user_id, device_class, person_id
FROM events
WHERE event_time > now() - INTERVAL 10 MINUTE
ORDER BY event_time DESC
LIMIT 100;

-- ## Recognize

-- # Who is one person, before and after the login?
-- The pages before the login have no user_id, and the same person_id: history is told anew.
WITH
(
    SELECT person_id
    FROM events
    WHERE isNotNull(person_id)
    GROUP BY person_id
    HAVING uniqExactIf(user_id, user_id != '') = 1 AND count() <= 60
        AND minIf(event_time, type = 'page') < minIf(event_time, user_id != '')
    ORDER BY uniqExact(device_id) DESC, count() DESC, person_id
    LIMIT 1
) AS somebody
SELECT
    event_time, if(name = '', type, name) AS what, path, user_id, person_id, device_class, device_id
FROM events
WHERE person_id = somebody
ORDER BY event_time, event_id;

-- # Who was recognized on several devices?
-- A phone and a laptop with one login are one person, so funnels do not count them twice.
SELECT
    p.person_id AS person_id,
    i.logins AS logins,
    p.devices AS devices,
    p.sessions AS visits,
    p.orders AS orders,
    p.revenue AS revenue,
    p.first_seen AS first_seen,
    p.last_seen AS last_seen
FROM persons AS p
LEFT JOIN
(
    SELECT person_id, arraySort(groupUniqArray(identifier)) AS logins
    FROM identities WHERE kind = 'user_id' GROUP BY person_id
) AS i ON p.person_id = i.person_id
WHERE p.devices > 1
ORDER BY devices DESC, visits DESC, person_id
LIMIT 50;

-- # Which computers are shared by a family, and kept apart?
-- One cookie, several persons: a logout or another login ends what belongs to the one before.
SELECT
    device_id,
    uniqExact(person_id) AS persons,
    arraySort(groupUniqArrayIf(user_id, user_id != '')) AS logins,
    count() AS events,
    uniqExact(session_id) AS visits,
    max(event_time) AS last_seen
FROM events
WHERE isNotNull(person_id)
GROUP BY device_id
HAVING persons > 1
ORDER BY persons DESC, events DESC, device_id
LIMIT 50;

-- # Which identifiers lead to persons, and why?
-- Every link has its reason. Nothing is merged by guessing.
SELECT
    kind,
    reason,
    count() AS links,
    uniqExact(person_id) AS persons,
    anyLast(identifier) AS for_example
FROM identities
GROUP BY kind, reason
ORDER BY links DESC;

-- ## Decide

-- # Which homepage sells, and to whom?
-- Order rate by where the visit came from and the homepage it saw. Below 30 visits, say nothing.
SELECT
    if(referrer_source = '', referrer_medium, referrer_source) AS came_from,
    variant,
    count() AS visits,
    countIf(orders > 0) AS with_order,
    round(100 * with_order / visits, 1) AS ordered_pct,
    if(visits < 30, 'too few to tell', '') AS note
FROM sessions
WHERE variant != ''
GROUP BY came_from, variant
ORDER BY sum(visits) OVER (PARTITION BY came_from) DESC, came_from, visits DESC
LIMIT 60;

-- # Which decisions were made, shown, and how fast?
-- Asking for a homepage is no exposure: a decision counts once the page that shows it reports back.
SELECT
    scenario,
    variant,
    count() AS decisions,
    round(100 * countIf(shown) / decisions, 1) AS shown_pct,
    countIf(degraded) AS degraded,
    round(quantile(0.5)(latency_ms), 2) AS median_ms,
    round(quantile(0.99)(latency_ms), 2) AS p99_ms
FROM decisions
GROUP BY scenario, variant
ORDER BY decisions DESC;

-- # How does the experiment stand?
-- Newcomers from search engines are split by a stable hash; the hold-out always gets the default.
SELECT
    experiment,
    arm,
    variant,
    count() AS visits,
    countIf(orders > 0) AS with_order,
    round(100 * with_order / visits, 1) AS ordered_pct,
    if(visits < 30, 'too few to tell', '') AS note
FROM sessions
WHERE experiment != ''
GROUP BY experiment, arm, variant
ORDER BY experiment, visits DESC;

-- ## Trust

-- # Is every event here exactly once?
-- However often it was sent, whatever was killed: as many rows as different events.
SELECT
    count() AS events,
    uniqExact((device_id, event_id)) AS different_events,
    (events = different_events)::Bool AS each_exactly_once,
    uniqExact(device_id) AS devices,
    min(event_time) AS first,
    max(event_time) AS last
FROM events_all;

-- # What is known about those who refused consent?
-- They are counted under a pseudonym that changes daily, and are part of no person.
SELECT
    consent,
    count() AS events,
    uniqExact(session_id) AS visits,
    countIf(isNotNull(person_id)) AS events_of_a_person,
    uniqExactIf(person_id, isNotNull(person_id)) AS persons
FROM events
GROUP BY consent
ORDER BY events DESC;

-- # Who are the bots, and how do we know?
-- Kept and marked, and out of every funnel, person and decision.
SELECT
    bot_reason,
    browser,
    count() AS events,
    uniqExact(device_id) AS devices,
    max(event_time) AS last_seen,
    topK(3)(path) AS most_wanted
FROM events_all
WHERE is_bot
GROUP BY bot_reason, browser
ORDER BY events DESC
LIMIT 50;

-- # What was refused, and why?
-- Nothing is dropped silently: `original` holds the bytes as they came.
SELECT
    reason,
    count() AS refused,
    max(rejected_at) AS last_time,
    any(detail) AS for_example,
    any(original) AS its_bytes
FROM rejected
GROUP BY reason
ORDER BY refused DESC;
