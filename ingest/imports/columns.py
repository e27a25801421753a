"""The columns of a kind of table: what each holds, how else people call it; and a row of them."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

import msgspec

from ingest.imports.errors import MissingColumns


class Column(msgspec.Struct, frozen=True):
    """`also`: other names that are understood."""

    name: str
    what: str
    also: tuple[str, ...] = ()


class Header(msgspec.Struct, frozen=True):
    """A file's own names, and of each the column it is; '' for one that the kind does not know."""

    names: tuple[str, ...]
    columns: tuple[str, ...]

    @property
    def unknown(self) -> list[str]:
        pairs = zip(self.names, self.columns, strict=True)
        return [name for name, column in pairs if name and not column]


class Row(msgspec.Struct, frozen=True):
    """`cells`: by the names of the kind's columns; `others`: by the header's. None is empty."""

    line: int
    cells: dict[str, str]
    others: dict[str, str]


class Kind(msgspec.Struct, frozen=True):
    """`needs`: of each group at least one column. `others`: what becomes of further columns."""

    name: str
    about: str
    columns: tuple[Column, ...]
    needs: tuple[tuple[str, ...], ...]
    others: str = ""

    @property
    def usage(self) -> str:
        return ", ".join(" or ".join(group) for group in self.needs)

    def header(self, names: Sequence[str]) -> Header:
        """Raises MissingColumns, also where two columns are the same."""
        plain = tuple(_plain(name) for name in names)
        known = {name: each.name for each in self.columns for name in (each.name, *each.also)}
        columns = tuple(known.get(name, "") for name in plain)
        for name in columns:
            if name and columns.count(name) > 1:
                both = [n for n, column in zip(names, columns, strict=True) if column == name]
                raise MissingColumns(f"two columns are {name}: {', '.join(both)}; leave one out")
        missing = [group for group in self.needs if not set(group) & set(columns)]
        if missing:
            raise MissingColumns(
                f"missing columns: {', '.join(' or '.join(group) for group in missing)}"
                f"{_guess(missing, plain, columns)}; "
                f"the header has: {', '.join(plain)} (footfall import {self.name} --help)"
            )
        return Header(plain, columns)


def _plain(name: str) -> str:
    return name.strip().lower().replace(" ", "_").replace("-", "_")


def _guess(missing: Sequence[tuple[str, ...]], names: Sequence[str], columns: Sequence[str]) -> str:
    """What may have been meant, among names that are no column."""
    unknown = [name for name, column in zip(names, columns, strict=True) if name and not column]
    near = [
        f"is {found[0]} {wanted}?"
        for group in missing
        for wanted in group
        if (found := difflib.get_close_matches(wanted, unknown, n=1, cutoff=0.7))
    ]
    return f" ({' '.join(near)})" if near else ""
