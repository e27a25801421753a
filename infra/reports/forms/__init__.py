"""The four forms of a report: a terminal's table, JSON, CSV, and a page with a picture."""
