CREATE OR REPLACE VIEW decisions
(
    decision_id String COMMENT 'Signed id of the decision',
    decided_at DateTime64(3, 'UTC') COMMENT 'When the homepage endpoint answered',
    device_id String COMMENT 'The device it was for; empty where none was known',
    scenario LowCardinality(String) COMMENT 'The scenario that matched',
    variant LowCardinality(String) COMMENT 'The homepage variant that was chosen',
    experiment LowCardinality(String) COMMENT 'The experiment that chose it, if one did',
    arm LowCardinality(String) COMMENT 'The arm of that experiment',
    reason String COMMENT 'Why this variant',
    degraded Bool COMMENT 'Decided without the visitor''s state: unknown to us or too slow',
    latency_ms Float32 COMMENT 'Time the decision took, in milliseconds',
    shown Bool COMMENT 'An event that is no bot''s carries this decision_id: it was an exposure'
)
AS SELECT
    decision_id,
    decided_at,
    device_id,
    scenario,
    variant,
    experiment,
    arm,
    reason,
    degraded,
    latency_ms,
    toBool(decision_id IN (
        SELECT decision_id FROM events WHERE decision_id != ''
    )) AS shown
FROM decisions_stored FINAL
COMMENT 'Every homepage decision, and whether it was shown';
