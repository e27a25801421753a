CREATE OR REPLACE VIEW identities
(
    identifier String COMMENT 'The identifier''s value',
    kind LowCardinality(String) COMMENT 'cookie, user_id, email, phone, order_id or profile_id',
    person_id UUID COMMENT 'The person it leads to',
    valid_from DateTime64(3, 'UTC') COMMENT 'From when on; 1970 for: since ever',
    reason LowCardinality(String) COMMENT 'Why they were linked, e.g. login'
)
AS SELECT identifier, kind, person_id, min(since) AS valid_from, reason
FROM (SELECT identifier, kind, person_id, reason, valid_from AS since FROM identity_stored FINAL)
GROUP BY identifier, kind, person_id, reason
COMMENT 'Every link from an identifier to a person, with its reason';
