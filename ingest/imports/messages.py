"""What rows become for the collector: messages of Segment's API, with ids that repeat."""

from __future__ import annotations

from typing import Any

import msgspec

from ingest.imports.columns import Row
from schemas.ids import uuid5

Message = dict[str, Any]


class Timed(msgspec.Struct, frozen=True):
    """A message and its time (ms)."""

    at: int
    message: Message


def message_id(site: str, what: str, number: str, *rows: Row) -> str:
    """The same for the same rows, whatever the order of their columns."""
    said = [f"{name}={cell}" for row in rows for name, cell in sorted(row.cells.items())]
    others = [f"{name}:{cell}" for row in rows for name, cell in sorted(row.others.items())]
    return uuid5("import", site, what, number, *said, *others)
