"""A report for programs: JSON and CSV. Rates are fractions, money is a plain number."""

from __future__ import annotations

import csv
import io

import msgspec

from infra.reports.report import Report


def as_json(report: Report) -> bytes:
    """One object; `rows` are objects by column name, null where there is no value."""
    names = [column.name for column in report.columns]
    value = {
        "name": report.name,
        "title": report.title,
        "sentence": report.sentence,
        "from": report.since.isoformat(),
        "to": report.until.isoformat(),
        "columns": [
            {"name": column.name, "kind": column.kind, "what": column.what}
            for column in report.columns
        ],
        "rows": [dict(zip(names, row, strict=True)) for row in report.rows],
        "notes": report.notes,
    }
    return msgspec.json.format(msgspec.json.encode(value)) + b"\n"


def as_csv(report: Report) -> bytes:
    """RFC 4180, UTF-8: a line of column names, then the rows; nothing where there is no value."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow([column.name for column in report.columns])
    writer.writerows(report.rows)
    return out.getvalue().encode()
