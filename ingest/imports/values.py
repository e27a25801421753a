"""Cells as values. Each raises BadCell saying which column is wrong and what is allowed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, tzinfo
from decimal import Decimal
from typing import Any

from ingest.collector.identifiers import MAX_USER_ID, is_device_id
from ingest.imports.errors import BadCell, Fault
from schemas.identifiers import Kind as IdentifierKind
from schemas.identifiers import normalized
from schemas.ids import is_identifier

Cells = Mapping[str, str]

MAX_TEXT = 2000
YEAR_2000_MS = 946_684_800_000

_NUMBER = re.compile(r"[-+]?\d{1,13}(\.\d{1,4})?")
_COMMA = re.compile(r"([-+]?\d{1,13}),(\d{1,2})")  # three digits behind it may be thousands
_WHOLE = re.compile(r"\d{1,15}")
_CURRENCY = re.compile(r"[A-Z]{3}")
_TRUTHS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


class Clock:
    """What a time without an offset means, and until when things can have happened (ms)."""

    def __init__(self, zone: tzinfo, now_ms: int) -> None:
        self._zone = zone
        self._now_ms = now_ms

    def moment(self, cells: Cells, column: str) -> int | None:
        """Milliseconds of an ISO time or date, in the site's timezone where it names no offset."""
        text = cells.get(column)
        if text is None:
            return None
        try:
            at = datetime.fromisoformat(text)
            if at.tzinfo is None:
                at = at.replace(tzinfo=self._zone)
            milliseconds = int(at.timestamp() * 1000)
        except (ValueError, OverflowError) as error:
            allowed = "allowed: 2026-11-22, 2026-11-22 14:30 or 2026-11-22T14:30:00+01:00"
            raise BadCell(Fault.NOT_A_TIME, f"{column} {_shown(text)}; {allowed}") from error
        if milliseconds < YEAR_2000_MS:
            raise BadCell(Fault.NOT_A_TIME, f"{column} {_shown(text)} lies before the year 2000")
        if milliseconds > self._now_ms:
            raise BadCell(Fault.IN_THE_FUTURE, f"{column} {_shown(text)} has not come yet")
        return milliseconds


def needed(cells: Cells, column: str) -> str:
    try:
        return cells[column]
    except KeyError:
        raise BadCell(Fault.MISSING_VALUE, f"{column} is empty") from None


def day(cells: Cells, column: str) -> date:
    text = needed(cells, column)
    try:
        found = date.fromisoformat(text[:10])
        if len(text) > 10:
            datetime.fromisoformat(text)
    except ValueError as error:
        raise BadCell(Fault.NOT_A_TIME, f"{column} {_shown(text)}; allowed: 2026-11-22") from error
    if not 2000 <= found.year < 2100:
        raise BadCell(Fault.NOT_A_TIME, f"{column} {_shown(text)} is not of this century")
    return found


def amount(cells: Cells, column: str) -> Decimal | None:
    """Money: up to four places behind a point, or one or two behind a comma."""
    text = cells.get(column)
    if text is None:
        return None
    if match := _COMMA.fullmatch(text):
        text = f"{match[1]}.{match[2]}"
    if not _NUMBER.fullmatch(text):
        raise BadCell(Fault.NOT_A_NUMBER, f"{column} {_shown(text)}; allowed: 12.50 or 12,50")
    return Decimal(text)


def not_negative(cells: Cells, column: str) -> Decimal | None:
    found = amount(cells, column)
    if found is not None and found < 0:
        raise BadCell(Fault.NOT_A_NUMBER, f"{column} {found} is below 0")
    return found


def whole(cells: Cells, column: str) -> int | None:
    text = cells.get(column)
    if text is None:
        return None
    if not _WHOLE.fullmatch(text):
        raise BadCell(Fault.NOT_A_NUMBER, f"{column} {_shown(text)}; allowed: a whole number")
    return int(text)


def currency(cells: Cells, column: str = "currency") -> str:
    """Three capitals; '' where none is named."""
    text = cells.get(column, "").upper()
    if text and not _CURRENCY.fullmatch(text):
        raise BadCell(Fault.NOT_ALLOWED, f"{column} {_shown(text)}; allowed: EUR, USD, ...")
    return text


def truth(cells: Cells, column: str, default: bool) -> bool:
    text = cells.get(column)
    if text is None:
        return default
    found = _TRUTHS.get(text.lower())
    if found is None:
        raise BadCell(Fault.NOT_ALLOWED, f"{column} {_shown(text)}; allowed: true, false")
    return found


def text(cells: Cells, column: str) -> str:
    """'' where there is none."""
    found = cells.get(column, "")
    if len(found) > MAX_TEXT:
        raise BadCell(Fault.TOO_LARGE, f"{column} has more than {MAX_TEXT} characters")
    return found


def identifier(cells: Cells, column: str) -> str:
    """A login, member, order, product or contact number; '' where there is none."""
    found = cells.get(column, "")
    if found and (not is_identifier(found) or len(found) > 200 or not found.isprintable()):
        raise BadCell(Fault.NOT_AN_IDENTIFIER, f"{column} {_shown(found)} names nobody and nothing")
    return found


def needed_identifier(cells: Cells, column: str) -> str:
    needed(cells, column)
    return identifier(cells, column)


def who(cells: Cells) -> dict[str, Any]:
    """The parts of a message that say whom it is about.

    An address stands in the context's traits, which lead to a person and are not stored.
    """
    said: dict[str, Any] = {}
    if user := identifier(cells, "user_id"):
        if len(user) > MAX_USER_ID:
            raise BadCell(
                Fault.NOT_AN_IDENTIFIER, f"user_id has more than {MAX_USER_ID} characters"
            )
        said["userId"] = user
    if device := cells.get("device_id"):
        if not is_device_id(device):
            raise BadCell(
                Fault.NOT_AN_IDENTIFIER, f"device_id {_shown(device)} is no cookie of ours"
            )
        said["anonymousId"] = device
    if traits := addresses(cells):
        said["context"] = {"traits": traits}
    return said


def addresses(cells: Cells) -> dict[str, str]:
    """E-mail and telephone, as they are compared; those that are there."""
    found: dict[str, str] = {}
    kinds: tuple[IdentifierKind, ...] = ("email", "phone")
    for kind in kinds:
        if given := cells.get(kind):
            value = normalized(kind, given)
            if not value or not is_identifier(value):
                raise BadCell(Fault.NOT_AN_IDENTIFIER, f"{kind} {_shown(given)} is none")
            found[kind] = value
    return found


def iso(milliseconds: int) -> str:
    return datetime.fromtimestamp(milliseconds / 1000, UTC).isoformat(timespec="milliseconds")


def number(value: Decimal) -> int | float:
    """As JSON has it: whole where it is."""
    return int(value) if value == value.to_integral_value() else float(value)


def _shown(cell: str) -> str:
    return repr(cell if len(cell) <= 60 else cell[:60] + "...")
