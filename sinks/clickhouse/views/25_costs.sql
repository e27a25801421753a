CREATE OR REPLACE VIEW costs
(
    day Date COMMENT 'The day, in the site''s timezone',
    utm_source LowCardinality(String) COMMENT 'Of the campaign''s links',
    utm_medium LowCardinality(String) COMMENT 'Of the campaign''s links',
    utm_campaign LowCardinality(String) COMMENT 'Of the campaign''s links',
    utm_content LowCardinality(String) COMMENT 'Of the campaign''s links',
    utm_term LowCardinality(String) COMMENT 'Of the campaign''s links',
    cost Decimal(18, 4) COMMENT 'What it cost that day, in currency',
    currency LowCardinality(String) COMMENT 'Currency of cost; empty for the site''s own',
    cost_site Nullable(Decimal(38, 4)) COMMENT 'cost in the site''s currency; null where the rate is not known',
    impressions Nullable(UInt64) COMMENT 'How often it was shown; null where not said',
    clicks Nullable(UInt64) COMMENT 'How often it was clicked; null where not said',
    sent Nullable(UInt64) COMMENT 'How many mails or letters went out; null where not said'
)
AS SELECT
    day, utm_source, utm_medium, utm_campaign, utm_content, utm_term, cost, currency,
    {site_money(cost, currency)} AS cost_site, impressions, clicks, sent
FROM costs_stored FINAL
COMMENT 'What campaigns cost a day, one row a day and campaign';
