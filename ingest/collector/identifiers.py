"""Which identifiers from the outside are taken, and in what form."""

from __future__ import annotations

import re

from ingest.collector.errors import RefusedEvent
from schemas.ids import LONGEST_OF_NONE, RESERVED_PREFIXES, is_identifier
from schemas.reasons import Reason

MAX_USER_ID = 256

_RESERVED = "|".join(map(re.escape, RESERVED_PREFIXES))
DEVICE_PATTERN = rf"(?!{_RESERVED})[A-Za-z0-9][A-Za-z0-9._:@|-]{{0,127}}"
"""What the outside may call a device."""

_DEVICE = re.compile(DEVICE_PATTERN)
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")

Identifier = str | int | float | None


def device_id(value: Identifier) -> str:
    """The device id, '' where there is none.

    Raises RefusedEvent(RESERVED_IDENTIFIER) for another form than ours or a prefix we assign.
    """
    text = "" if value is None else _text(value)
    if text and not is_device_id(text):
        raise RefusedEvent(Reason.RESERVED_IDENTIFIER, f"not a device id: {text[:64]!r}")
    return text


def is_device_id(text: str) -> bool:
    """Whether `text` is in that form."""
    return _DEVICE.fullmatch(text) is not None


def user_id(value: Identifier) -> str:
    """The user id, '' where there is none. Raises RefusedEvent(WRONG_TYPE) above 256 characters."""
    if value is None:
        return ""
    text = _text(value)
    if len(text) > MAX_USER_ID or _CONTROL.search(text):
        raise RefusedEvent(
            Reason.WRONG_TYPE, f"an identifier is 1 to {MAX_USER_ID} printable characters"
        )
    return text


def _text(value: str | int | float) -> str:
    text = value.strip() if isinstance(value, str) else str(value)
    return text if len(text) > LONGEST_OF_NONE or is_identifier(text) else ""
