"""Reports: questions analysts ask every week, each computed in ClickHouse, each in four forms.

A report is a value (`report.Report`); `forms/` shows it on a terminal and as JSON, CSV or a page.
One report, one file: what it asks, what its rows mean, and what its columns say.
"""
