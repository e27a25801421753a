-- Who is another user's alias is that one's person; a device above the limit leads to nobody else.
CREATE OR REPLACE VIEW identities
(
    identifier String COMMENT 'The identifier''s value',
    kind LowCardinality(String) COMMENT 'cookie, user_id, email, phone, order_id, profile_id, or pseudonym of log lines',
    person_id UUID COMMENT 'The person it leads to, as known now',
    valid_from DateTime64(3, 'UTC') COMMENT 'From when on; 1970 for: since ever',
    reason LowCardinality(String) COMMENT 'Why they were linked, e.g. login'
)
AS SELECT identifier, kind, person AS person_id, min(since) AS valid_from, reason
FROM
(
    SELECT
        identifier, kind, reason, since,
        if(isNull(r.root_id), holding.person_id, r.root_id) AS person
    FROM
    (
        SELECT
            identifier, kind, person_id, reason,
            argMax((valid_from, status, removed), version) AS newest,
            newest.1 AS since
        FROM identity_stored
        GROUP BY identifier, kind, person_id, reason, device_id
        HAVING newest.2 = 'applied' AND NOT newest.3
    ) AS holding
    ANY LEFT JOIN
    (
        SELECT person_id AS alias_id, toNullable(resolved_id) AS root_id
        FROM resolutions_stored FINAL
        WHERE device_id = ''
    ) AS r ON holding.person_id = r.alias_id
)
WHERE kind != 'cookie' OR (identifier, assumeNotNull(person)) NOT IN
(
    SELECT device_id, person_id FROM resolutions_stored FINAL WHERE device_id != ''
)
GROUP BY identifier, kind, person, reason
COMMENT 'Every link from an identifier to a person that holds now, with its reason';
