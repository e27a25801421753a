-- report_identity(since = '2026-11-01', until = '2026-11-08'): how persons, devices and logins hang
-- together: of persons and devices with an event in [since, until), UTC, all that is known of them
-- until then. Rows (about, what, count):
--   'events by'     events in that time, by how their person is known
--   'identifiers a person' (cookies and logins), 'devices a person', 'logins a person',
--   'logins a device'
--                   persons (devices) by how many of these they have
--   'links by'      links from an identifier to a person, by its kind and the link's reason
--   'suspicious'    devices with more than 5 logins on one day: logins of such a day link nobody
-- A device is a cookie or an SDK's id: neither a pseudonym nor a backend that speaks for a user.
CREATE OR REPLACE VIEW report_identity AS
SELECT one.1 AS about, one.2 AS what, sum(one.3) AS count
FROM
(
    SELECT
        person_id,
        uniqExactIf(device_id, NOT match(device_id, '^(user:|email:|phone:|order:|p_)')) AS devices,
        uniqExactIf(user_id, user_id != '') AS logins,
        countIf(event_time >= {since:DateTime64(3, 'UTC')}) AS recent
    FROM events
    WHERE event_time < {until:DateTime64(3, 'UTC')}
    GROUP BY person_id
    HAVING recent > 0
)
ARRAY JOIN if(
    isNull(person_id),
    [('events by', 'nobody: no consent, or a log line', recent)],
    [
        ('events by', if(logins > 0, 'a person with a login', 'a person known by cookie'), recent),
        ('identifiers a person', if(devices + logins > 5, '6 or more', toString(devices + logins)), toUInt64(1)),
        ('devices a person', if(devices > 5, '6 or more', toString(devices)), toUInt64(1)),
        ('logins a person', if(logins > 5, '6 or more', toString(logins)), toUInt64(1))
    ]
) AS one
GROUP BY about, what
UNION ALL
SELECT one.1 AS about, one.2 AS what, sum(one.3) AS count
FROM
(
    SELECT
        device_id,
        length(arrayDistinct(groupArrayArray(users))) AS logins,
        max(length(users)) > 5 AS suspicious,
        sum(recent_that_day) AS recent
    FROM
    (
        SELECT
            device_id,
            groupUniqArrayIf(user_id, user_id != '' AND type != 'alias') AS users,
            countIf(event_time >= {since:DateTime64(3, 'UTC')}) AS recent_that_day
        FROM events
        WHERE event_time < {until:DateTime64(3, 'UTC')}
            AND NOT match(device_id, '^(user:|email:|phone:|order:|p_)')
        GROUP BY device_id, toDate(event_time)
    )
    GROUP BY device_id
    HAVING recent > 0
)
ARRAY JOIN [
    ('logins a device', if(logins > 5, '6 or more', toString(logins)), toUInt64(1)),
    ('suspicious', 'devices with more than 5 logins on one day', toUInt64(suspicious))
] AS one
GROUP BY about, what
UNION ALL
SELECT 'links by' AS about, concat(kind, ', ', reason) AS what, count() AS count
FROM identities
WHERE valid_from < {until:DateTime64(3, 'UTC')}
GROUP BY kind, reason;
