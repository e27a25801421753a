"""The demo's SQL desk: a page on which a newcomer asks ClickHouse by hand."""
