"""The shop's pages, by what a visitor is about."""
