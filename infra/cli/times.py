"""Times on the command line."""

from __future__ import annotations

from datetime import datetime, tzinfo

import typer


def read(text: str, zone: tzinfo) -> datetime:
    """An ISO time or date, in `zone` where it names none. Raises BadParameter."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise typer.BadParameter(f"{text!r} is no ISO time like 2026-11-22T10:00") from error
    return found if found.tzinfo else found.replace(tzinfo=zone)


def milliseconds(at: datetime) -> int:
    return int(at.timestamp() * 1000)
