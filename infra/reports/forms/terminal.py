"""A report as a table on a terminal."""

from __future__ import annotations

import itertools

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from infra.reports.forms.wording import columns_shown, period, shown
from infra.reports.report import Column, Report

_STYLES = {
    "higher": "green",
    "lower": "red",
    "holds": "green",
    "broken": "bold red",
    "mismatch": "bold red",
}
_WIDE = 400  # of what is no terminal: whoever reads the output folds it as he likes


def show(report: Report, console: Console | None = None) -> None:
    """Print to the console given, else to standard output."""
    console = console or Console()
    if not console.is_terminal:
        console.width = _WIDE
    console.print(as_text(report, console))


def as_text(report: Report, console: Console) -> RenderableType:
    """Columns that are details are left out, from the right, where the console is too narrow."""
    columns = columns_shown(report)
    left_out: list[str] = []
    table = _table(report, columns)
    for column in [column for column in reversed(columns) if column.detail]:
        if _width(table, console) <= console.width:
            break
        columns.remove(column)
        left_out.insert(0, column.title)
        table = _table(report, columns)
    notes = list(report.notes)
    if left_out:
        notes.append(f"Left out, for want of room: {', '.join(left_out)}.")
    head = Text.assemble((report.title, "bold"), f", {period(report)}")
    said = [Text(note, style="dim") for note in notes]
    return Group(head, Text(report.sentence), Text(), table, Text(), *said)


def _width(table: Table, console: Console) -> int:
    """What the table takes where nothing is folded."""
    return console.measure(table, options=console.options.update(max_width=_WIDE)).maximum


def _table(report: Report, columns: list[Column]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for column in columns:
        is_text = column.kind in ("text", "verdict")
        table.add_column(
            column.title, justify="left" if is_text else "right", overflow="fold", vertical="bottom"
        )
    for _, rows in itertools.groupby(report.rows, key=lambda row: row[0]):
        for place, row in enumerate(rows):
            cells = [Text(shown(report, row, column)) for column in columns]
            for cell, column in zip(cells, columns, strict=True):
                if column.kind == "verdict":
                    cell.stylize(_STYLES.get(cell.plain, "dim"))
            table.add_row(*(cells if place == 0 else [Text(), *cells[1:]]))
    return table
