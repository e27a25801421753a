-- What servers and imports said of members and of the profiles of their accounts. Of each attribute
-- the latest holds, by time, then by event. What a page's key says is no profile (decision 0011).
CREATE OR REPLACE VIEW profiles
(
    person_id Nullable(UUID) COMMENT 'Whose account it is, as known now',
    user_id String COMMENT 'Login or member number of the account',
    profile_id String COMMENT 'Which profile of the account, e.g. a child; empty for the account''s own',
    attributes Map(String, String) COMMENT 'Latest value of each attribute, as text: attributes[''birth_year'']; lists as JSON',
    since DateTime64(3, 'UTC') COMMENT 'When it was first told of',
    updated_at DateTime64(3, 'UTC') COMMENT 'When it was last told of'
)
AS SELECT
    (argMax(tuple(person), told_at)).1 AS person_id,
    user_id,
    profile_id,
    mapFromArrays(
        arrayMap(each -> each.1, arraySort(groupArray((attribute, latest))) AS facts),
        arrayMap(each -> each.2, facts)
    ) AS attributes,
    min(first_told) AS since,
    max(told_at) AS updated_at
FROM
(
    SELECT
        user_id,
        profile_id,
        fact.1 AS attribute,
        argMax(
            if(startsWith(fact.2, '"'), JSONExtractString(fact.2), fact.2), (event_time, event_id)
        ) AS latest,
        argMax(tuple(person_id), (event_time, event_id)).1 AS person,
        min(event_time) AS first_told,
        max(event_time) AS told_at
    FROM
    (
        SELECT
            *,
            arrayFilter(
                fact -> fact.1 NOT IN ('profile_id', 'email_verified', 'phone_verified'),
                JSONExtractKeysAndValuesRaw(toJSONString(properties))
            ) AS facts
        FROM events
        WHERE type = 'identify' AND user_id != '' AND has(notes, 'said_by_server')
    )
    ARRAY JOIN facts AS fact
    GROUP BY user_id, profile_id, attribute
)
GROUP BY user_id, profile_id
COMMENT 'One row a profile of an account, with the latest value of each attribute';
