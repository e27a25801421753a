"""CSV as spreadsheets and shops write it, row by row, each with the line on which it begins.

Rows are cut by the csv module and not by polars, which does not tell lines and gives up on a file
for one bad row. UTF-8; separated by comma, semicolon or tab, whichever the header has most of.
"""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Iterable, Iterator

from ingest.imports.columns import Header, Kind, Row
from ingest.imports.errors import BadRow, Fault, MissingColumns
from ingest.logs.parse import MAX_LINE
from ingest.logs.read import LineCutter

_MAX_RECORD = 64 * 1024
_MAX_RECORD_LINES = 200  # what a quote that nothing closes costs, and no more
_BOM = b"\xef\xbb\xbf"


class Table:
    """One file. `header` is known as soon as the first row is asked for."""

    def __init__(self, pieces: Iterable[bytes], kind: Kind) -> None:
        self._lines = _Lines(pieces)
        self._kind = kind
        self.header: Header | None = None

    def rows(self) -> Iterator[Row | BadRow]:
        """Raises MissingColumns; blank lines and rows without any value are left out."""
        separator, self.header = self._read_header()
        for first, cells, bad in self._records(separator):
            if bad is not None:
                yield bad
            elif any(cells):
                yield self._row(first, cells, self.header)

    def _read_header(self) -> tuple[str, Header]:
        while (line := self._lines.next()) is not None:
            text = line[1].removeprefix(_BOM).decode(errors="replace").rstrip("\r")
            if text.strip():
                separator = max(",;\t", key=text.count)
                names = next(csv.reader([text], delimiter=separator))
                return separator, self._kind.header(names)
        raise MissingColumns(f"the file is empty; its first line names columns: {self._kind.usage}")

    def _row(self, line: int, cells: list[str], header: Header) -> Row | BadRow:
        count = len(header.names)
        if len(cells) > count and not any(cells[count:]):
            cells = cells[:count]
        if len(cells) != count:
            detail = f"{len(cells)} cells where the header has {count}"
            return BadRow(line, Fault.WRONG_CELLS, detail)
        named = zip(header.columns, header.names, cells, strict=True)
        known: dict[str, str] = {}
        others: dict[str, str] = {}
        for column, name, cell in named:
            if cell and column:
                known[column] = cell
            elif cell:
                others[name] = cell
        return Row(line, known, others)

    def _records(self, separator: str) -> Iterator[tuple[int, list[str], BadRow | None]]:
        """(line, cells, what is wrong with it)."""
        while (line := self._lines.next()) is not None:
            number, raw = line
            if len(raw) > MAX_LINE:
                yield number, [], BadRow(number, Fault.TOO_LARGE, f"longer than {MAX_LINE} bytes")
            elif b'"' in raw:
                yield self._quoted(number, raw, separator)
            else:
                yield _decoded(number, raw, separator)

    def _quoted(
        self, number: int, raw: bytes, separator: str
    ) -> tuple[int, list[str], BadRow | None]:
        """A record of one or more lines. What an open quote swallowed is given back."""
        record = _Record(self._lines, number, raw)
        try:
            reader = csv.reader(record, delimiter=separator, strict=True)
            cells = [cell.strip() for cell in next(reader)]
        except csv.Error as error:
            record.give_back()
            return number, [], BadRow(number, Fault.OPEN_QUOTE, str(error))
        try:
            "".join(cells).encode()
        except UnicodeEncodeError:
            return number, [], BadRow(number, Fault.NOT_UTF8, "a character that is not UTF-8")
        return number, cells, None


def _decoded(number: int, raw: bytes, separator: str) -> tuple[int, list[str], BadRow | None]:
    try:
        cells = raw.decode().split(separator)
    except UnicodeDecodeError as error:
        return number, [], BadRow(number, Fault.NOT_UTF8, str(error))
    return number, [cell.strip() for cell in cells], None


class _Lines:
    """Physical lines with their numbers; those that were read too far can be given back."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._source = enumerate(_split(pieces), 1)
        self._returned: deque[tuple[int, bytes]] = deque()

    def next(self) -> tuple[int, bytes] | None:
        return self._returned.popleft() if self._returned else next(self._source, None)

    def give_back(self, lines: list[tuple[int, bytes]]) -> None:
        self._returned.extendleft(reversed(lines))


class _Record:
    """Lines of one record for the csv module, as many as it asks for."""

    def __init__(self, lines: _Lines, number: int, raw: bytes) -> None:
        self._lines = lines
        self._first: tuple[int, bytes] | None = (number, raw)
        self._size = len(raw)
        self._taken: list[tuple[int, bytes]] = []

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line, self._first = self._first, None
        if line is None:
            line = self._lines.next() if len(self._taken) < _MAX_RECORD_LINES else None
            if line is None or self._size > _MAX_RECORD:
                self._lines.give_back([line] if line else [])
                raise StopIteration
            self._taken.append(line)
            self._size += len(line[1])
        return line[1].decode(errors="surrogateescape") + "\n"

    def give_back(self) -> None:
        self._lines.give_back(self._taken)


def _split(pieces: Iterable[bytes]) -> Iterator[bytes]:
    cutter = LineCutter()
    for piece in pieces:
        if block := cutter.feed(piece):
            yield from map(_without_return, block.removesuffix(b"\n").split(b"\n"))
    if rest := cutter.rest():
        yield _without_return(rest)


def _without_return(line: bytes) -> bytes:
    return line.removesuffix(b"\r")
