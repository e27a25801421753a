"""Two ready-made accounts, for whoever tries the demo and wants to invent nobody."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime

import msgspec

from infra.demo.toyhouse.members import Member, Members


class ReadyMade(msgspec.Struct, frozen=True, kw_only=True):
    """Children are (name, age, interests)."""

    name: str
    email: str
    about: str
    children: tuple[tuple[str, int, tuple[str, ...]], ...] = ()


ADA = ReadyMade(
    name="Ada",
    email="ada@toyhouse.example",
    about="shops for Nora, 6, and Tom, 3",
    children=(
        ("Tom", 3, ("wooden-toys", "vehicles", "cuddly-toys")),
        ("Nora", 6, ("science", "puzzles", "books")),
    ),
)
BEN = ReadyMade(name="Ben", email="ben@toyhouse.example", about="shops for presents")

BY_FIRST_NAME = {"ada": ADA, "ben": BEN}


async def log_in(members: Members, ready_made: ReadyMade) -> Member:
    """The account, made now if it is not there yet; of its password nobody knows anything."""
    member = members.with_email(ready_made.email)
    if member is None:
        member = await members.log_in(ready_made.email, secrets.token_hex(16), ready_made.name)
        this_year = datetime.now(UTC).year
        for name, age, interests in ready_made.children:
            members.keep_child(member, name, this_year - age, interests)
            member = members.get(member.id) or member
    return member
