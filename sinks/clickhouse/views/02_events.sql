-- The same columns, with their descriptions, as events_all.
CREATE OR REPLACE VIEW events
(
    {columns_of_events_all}
)
AS SELECT * FROM events_all WHERE NOT is_bot
COMMENT 'Each event once, without bots; person and session as known now';
