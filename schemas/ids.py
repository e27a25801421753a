"""Ids: those that are derived, so that every replay gives the same, and what is no identifier."""

from __future__ import annotations

import hashlib
import re
import uuid
from functools import lru_cache

from schemas.identifiers import NODE_PREFIXES

PSEUDONYM_PREFIX = "p_"  # a daily keyed hash; never a person
USER_DEVICE_PREFIX = "user:"  # a server event with a user and no device
_FOR_OTHERS = (USER_DEVICE_PREFIX, *NODE_PREFIXES)
RESERVED_PREFIXES = (PSEUDONYM_PREFIX, *_FOR_OTHERS)

NOT_IDENTIFIERS = frozenset(
    {
        "",
        "null",
        "undefined",
        "anonymous",
        "guest",
        "0",
        "-1",
        "nan",
        "[object object]",
    }
)

LONGEST_OF_NONE = max(map(len, NOT_IDENTIFIERS))
"""What is longer, without space around it, may be an identifier."""
CANONICAL_UUID = re.compile("[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_NAMESPACE = uuid.UUID("5f0f7d0e-6b1c-5c1e-9d1a-0f00fa110001")


def is_identifier(value: str) -> bool:
    """False for what is no identifier (design.md section 4, rule 6), whatever its case."""
    return value.strip().lower() not in NOT_IDENTIFIERS


def is_pseudonym(device_id: str) -> bool:
    return device_id.startswith(PSEUDONYM_PREFIX)


def is_for_others(device_id: str) -> bool:
    """Whether it stands for a server's events of somebody: no visitor's device."""
    return device_id.startswith(_FOR_OTHERS)


def event_uuid(message_id: str) -> str:
    """The sender's message id as a UUID: itself where it is one, else UUIDv5 of it."""
    if CANONICAL_UUID.fullmatch(message_id):
        return message_id
    try:
        return str(uuid.UUID(message_id)) if len(message_id) in (32, 36) else uuid5(message_id)
    except ValueError:
        return uuid5(message_id)


def uuid5(*parts: object) -> str:
    """UUIDv5 in Footfall's namespace, of the parts joined by a unit separator."""
    name = "\x1f".join(map(str, parts)).encode()
    text = hashlib.sha1(_NAMESPACE.bytes + name, usedforsecurity=False).hexdigest()
    variant = "89ab"[int(text[16], 16) & 3]
    return f"{text[:8]}-{text[8:12]}-5{text[13:16]}-{variant}{text[17:20]}-{text[20:32]}"


@lru_cache(maxsize=100_000)
def person_of_user(user_id: str) -> str:
    """The person a login names."""
    return uuid5("person", "user", user_id)


_MOST_REMEMBERED = 100_000
_first_persons: dict[str, str] = {}  # by device; asked too often for an LRU cache


def person_of_device(device_id: str, after_reset_ms: int = 0) -> str:
    """The anonymous person behind a device (since its logout at that time, if there was one)."""
    if after_reset_ms:
        return uuid5("person", "device", device_id, after_reset_ms)
    person = _first_persons.get(device_id)
    if person is None:
        if len(_first_persons) >= _MOST_REMEMBERED:
            _first_persons.clear()
        person = _first_persons[device_id] = uuid5("person", "device", device_id, 0)
    return person


@lru_cache(maxsize=100_000)
def session_of(device_id: str, start_ms: int) -> str:
    """A session's id, derived from where it starts, so that every replay gives the same."""
    return uuid5("session", device_id, start_ms)
