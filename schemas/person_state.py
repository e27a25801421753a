"""What Redis keeps of one person (`schemas.redis_keys.person_key`), and its codec."""

from __future__ import annotations

import msgspec

from schemas.activity import Activity
from schemas.evidence import Layout
from schemas.profiles import Profiles
from schemas.purchases import Purchases


class Contribution(msgspec.Struct, array_like=True, gc=False):
    """A device's register as the person's state keeps it."""

    version: int
    gone: bool
    first_seen: int
    last_seen: int
    sessions: int
    orders: int
    profiles: Profiles = {}
    layout: Layout = ()
    starts: tuple[int, ...] = ()
    evidence: bytes = b""
    purchases: Purchases = ()
    activity: Activity = {}
    days: tuple[int, ...] = ()


class PersonState(msgspec.Struct, array_like=True, gc=False):
    """The newest contribution of each of the person's devices, tombstones included.

    What of it counts for this person: `schemas.persons`.
    """

    user_id: str
    counted: bool
    devices: dict[str, Contribution]  # by `schemas.persons.contribution_key`
    root: str = ""  # the user id whose person this is, by an alias; '' for nobody else's
    root_version: int = 0
    over: bool = False  # too many devices: none is kept


encode_person_state = msgspec.msgpack.Encoder().encode
person_decoder: msgspec.msgpack.Decoder[PersonState] = msgspec.msgpack.Decoder(PersonState)
