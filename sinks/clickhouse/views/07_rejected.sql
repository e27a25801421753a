CREATE OR REPLACE VIEW rejected
(
    rejected_at DateTime64(3, 'UTC') COMMENT 'When it was refused',
    reason LowCardinality(String) COMMENT 'Why, one of a fixed list (schemas/reasons.py)',
    detail String COMMENT 'What exactly was wrong',
    protocol LowCardinality(String) COMMENT 'How it came in; empty where it was refused later on',
    event_id String COMMENT 'Id of the event, where it could be read',
    original String COMMENT 'The refused bytes as they came',
    rejected_id UUID COMMENT 'Id of the refusal; a repeated refusal has the same'
)
AS SELECT rejected_at, reason, detail, protocol, event_id, original, rejected_id
FROM rejected_stored FINAL
WHERE toUnixTimestamp64Milli(replayed_at) = 0
COMMENT 'Every input that was refused, with its original bytes';
