"""Members and the profiles of their accounts, one row each: who they are, and what they told us."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from ingest.imports import values
from ingest.imports.columns import Column, Kind, Row
from ingest.imports.errors import BadCell, BadRow, Fault
from ingest.imports.messages import Timed, message_id
from ingest.imports.values import Clock
from schemas.profiles import MAX_NAME, MAX_TEXT

KIND = Kind(
    "members",
    "Member data. E-mail and telephone are taken as verified, so that what names only them belongs "
    "to the member. A row with a profile_id tells of a profile of the account, such as a child.",
    (
        Column("user_id", "login or member number",
               ("member_id", "customer_id", "id", "member", "customer", "login", "userid")),
        Column("profile_id", "which profile of the account; the account's own where left out"),
        Column("email", "e-mail address", ("e_mail", "mail")),
        Column("email_verified", "true or false; true where left out"),
        Column("phone", "telephone number", ("telephone", "phone_number", "tel")),
        Column("phone_verified", "true or false; true where left out"),
        Column("updated_at", "since when this is so; where left out, when the file was first "
               "imported", ("time", "timestamp", "at", "as_of", "modified_at")),
    ),
    needs=(("user_id",),),
    others="attributes of the profile: birth_year, newsletter, ...; numbers, true, false as such",
)  # fmt: skip

_WHOLE = re.compile(r"-?(0|[1-9]\d{0,14})")
_DECIMAL = re.compile(r"-?(0|[1-9]\d{0,11})\.\d{1,6}")
_TRUTHS = {"true": True, "false": False}


class Members:
    """A row is an `identify`. `imported_at` (ms) is the time of rows that name none."""

    def __init__(self, site: str, clock: Clock, imported_at: int) -> None:
        self._site = site
        self._clock = clock
        self._imported_at = imported_at
        self._seen: dict[tuple[str, str, int], int] = {}

    def take(self, row: Row) -> Iterator[Timed | BadRow]:
        """Raises BadCell."""
        cells = row.cells
        user = values.needed_identifier(cells, "user_id")
        profile = values.identifier(cells, "profile_id")
        said = self._clock.moment(cells, "updated_at")
        at = self._imported_at if said is None else said
        earlier = self._seen.setdefault((user, profile, at), row.line)
        if earlier != row.line:
            raise BadCell(Fault.REPEATED, f"line {earlier} tells of the same profile and time")
        number = "" if said is not None else str(at)
        message: dict[str, Any] = {
            "type": "identify",
            "messageId": message_id(self._site, "member", number, row),
            "timestamp": at,
            "userId": user,
            "traits": _traits(row),
        }
        if profile:
            message["context"] = {"profile_id": profile}
        yield Timed(at, message)

    def finish(self) -> Iterator[Timed | BadRow]:
        yield from ()


def _traits(row: Row) -> dict[str, Any]:
    traits: dict[str, Any] = {}
    for kind, address in values.addresses(row.cells).items():
        traits[kind] = address
        if values.truth(row.cells, f"{kind}_verified", True):
            traits[f"{kind}_verified"] = True
    for name, cell in row.others.items():
        if len(name) > MAX_NAME or len(cell) > MAX_TEXT:
            raise BadCell(
                Fault.TOO_LARGE, f"{name[:60]}: an attribute has at most {MAX_TEXT} characters"
            )
        traits[name] = _value(cell)
    return traits


def _value(cell: str) -> str | int | float | bool:
    if (truth := _TRUTHS.get(cell.lower())) is not None:
        return truth
    if _WHOLE.fullmatch(cell):
        return int(cell)
    return float(cell) if _DECIMAL.fullmatch(cell) else cell
