-- A contact is an event; so it has a person as known now, and stands in time beside page views.
CREATE OR REPLACE VIEW contacts
(
    contact_id String COMMENT 'Its number in the system it comes from; the event''s id where it has none',
    contacted_at DateTime64(3, 'UTC') COMMENT 'When it happened',
    channel LowCardinality(String) COMMENT 'call, mail, chat, letter or visit',
    direction LowCardinality(String) COMMENT 'in: the customer turned to us; out: we to him',
    person_id Nullable(UUID) COMMENT 'Whose it is, as known now; a stranger''s own until the address is verified as somebody''s',
    user_id String COMMENT 'Login or member number, where the contact names one',
    order_id String COMMENT 'Order it is about, where it names one',
    subject String COMMENT 'What it is about',
    agent String COMMENT 'Who dealt with it',
    answered_at Nullable(DateTime64(3, 'UTC')) COMMENT 'When it was first answered; null where not yet, or not said',
    answer_s Nullable(Int64) COMMENT 'Seconds until the first answer; 172800 are the 48 hours of a promise',
    duration_s Nullable(UInt32) COMMENT 'How long it took, in seconds; null where not said',
    event_id UUID COMMENT 'The event in events_all'
)
AS SELECT
    if(told_id = '', toString(event_id), told_id) AS contact_id,
    event_time AS contacted_at,
    lower(splitByChar(' ', toString(name))[1]) AS channel,
    if(endsWith(name, ' Received'), 'in', 'out') AS direction,
    person_id,
    user_id,
    order_id,
    properties.subject::String AS subject,
    properties.agent::String AS agent,
    parseDateTime64BestEffortOrNull(properties.answered_at::String, 3, 'UTC') AS answered_at,
    if(answered_at < event_time, NULL, dateDiff('second', event_time, answered_at)) AS answer_s,
    toUInt32OrNull(properties.duration_s::String) AS duration_s,
    event_id
FROM (SELECT *, properties.contact_id::String AS told_id FROM events)
WHERE type = 'track' AND name IN (
    'Call Received', 'Call Made', 'Mail Received', 'Mail Sent', 'Chat Received', 'Chat Sent',
    'Letter Received', 'Letter Sent', 'Visit Received', 'Visit Made'
)
COMMENT 'One row a call, mail, chat, letter or visit';
