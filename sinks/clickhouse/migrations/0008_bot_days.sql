-- Why all that a device did on a UTC day is a bot's (what = 'bot'); empty for other corrections.
ALTER TABLE corrections_stored ADD COLUMN IF NOT EXISTS bot_reason LowCardinality(String);
