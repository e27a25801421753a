"""What Redis keeps of one device (`schemas.redis_keys.device_key`), and its codec."""

from __future__ import annotations

from operator import attrgetter, itemgetter
from typing import Any

import msgspec

from schemas.activity import Activity
from schemas.evidence import Layout
from schemas.moments import Moments, pack, unpack
from schemas.profiles import Profiles
from schemas.purchases import Purchases


class DeviceState(msgspec.Struct, gc=False):
    """All that is kept about one device. Every field is a function of the set of its events.

    `encode_device_state` writes it, new fields by themselves and in order: append them.
    """

    first_seen: int  # ms
    last_seen: int  # ms
    seen: dict[int, bytes] = {}  # UTC day -> 6-byte digests of its event ids, within the horizon
    runs: tuple[tuple[int, int], ...] = ()  # [first, last] ms, sorted (design.md, Session)
    marks: tuple[
        tuple[int, str], ...
    ] = ()  # (ms, what stands for an external source), sorted, inside the runs
    starts: tuple[int, ...] = ()  # of the sessions in `runs`; follows from the other fields
    past_sessions: int = 0  # sessions whose runs are no longer kept
    # (user or '' for a logout, first, last) an hour; of a node: (claimant, first, last)
    logins: tuple[tuple[str, int, int], ...] = ()
    orders: Purchases = ()
    profiles: dict[str, Profiles] = {}  # user -> what servers said of them on this device
    layout: Layout = ()  # of the evidence
    evidence: bytes = b""  # packed, see `schemas.evidence`; of the live horizon
    clicks: tuple[tuple[str, int, int], ...] = ()  # users of mail links, as `logins`
    revoked: tuple[tuple[str, int], ...] = ()  # (user, ms): what was said until then is void
    activity: Activity = {}
    past_days: tuple[int, ...] = ()  # UTC days of the sessions that are no longer kept
    sightings: bytes = b""  # packed, see `streams.sightings`
    bot_days: dict[int, str] = {}  # UTC day -> why it is flagged, see `schemas.bot_days`
    minutes: dict[int, bytes] = {}  # UTC day -> packed counts of events a minute


_encoder = msgspec.msgpack.Encoder()


def _default(field: msgspec.structs.FieldInfo) -> Any:
    if field.default is not msgspec.NODEFAULT:
        return field.default
    return msgspec.field(default_factory=field.default_factory)


_TIMES = ("first_seen", "last_seen", "runs", "marks", "starts")
_USUAL = ("seen", "layout", "evidence", "minutes", "activity")
"""What nearly every device has: stored first, since empty fields at the end are not stored.

Whoever adds one must rebuild: what is stored is read by position.
"""

_OTHERS = sorted(
    (field for field in msgspec.structs.fields(DeviceState) if field.name not in _TIMES),
    key=lambda field: field.name not in _USUAL,
)
_Stored = msgspec.defstruct(
    "_Stored",
    [("times", Moments), *((field.name, field.type, _default(field)) for field in _OTHERS)],
    array_like=True,
)
_others = attrgetter(*(field.name for field in _OTHERS))
_DECLARED = [field.name for field in msgspec.structs.fields(DeviceState)]
_in_order = itemgetter(*([*_TIMES, *(field.name for field in _OTHERS)].index(n) for n in _DECLARED))
_device_decoder: msgspec.msgpack.Decoder[Any] = msgspec.msgpack.Decoder(_Stored)


def encode_device_state(state: DeviceState) -> bytes:
    """Its times packed (`schemas.moments`), the other fields as they are; without the empty ones
    at the end, whose defaults are empty too.
    """
    times = pack(state.first_seen, state.last_seen, state.runs, state.marks, state.starts)
    others = _others(state)
    filled = len(others)
    while filled and not others[filled - 1]:
        filled -= 1
    return _encoder.encode((times, *others[:filled]))


def decode_device_state(blob: bytes) -> DeviceState:
    """Raises msgspec.MsgspecError or ValueError for what `encode_device_state` did not write."""
    stored = _device_decoder.decode(blob)
    return DeviceState(*_in_order((*unpack(stored.times), *_others(stored))))
