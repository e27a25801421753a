"""Members of the shop and the children they shop for."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import os
import re
import sqlite3
from datetime import UTC, datetime

import msgspec

from infra.demo.toyhouse.database import Database

MIN_PASSWORD = 4
MAX_PASSWORD = 128
MAX_EMAIL = 200
MAX_NAME = 40
MAX_CHILDREN = 8
OLDEST = 17

_EMAIL = re.compile(r"[^@\s]{1,64}@[^@\s.]+(\.[^@\s.]+)+")
_SCRYPT = {"n": 2**14, "r": 8, "p": 1, "dklen": 32}
_NUMBERS = 9_000_000
_interests = msgspec.json.Decoder(list[str])


class Child(msgspec.Struct, frozen=True, kw_only=True):
    """A profile of its member. The name is for the member's eyes: Footfall is never told it."""

    id: str
    name: str
    birth_year: int
    interests: tuple[str, ...]  # slugs of categories

    @property
    def age(self) -> int:
        """In whole years at the end of this year, which is all that is known."""
        return max(0, datetime.now(UTC).year - self.birth_year)


class Member(msgspec.Struct, frozen=True, kw_only=True):
    """`id` is the member number, stable for an e-mail address even if the shop forgets it."""

    id: str
    email: str
    name: str
    shops_for: str = ""  # the child chosen last
    children: tuple[Child, ...] = ()

    @property
    def child(self) -> Child | None:
        return next((child for child in self.children if child.id == self.shops_for), None)


class NotAnAddress(Exception):
    """The text is no e-mail address."""


class WrongPassword(Exception):
    """The account has another password, or the password is too short or too long."""


class Members:
    """All accounts."""

    def __init__(self, database: Database) -> None:
        self._database = database
        # Each costs 16 MB and 50 ms of a core: many at once would stop the shop.
        self._hashing = asyncio.Semaphore(2)

    async def log_in(self, email: str, password: str, name: str = "") -> Member:
        """The account of an address, made at its first login.

        Raises NotAnAddress, WrongPassword.
        """
        email = address(email)
        if not MIN_PASSWORD <= len(password) <= MAX_PASSWORD:
            raise WrongPassword(f"A password has {MIN_PASSWORD} to {MAX_PASSWORD} characters.")
        known = self._database.row("SELECT salt, password FROM member WHERE email = ?", email)
        if known is None:
            salt = os.urandom(16)
            self._make(email, name, salt, await self._hash(password, salt))
        elif not hmac.compare_digest(
            await self._hash(password, _bytes(known[0])), _bytes(known[1])
        ):
            raise WrongPassword("This address already has an account with another password.")
        member = self.with_email(email)
        assert member is not None
        return member

    def with_email(self, email: str) -> Member | None:
        row = self._database.row("SELECT id FROM member WHERE email = ?", email)
        return self.get(str(row[0])) if row else None

    def get(self, member_id: str) -> Member | None:
        row = self._database.row(
            "SELECT id, email, name, shops_for FROM member WHERE id = ?", member_id
        )
        if row is None:
            return None
        number, email, name, shops_for = map(str, row)
        rows = self._database.rows(
            "SELECT id, name, birth_year, interests FROM child WHERE member = ? ORDER BY id", number
        )
        children = (
            Child(
                id=str(row[0]),
                name=str(row[1]),
                birth_year=int(str(row[2])),
                interests=tuple(_interests.decode(str(row[3]))),
            )
            for row in rows
        )
        return Member(
            id=number, email=email, name=name, shops_for=shops_for, children=tuple(children)
        )

    def keep_child(
        self, member: Member, name: str, birth_year: int, interests: tuple[str, ...], old: str = ""
    ) -> Child | None:
        """Writes a new child, or `old` anew, and chooses it. None where there are enough."""
        free = (child_id for child_id in _child_ids(member) if not _has(member, child_id))
        child_id = old if _has(member, old) else next(free, "")
        if not child_id:
            return None
        child = Child(id=child_id, name=name, birth_year=birth_year, interests=interests)
        self._database.change(
            "INSERT OR REPLACE INTO child VALUES (?, ?, ?, ?, ?)",
            *(child.id, member.id, name, birth_year, msgspec.json.encode(interests).decode()),
        )
        self.shop_for(member, child.id)
        return child

    def remove_child(self, member: Member, child_id: str) -> bool:
        gone = self._database.change(
            "DELETE FROM child WHERE id = ? AND member = ?", child_id, member.id
        )
        return bool(gone)

    def shop_for(self, member: Member, child_id: str) -> None:
        """'' : for nobody in particular."""
        self._database.change("UPDATE member SET shops_for = ? WHERE id = ?", child_id, member.id)

    def _make(self, email: str, name: str, salt: bytes, password: bytes) -> None:
        name = name or email.partition("@")[0].replace(".", " ").title()[:MAX_NAME]
        for member_id in _numbers(email):
            try:
                self._database.change(
                    "INSERT INTO member (id, email, name, salt, password) VALUES (?, ?, ?, ?, ?)",
                    *(member_id, email, name, salt, password),
                )
            except sqlite3.IntegrityError:
                if self._database.row("SELECT 1 FROM member WHERE email = ?", email):
                    raise WrongPassword("This address has just got an account.") from None
            else:
                return

    async def _hash(self, password: str, salt: bytes) -> bytes:
        async with self._hashing:
            return await asyncio.to_thread(hashlib.scrypt, password.encode(), salt=salt, **_SCRYPT)


def address(text: str) -> str:
    """An e-mail address in the form in which it is compared. Raises NotAnAddress."""
    email = text.strip().lower()
    if len(email) > MAX_EMAIL or not _EMAIL.fullmatch(email):
        raise NotAnAddress("That does not look like an e-mail address.")
    return email


def _numbers(email: str) -> list[str]:
    """Member numbers for an address, to be tried in order: another address may have the first.

    Made from the address, so that a shop set up anew gives nobody the number of somebody else.
    """
    first = int.from_bytes(hashlib.blake2b(email.encode(), digest_size=8).digest()) % _NUMBERS
    return [f"m-{1000 + (first + step) % _NUMBERS}" for step in range(1000)]


def _child_ids(member: Member) -> list[str]:
    return [f"{member.id}-{number}" for number in range(1, MAX_CHILDREN + 1)]


def _has(member: Member, child_id: str) -> bool:
    return any(child.id == child_id for child in member.children)


def _bytes(value: object) -> bytes:
    assert isinstance(value, bytes)
    return value
