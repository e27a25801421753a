CREATE OR REPLACE VIEW identity_conflicts
(
    identifier String COMMENT 'The identifier''s value',
    kind LowCardinality(String) COMMENT 'cookie, user_id, email, phone, order_id, profile_id, or pseudonym of log lines',
    person_id UUID COMMENT 'The person it does not lead to',
    valid_from DateTime64(3, 'UTC') COMMENT 'Since when something says that it does',
    reason LowCardinality(String) COMMENT 'What says so, e.g. mail_click or verified_email',
    status LowCardinality(String) COMMENT 'conflict: others have the better claim; suspicious: over a limit; revoked',
    device_id String COMMENT 'Where it was seen',
    evidence String COMMENT 'Id of an event that says so'
)
AS SELECT
    identifier, kind, person_id, newest.1 AS valid_from, reason, newest.2 AS status, device_id,
    newest.4 AS evidence
FROM
(
    SELECT
        identifier, kind, person_id, reason, device_id,
        argMax((valid_from, status, removed, evidence), version) AS newest
    FROM identity_stored
    GROUP BY identifier, kind, person_id, reason, device_id
    HAVING newest.2 != 'applied' AND NOT newest.3
)
COMMENT 'Links that were claimed and do not hold: for a human to look at';
