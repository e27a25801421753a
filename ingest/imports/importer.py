"""A table row by row: what it gives, which rows are bad, and how many there were."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Protocol, TypeVar

import msgspec

from ingest.imports.columns import Kind, Row
from ingest.imports.errors import BadCell, BadRow, Fault
from ingest.imports.table import Table

Made = TypeVar("Made", covariant=True)


class Maker(Protocol[Made]):
    """Makes something of rows: at once, or when all of them are known."""

    def take(self, row: Row) -> Iterator[Made | BadRow]:
        """Raises BadCell."""
        ...

    def finish(self) -> Iterator[Made | BadRow]: ...


class Counts(msgspec.Struct):
    """rows = taken + all bad; `unused`: columns that nothing was made of."""

    rows: int = 0
    bad: Counter[Fault] = msgspec.field(default_factory=Counter)
    unused: list[str] = []

    @property
    def taken(self) -> int:
        return self.rows - self.bad.total()


def read_table(
    pieces: Iterable[bytes],
    kind: Kind,
    maker: Maker[Made],
    counts: Counts,
    on_bad: Callable[[BadRow], None],
) -> Iterator[Made]:
    """What the rows give, in their order; `counts` is right when it has ended.

    Raises MissingColumns before the first.
    """
    table = Table(pieces, kind)
    for row in table.rows():
        counts.rows += 1
        yield from _good(_taken(row, maker), counts, on_bad)
    yield from _good(maker.finish(), counts, on_bad)
    if table.header is not None and not kind.others:
        counts.unused = table.header.unknown


def _taken(row: Row | BadRow, maker: Maker[Made]) -> Iterator[Made | BadRow]:
    if isinstance(row, BadRow):
        yield row
        return
    try:
        yield from maker.take(row)
    except BadCell as bad:
        yield BadRow(row.line, bad.fault, bad.detail)


def _good(
    made: Iterable[Made | BadRow], counts: Counts, on_bad: Callable[[BadRow], None]
) -> Iterator[Made]:
    for each in made:
        if isinstance(each, BadRow):
            counts.bad[each.fault] += 1
            on_bad(each)
        else:
            yield each
