"""Calls, mails, chats, letters and visits, one row a contact."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ingest.imports import values
from ingest.imports.columns import Column, Kind, Row
from ingest.imports.errors import BadCell, BadRow, Fault
from ingest.imports.messages import Timed, message_id
from ingest.imports.orders import PEOPLE
from ingest.imports.values import Clock

_CHANNELS = {
    "call": "Call", "phone": "Call", "telephone": "Call", "phone_call": "Call",
    "mail": "Mail", "email": "Mail", "e-mail": "Mail",
    "chat": "Chat", "live_chat": "Chat", "letter": "Letter", "post": "Letter",
    "visit": "Visit", "shop": "Visit",
}  # fmt: skip
_DIRECTIONS = {
    "in": True, "inbound": True, "incoming": True, "received": True,
    "out": False, "outbound": False, "outgoing": False, "sent": False, "made": False,
}  # fmt: skip
_MADE = frozenset({"Call", "Visit"})

KIND = Kind(
    "contacts",
    "Calls, mails, chats, letters and visits, as events of the person whose address, telephone "
    "number, order or login they name: Call Received, Mail Sent, ...",
    (
        Column("contacted_at", "when: ISO, in the site's timezone where it names no offset",
               ("time", "timestamp", "date", "created_at", "datetime", "received_at", "at")),
        Column("channel", "call, mail, chat, letter or visit", ("type", "kind", "medium")),
        Column("direction", "in (the customer turned to us) or out; in where left out"),
        Column("contact_id", "its number", ("id", "ticket", "ticket_id", "case_id", "call_id")),
        *PEOPLE,
        Column("order_id", "order it is about", ("order", "order_number")),
        Column("subject", "what it is about", ("topic", "reason", "about")),
        Column("agent", "who dealt with it", ("operator", "employee")),
        Column("answered_at", "when it was first answered", ("first_answer_at", "answered")),
        Column("duration_s", "how long it took, in seconds", ("duration", "seconds")),
    ),
    needs=(
        ("contacted_at",),
        ("channel",),
        ("user_id", "email", "phone", "device_id", "order_id"),
    ),
)  # fmt: skip


class Contacts:
    """A row is an event."""

    def __init__(self, site: str, clock: Clock) -> None:
        self._site = site
        self._clock = clock
        self._seen: dict[str, int] = {}

    def take(self, row: Row) -> Iterator[Timed | BadRow]:
        """Raises BadCell."""
        cells = row.cells
        at = self._clock.moment(cells, "contacted_at")
        if at is None:
            raise BadCell(Fault.MISSING_VALUE, "contacted_at is empty")
        who = values.who(cells)
        order = values.identifier(cells, "order_id")
        if not who and not order:
            raise BadCell(
                Fault.MISSING_VALUE, "nobody is named: user_id, email, phone, device_id or order_id"
            )
        name = _name(cells)
        number = values.identifier(cells, "contact_id")
        once = f"contact_id {number}" if number else message_id(self._site, name, "", row)
        if (earlier := self._seen.setdefault(once, row.line)) != row.line:
            raise BadCell(Fault.REPEATED, f"line {earlier} tells of the same contact")
        message = {
            "type": "track",
            "messageId": message_id(self._site, "contact", number, *([] if number else [row])),
            "timestamp": at,
            "event": name,
            "properties": self._properties(row, number, order),
            **who,
        }
        yield Timed(at, message)

    def finish(self) -> Iterator[Timed | BadRow]:
        yield from ()

    def _properties(self, row: Row, number: str, order: str) -> dict[str, Any]:
        cells = row.cells
        said: dict[str, Any] = {
            "contact_id": number,
            "order_id": order,
            "subject": values.text(cells, "subject"),
            "agent": values.text(cells, "agent"),
        }
        answered = self._clock.moment(cells, "answered_at")
        if answered is not None:
            said["answered_at"] = values.iso(answered)
        said["duration_s"] = values.whole(cells, "duration_s")
        return {name: value for name, value in said.items() if value not in ("", None)}


def _name(cells: values.Cells) -> str:
    said = values.needed(cells, "channel").lower().replace(" ", "_")
    channel = _CHANNELS.get(said)
    if channel is None:
        raise BadCell(
            Fault.NOT_ALLOWED, f"channel {said[:60]!r}; allowed: call, mail, chat, letter, visit"
        )
    direction = cells.get("direction", "in").lower()
    inbound = _DIRECTIONS.get(direction)
    if inbound is None:
        raise BadCell(Fault.NOT_ALLOWED, f"direction {direction[:60]!r}; allowed: in, out")
    out = "Made" if channel in _MADE else "Sent"
    return f"{channel} {'Received' if inbound else out}"
