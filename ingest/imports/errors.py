"""What can stop an import of a table, and what can be wrong with one of its rows.

TableImportError
└── MissingColumns      a column that must be there is not: usage, not run time
A bad row stops nothing: it is reported with its line, and the rest is taken.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec


class TableImportError(Exception):
    """Base of what reading a table raises on purpose; the message names the mend."""


class MissingColumns(TableImportError):
    pass


class Fault(StrEnum):
    """Why a row is not taken."""

    NOT_UTF8 = "not_utf8"
    TOO_LARGE = "too_large"
    OPEN_QUOTE = "open_quote"  # a cell begins with a quote that nothing closes
    WRONG_CELLS = "wrong_cells"  # more or fewer than the header has
    MISSING_VALUE = "missing_value"
    NOT_A_TIME = "not_a_time"
    IN_THE_FUTURE = "in_the_future"
    NOT_A_NUMBER = "not_a_number"
    NOT_AN_IDENTIFIER = "not_an_identifier"
    NOT_ALLOWED = "not_allowed"  # none of the words that the column may have
    REPEATED = "repeated"  # an earlier row says the same, or something else of the same thing
    CONTRADICTION = "contradiction"  # the lines of one order disagree
    INCOMPLETE_ORDER = "incomplete_order"  # another line of the same order is bad


class BadRow(msgspec.Struct, frozen=True):
    """`line`: of the file, from 1, where the row begins."""

    line: int
    fault: Fault
    detail: str


class BadCell(Exception):
    """Raised while a row is read."""

    def __init__(self, fault: Fault, detail: str) -> None:
        super().__init__(detail)
        self.fault = fault
        self.detail = detail
