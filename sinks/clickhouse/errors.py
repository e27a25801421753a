"""What can go wrong on the way into ClickHouse, by what is to be done about it.

    SinkError
    ├── Unavailable      a server is away or busy: wait, then do the same again
    ├── NotStorable      the server refuses the data: find the line and reject it
    ├── Abandoned        told to stop while a server was away: leave, nothing was committed
    └── UnsupportedFunnel  a definition that cannot be computed here: change it

`classified` is the one place where exceptions of clickhouse-driver become these.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from clickhouse_driver import errors as driver
from clickhouse_driver.errors import ErrorCodes


class SinkError(Exception):
    """Anything this package raises on purpose."""


class Unavailable(SinkError):
    """A server could not be reached or could not take the request now; retrying may help."""


class NotStorable(SinkError):
    """The server read the data and refused it; the same data will be refused again."""


class Abandoned(SinkError):
    """A stop was asked for while a server was away; the block is redelivered to the next run."""


class UnsupportedFunnel(SinkError):
    """ClickHouse is not asked, because its answer would not be what the definition means."""


_DATA_CODES = frozenset(
    {
        ErrorCodes.ATTEMPT_TO_READ_AFTER_EOF,
        ErrorCodes.CANNOT_PARSE_TEXT,
        ErrorCodes.CANNOT_PARSE_ESCAPE_SEQUENCE,
        ErrorCodes.CANNOT_PARSE_QUOTED_STRING,
        ErrorCodes.CANNOT_PARSE_INPUT_ASSERTION_FAILED,
        ErrorCodes.CANNOT_PARSE_DATE,
        ErrorCodes.CANNOT_PARSE_DATETIME,
        ErrorCodes.CANNOT_PARSE_NUMBER,
        ErrorCodes.TYPE_MISMATCH,
        ErrorCodes.ARGUMENT_OUT_OF_BOUND,
        ErrorCodes.CANNOT_CONVERT_TYPE,
        ErrorCodes.INCORRECT_DATA,
        ErrorCodes.TOO_LARGE_STRING_SIZE,
        ErrorCodes.CANNOT_INSERT_NULL_IN_ORDINARY_COLUMN,
        ErrorCodes.TOO_DEEP_RECURSION,
        ErrorCodes.VALUE_IS_OUT_OF_RANGE_OF_DATA_TYPE,
        ErrorCodes.FUNCTION_THROW_IF_VALUE_IS_NON_ZERO,
        376,  # CANNOT_PARSE_UUID
        407,  # DECIMAL_OVERFLOW
        469,  # VIOLATED_CONSTRAINT
    }
)
"""Refusals that speak of the data. Every other code is retried: a line is rejected only for
what is surely the line's fault, and a stuck sink is seen on /ready."""


@contextmanager
def classified() -> Iterator[None]:
    """Raise clickhouse-driver's and the socket's exceptions as NotStorable or Unavailable."""
    try:
        yield
    except driver.ServerException as error:
        text = _first_line(error)
        raise (NotStorable if error.code in _DATA_CODES else Unavailable)(text) from error
    except (driver.Error, OSError, EOFError) as error:
        raise Unavailable(_first_line(error) or type(error).__name__) from error


def _first_line(error: Exception) -> str:
    text = getattr(error, "message", "") or str(error)
    head = str(text).partition("Stack trace:")[0].strip()
    return head.partition("\n")[0][:500]
