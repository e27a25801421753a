"""What is wrong with a catalogue's file, told by line."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import polars as pl

LINE = "line of the file"  # a name that no column has
MAX_TOLD = 50


class CatalogueError(Exception):
    """The file is no catalogue; `problems` says why, each with its line."""

    def __init__(self, path: Path, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
        super().__init__(f"{path}: {problems[0]}{more}")


class Problems:
    def __init__(self) -> None:
        self._told: list[tuple[int, str]] = []

    def add(self, line: int, what: str) -> None:
        self._told.append((line, what))

    def where(self, rows: pl.DataFrame, bad: pl.Expr, column: str, allowed: str) -> None:
        """Tells of each row in which a column's text is not what is allowed."""
        found = rows.filter(bad.fill_null(False)).select(LINE, column).head(MAX_TOLD)
        for line, text in found.iter_rows():
            self.add(line, f"{column} is {text[:60]!r}; allowed: {allowed}")

    def raise_any(self, path: Path) -> None:
        if self._told:
            told = sorted(self._told)[:MAX_TOLD]
            raise CatalogueError(path, [f"line {line}: {what}" for line, what in told])
