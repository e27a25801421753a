"""Who a person is now: the root of an alias, or nobody but a device that is above the limit."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

import msgspec

from personalize_api.recognize.states import decode_person
from schemas.ids import person_of_device, person_of_user
from schemas.person_state import PersonState
from schemas.persons import is_apart
from schemas.redis_keys import person_key

Read = Callable[[Sequence[str]], Awaitable[Sequence[bytes | None]]]


class Resolved(msgspec.Struct, frozen=True):
    """`person` has what counts for whoever is there, `account` what servers told of profiles."""

    person_id: str
    person: PersonState | None
    account: PersonState | None


async def resolve(
    read: Read, person_id: str, person: PersonState | None, device_id: str
) -> Resolved:
    """Follows what the states say: a round trip for an alias, one for a device that is apart.

    Raises what `read` raises, and GarbledState.
    """
    apart = is_apart(person, device_id)
    if person is not None and person.root:
        person_id = person_of_user(person.root)
        person = await _person(read, person_id)
        apart = apart or is_apart(person, device_id)
    account = person
    if apart:
        person_id = person_of_device(device_id)
        person = await _person(read, person_id)
    return Resolved(person_id, person, account)


async def _person(read: Read, person_id: str) -> PersonState | None:
    return decode_person((await read((person_key(person_id),)))[0])
