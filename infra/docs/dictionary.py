"""The data dictionary: what every view and column means, taken from where it is defined.

The texts are the COMMENTs of `sinks/clickhouse/views/*.sql`, which ClickHouse shows too (DESCRIBE,
system.columns); of a parameterized view, which can have none, the comment above it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

import sinks.clickhouse

PAGE = Path(__file__).with_name("data-dictionary.md")
_SQL = Path(sinks.clickhouse.__file__).parent

_VIEW = re.compile(r"^CREATE OR REPLACE VIEW (\w+)", re.MULTILINE)
_TABLE = re.compile(r"^CREATE TABLE IF NOT EXISTS (\w+)", re.MULTILINE)
_COLUMN = re.compile(r"^    (\w+) (.+?) COMMENT '((?:[^']|'')*)',?$", re.MULTILINE)
_SAME_COLUMNS = re.compile(r"\{columns_of_(\w+)\}")
_OWN_COMMENT = re.compile(r"^COMMENT '((?:[^']|'')*)'\s*\Z", re.MULTILINE)
_NO_COLUMNS = "A parameterized view has no column list, hence no COMMENTs."
_BORDER = re.compile(r"\{seconds_of_\w+\}")

_HEAD = """# Data dictionary

Every view in the database `footfall`, made by `make dictionary` from `sinks/clickhouse/views`; do
not edit it here. `DESCRIBE events` in ClickHouse shows the same. How to ask: [recipes](recipes.md).
"""
_REPORTS = """
## Reports

Views with parameters, `SELECT * FROM report_variants(since = '2026-11-01', ...)`: what the commands
`footfall report` compute with.
"""
_STORAGE = """
## Storage tables

What the views read. A row may be there several times until ClickHouse merges it, and a person or
session is the one that was known when the row was written: ask the views instead.

| table | holds |
|---|---|
"""


class Column(msgspec.Struct, frozen=True):
    name: str
    type: str
    meaning: str


class View(msgspec.Struct, frozen=True):
    """`above`: the comment over its definition. `columns`: () for a parameterized view."""

    name: str
    meaning: str
    above: str
    columns: tuple[Column, ...]


def page() -> str:
    """The whole page, in Markdown."""
    found = list(views())
    parts = [_HEAD, *(_view(view) for view in found if view.columns), _REPORTS]
    parts += [_report(view) for view in found if not view.columns]
    parts.append(_STORAGE + "".join(f"| `{name}` | {text} |\n" for name, text in tables()))
    return "".join(parts)


def views(folder: Path = _SQL / "views") -> Iterator[View]:
    """In the order in which they are made."""
    columns: dict[str, tuple[Column, ...]] = {}
    for statement in _statements(sorted(folder.glob("*.sql"))):
        if (named := _VIEW.search(statement)) is None:
            continue
        name, above = named[1], _prose(statement[: named.start()])
        if same := _SAME_COLUMNS.search(statement):
            columns[name] = columns[same[1]]
        else:
            rows = _COLUMN.findall(statement)
            columns[name] = tuple(Column(row[0], row[1], _text(row[2])) for row in rows)
        own = _OWN_COMMENT.search(statement)
        yield View(name, _text(own[1]) if own else "", above, columns[name])


def tables(folder: Path = _SQL / "migrations") -> Iterator[tuple[str, str]]:
    """Storage tables with the comment above their definition."""
    for statement in _statements(sorted(folder.glob("*.sql"))):
        if named := _TABLE.search(statement):
            above = _prose(statement[: named.start()])
            yield named[1], " ".join(above.split()).replace("|", "\\|")


def _statements(files: Iterable[Path]) -> Iterator[str]:
    """With the comments above each."""
    for file in files:
        parts = re.split(r";\s*$", file.read_text(), flags=re.MULTILINE)
        yield from (part.strip() for part in parts if part.strip())


def _view(view: View) -> str:
    rows = "".join(
        f"| `{column.name}` | `{column.type}` | {_cell(column.meaning)} |\n"
        for column in view.columns
    )
    return (
        f"\n## {view.name}\n\n{view.meaning}.\n\n| column | type | meaning |\n|---|---|---|\n{rows}"
    )


def _report(view: View) -> str:
    above = view.above.replace(_NO_COLUMNS, "").strip()
    return f"\n### {view.name}\n\n```\n{above}\n```\n"


def _prose(comment: str) -> str:
    lines = (line for line in comment.splitlines() if line.startswith("--"))
    return "\n".join(line.removeprefix("--").removeprefix(" ") for line in lines)


def _text(literal: str) -> str:
    return _BORDER.sub("(site file)", literal.replace("''", "'"))


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
