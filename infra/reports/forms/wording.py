"""How people read a report's values: on a terminal and on a page alike."""

from __future__ import annotations

from math import ceil, floor, log10

from infra.reports.report import Cell, Column, Report, Row


def columns_shown(report: Report) -> list[Column]:
    """All but those that are shown inside another: ends of intervals, currencies."""
    inside = {name for column in report.columns for name in (*column.bounds, column.currency)}
    return [column for column in report.columns if column.name not in inside]


def shown(report: Report, row: Row, column: Column) -> str:
    """One cell, with its interval or currency, on one line."""
    value = report.cell(row, column.name)
    if value is None:
        return ""
    text = _number(value, column) if not isinstance(value, str) else _safe(value)
    if column.kind == "text":
        return text or column.empty
    low, high = (report.cell(row, name) for name in column.bounds)
    if low is not None and high is not None:
        text += f" [{_number(low, column, bare=True)}, {_number(high, column, bare=True)}]"
    if column.currency and (currency := report.cell(row, column.currency)):
        text += f" {_safe(str(currency))}"
    return text


def share_text(share: float, *, bare: bool = False) -> str:
    """A share in percent with one decimal, or as many as it takes not to read as all or none."""
    distance = min(share, 1 - share) * 100
    decimals = 1 if distance <= 0 or distance >= 0.06 else min(ceil(-log10(distance)), 9)
    if share > 0.5 and decimals > 1:
        share = floor(share * 10 ** (decimals + 2)) / 10 ** (decimals + 2)
    return f"{share * 100:.{decimals}f}" + ("" if bare else "%")


def duration_text(seconds: float) -> str:
    """Two units at most: 4.2 s, 3 m 05 s, 2 h 10 m, 3 d 04 h."""
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    for size, unit, smaller, name in ((86_400, "d", 3600, "h"), (3600, "h", 60, "m")):
        if whole >= size:
            return f"{whole // size} {unit} {whole % size // smaller:02} {name}"
    return f"{whole // 60} m {whole % 60:02} s"


def period(report: Report) -> str:
    return f"{report.since:%Y-%m-%d %H:%M} to {report.until:%Y-%m-%d %H:%M} {report.until:%Z}"


def _number(value: Cell, column: Column, *, bare: bool = False) -> str:
    """`bare`: without its unit."""
    assert isinstance(value, int | float)
    match column.kind:
        case "rate":
            return share_text(value, bare=bare)
        case "difference":
            return f"{value * 100:+.1f}" + ("" if bare else " pp")
        case "money":
            return f"{value:,.2f}"
        case "seconds":
            return duration_text(value)
        case _:
            return f"{value:,}"


def _safe(text: str) -> str:
    """Text from outside without what would steer a terminal."""
    return "".join(char if char.isprintable() else "�" for char in text)
