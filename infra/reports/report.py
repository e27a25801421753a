"""What a report is: a table with the meaning of every column, and what must be said about it."""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo
from typing import Literal

import msgspec

Cell = str | int | float | None
Row = tuple[Cell, ...]

Kind = Literal["text", "count", "rate", "difference", "money", "seconds", "verdict"]
"""rate: a share, 0 to 1. difference: of two rates, -1 to 1. money: see Column.currency."""


class Column(msgspec.Struct, frozen=True, kw_only=True):
    """`name` is the key in JSON and CSV. The rest says how people are shown it."""

    name: str
    what: str  # one line: what a value means
    kind: Kind = "count"
    empty: str = "(none)"  # how '' reads in a text column
    bounds: tuple[str, str] = ("", "")  # names of the columns that hold the interval's ends
    currency: str = ""  # name of the column that holds the currency
    detail: bool = False  # the first to go where there is little room

    @property
    def title(self) -> str:
        return self.name.replace("_", " ")


def with_interval(
    *, name: str, kind: Kind, what: str, currency: str = "", detail: bool = False
) -> tuple[Column, Column, Column]:
    """A column, and the ends of its 95 % interval, NAME_low and NAME_high."""
    low, high = f"{name}_low", f"{name}_high"
    return (
        Column(
            name=name, kind=kind, what=what, currency=currency, detail=detail, bounds=(low, high)
        ),
        Column(name=low, kind=kind, what="Lower end of the 95% interval"),
        Column(name=high, kind=kind, what="Upper end of the 95% interval"),
    )


class Picture(msgspec.Struct, frozen=True, kw_only=True):
    """Bars, one a row, in groups by the first column; each names the second.

    With `label`, one group of all rows, each of which names that column.
    """

    title: str
    value: str  # name of the column that is drawn, a rate; its bounds are the whiskers
    n: str  # name of the column that says of how many
    least_n: int = 0  # rows of fewer are left to the table: their whiskers would span the axis
    groups: tuple[str, ...] = ()  # those of the first column's values that are drawn; () for all
    label: str = ""  # name of a column


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """Rows that belong together stand together and repeat the value of the first column."""

    name: str
    title: str
    sentence: str  # what was found, in one line
    since: datetime  # in the site's timezone
    until: datetime  # exclusive
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    notes: tuple[str, ...] = ()
    picture: Picture | None = None

    def index(self, name: str) -> int:
        """Where a column stands. Raises ValueError."""
        return [column.name for column in self.columns].index(name)

    def cell(self, row: Row, name: str) -> Cell:
        """A row's value of a column, None also where there is no such column."""
        return next(
            (value for column, value in zip(self.columns, row, strict=True) if column.name == name),
            None,
        )


def local_time(at_ms: int, zone: tzinfo) -> datetime:
    """Milliseconds since 1970 UTC as a time of the site's timezone."""
    return datetime.fromtimestamp(at_ms / 1000, UTC).astimezone(zone)
