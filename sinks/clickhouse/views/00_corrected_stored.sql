-- Not for analysts: rows of events_stored, each event once, and beside what they were stored with
-- what corrections say of them. `events_all` reads it, a squash writes what it says back.
-- A person's span speaks of no event that names its own user, unless that login was taken back; bots
-- and pseudonyms have no person and get none (design.md section 3b), but for log lines that are joined
-- to who was seen at their address (decision 0012).
-- Corrections that are folded are not looked at, see squashed_stored; CRC-32 modulo 8 is the
-- partition of a device in footfall.raw (schemas/topics.py). Pseudonyms' are never
-- folded, nor what says that a login was taken back.
-- One hash join by device. Most devices have no correction, so what is empty for them is asked for
-- before anything else is: decision 0016 has the figures.
CREATE OR REPLACE VIEW corrected_stored AS
SELECT
    e.*,
    if(
        empty(c.persons),
        e.person_id,
        if(
            (isNull(e.person_id) AND (e.protocol != 'log' OR e.is_bot))
                OR (
                    e.user_id != '' AND e.type != 'alias'
                    AND NOT arrayExists(
                        void -> void.1 = e.user_id AND e.event_time <= void.2, c.voids
                    )
                )
                OR e.event_time > arrayLast(span -> span.1 <= e.event_time, c.persons).2,
            e.person_id,
            ifNull(arrayLast(span -> span.1 <= e.event_time, c.persons).3, e.person_id)
        )
    ) AS owner_id,
    if(
        empty(c.sessions),
        e.session_id,
        if(
            isNull(e.session_id)
                OR e.event_time > arrayLast(span -> span.1 <= e.event_time, c.sessions).2,
            e.session_id,
            ifNull(arrayLast(span -> span.1 <= e.event_time, c.sessions).3, e.session_id)
        )
    ) AS corrected_session,
    if(
        empty(c.bots),
        '',
        arrayFirst(span -> toDate(span.1) = toDate(e.event_time), c.bots).2
    ) AS bot_day,
    c.apart AS apart
FROM events_stored AS e FINAL
ANY LEFT JOIN
(
    SELECT
        device_id,
        arraySort(groupArrayIf((since, until, person_id), what = 'person')) AS persons,
        arraySort(groupArrayIf((since, until, session_id), what = 'session')) AS sessions,
        groupArrayIf((since, toString(bot_reason)), what = 'bot') AS bots,
        groupArrayIf((user_id, until), what = 'void') AS voids,
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
        WHERE startsWith(device_id, 'p_') OR what = 'void' OR version >= (
            SELECT mapFromArrays(groupArray(partition), groupArray(below))
            FROM squashed_stored FINAL
        )[toUInt16(CRC32(device_id) % 8)]
        UNION ALL
        SELECT
            device_id, 'apart' AS what, toDateTime64(0, 3, 'UTC') AS since, since AS until,
            toNullable(resolved_id) AS person_id, NULL AS session_id, '' AS bot_reason,
            '' AS user_id, resolutions_stored.person_id AS apart_from
        FROM resolutions_stored FINAL
        WHERE device_id != ''
    )
    GROUP BY device_id
) AS c ON e.device_id = c.device_id
SETTINGS join_algorithm = 'hash', do_not_merge_across_partitions_select_final = 1;
