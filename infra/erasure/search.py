"""Which states in Redis hold anything of whom: every key is looked at, so nothing is overlooked."""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode
from collections.abc import Callable, Iterator
from typing import cast

from redis import Redis

from infra.erasure.whom import Whom
from schemas.aliases import component_decoder
from schemas.device_state import decode_device_state
from schemas.person_state import person_decoder
from schemas.persons import device_of, via_of
from schemas.redis_keys import live_keys
from schemas.sightings import sighted_decoder
from schemas.topics import ALIASES, RAW, REGISTERS, SIGHTINGS, Topic

_AT_ONCE = 1000
_SHORT_UUID = re.compile("[A-Za-z0-9_-]{22}")


def mentions(redis: Redis, topic: Topic, whom: Whom) -> set[str]:
    """Names (device, user, person, pseudonym) of the topic's states that hold something of it."""
    holds = _HOLDS[topic.name]
    needle = _needle(whom)
    found = set()
    for keys in _keys(redis, topic):
        blobs = cast(list[bytes | None], redis.mget(keys))
        for key, blob in zip(keys, blobs, strict=True):
            name = _name(key.decode())
            if name and blob is not None and holds(name, blob, needle, whom):
                found.add(name)
    return found


def _keys(redis: Redis, topic: Topic) -> Iterator[list[bytes]]:
    gathered: list[bytes] = []
    for key in redis.scan_iter(live_keys(topic), count=_AT_ONCE):
        if not re.search(rb"\}:(fence|quiet|begun|touched|[fhxvw]:)", key):
            gathered.append(key)
        if len(gathered) == _AT_ONCE:
            yield gathered
            gathered = []
    if gathered:
        yield gathered


def _name(key: str) -> str:
    """Of whom the state under a key is, '' for what is no state."""
    rest = key.partition("}:")[2]
    if _SHORT_UUID.fullmatch(rest):
        text = urlsafe_b64decode(rest + "==").hex()
        return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
    return rest[2:] if rest[1:2] == ":" else ""


def _needle(whom: Whom) -> re.Pattern[bytes]:
    """Matches whatever holds any of it, and more: what it finds is looked at closely."""
    names = sorted({*whom.users, *whom.persons, *whom.devices})
    return re.compile(b"|".join(re.escape(name.encode()) for name in names) or b"(?!)")


def _device(name: str, blob: bytes, needle: re.Pattern[bytes], whom: Whom) -> bool:
    if name in whom.whole:
        # what was said since the erasure was asked for may stay, and so may others' claims
        state = decode_device_state(blob)
        return (state.first_seen <= whom.at and bool(state.seen)) or _names_user(blob, whom)
    return bool(needle.search(blob)) and _names_user(blob, whom)


def _names_user(blob: bytes, whom: Whom) -> bool:
    state = decode_device_state(blob)
    said = (*state.logins, *state.clicks)
    return (
        any(user in whom.users and first <= whom.at for user, first, _ in said)
        or any(user in whom.users and until <= whom.at for user, until in state.revoked)
        or any(
            user in whom.users and fact.time <= whom.at
            for user, profiles in state.profiles.items()
            for profile in profiles.values()
            for fact in profile.values()
        )
    )


def _person(name: str, blob: bytes, needle: re.Pattern[bytes], whom: Whom) -> bool:
    if name not in whom.persons and not needle.search(blob):
        return False
    state = person_decoder.decode(blob)
    if name in whom.persons:
        return any(held.first_seen <= whom.at for held in state.devices.values()) or not (
            state.devices
        )
    whole = whom.whole
    return any(
        device_of(key) in whole or any(p in whom.persons for p in via_of(key).split(">"))
        for key in state.devices
    )


def _component(name: str, blob: bytes, needle: re.Pattern[bytes], whom: Whom) -> bool:
    if name in whom.users:
        return True
    component = component_decoder.decode(blob)
    return any({*edge.pair} & whom.users for edge in component.edges)


def _sighted(name: str, blob: bytes, needle: re.Pattern[bytes], whom: Whom) -> bool:
    if not needle.search(blob):
        return False
    whole = whom.whole
    return any(
        device in whole or any(person in whom.persons for _, person in seen.owners)
        for device, seen in sighted_decoder.decode(blob).devices.items()
    )


_HOLDS: dict[str, Callable[[str, bytes, re.Pattern[bytes], Whom], bool]] = {
    RAW.name: _device,
    REGISTERS.name: _person,
    ALIASES.name: _component,
    SIGHTINGS.name: _sighted,
}
