"""Every Redis key, and the codec of what stands under it; writers and readers share this file.

All keys of one Kafka partition carry one hash tag, so that one atomic script may touch them on
Redis Cluster. A key's partition is computed from the device or person id it is about.
"""

from __future__ import annotations

from base64 import urlsafe_b64encode
from functools import lru_cache
from operator import attrgetter, itemgetter
from typing import Any

import msgspec

from schemas.activity import Activity
from schemas.event import CANONICAL_UUID
from schemas.evidence import Layout
from schemas.moments import Moments, pack, unpack
from schemas.profiles import Profiles
from schemas.purchases import Purchases
from schemas.topics import ALIASES, RAW, REGISTERS, REJECTED, SIGHTINGS, Topic, partition_of

LIVE_HORIZON_MS = 48 * 3600 * 1000
"""What is older than this before a record's Kafka timestamp touches no live counter."""

_SHORT = {
    RAW.name: "r",
    REGISTERS.name: "g",
    ALIASES.name: "a",
    SIGHTINGS.name: "s",
    REJECTED.name: "j",
}


def _tag(topic: Topic, partition: int) -> str:
    return f"ff:{{{_SHORT[topic.name]}{partition}}}"


def fence_key(topic: Topic, partition: int) -> str:
    """Position of the partition, see `schemas.topics.Position`."""
    return f"{_tag(topic, partition)}:fence"


REBUILDING = b"rebuilding"
"""Stands in a fence's place while `footfall rebuild` takes the partition's live state away."""


def quiet_key(topic: Topic, partition: int) -> str:
    """Position below which a rebuild emits only what stages read: the rest was emitted before."""
    return f"{_tag(topic, partition)}:quiet"


REBUILD_KEY = "ff:rebuild"
"""What a rebuild under way, or one that was killed, must not forget (infra/rebuild.py)."""

REBUILD_LOCK_KEY = "ff:rebuild:lock"


def place_of(topic: Topic, partition: int) -> str:
    """A partition's name in what ClickHouse keeps of its memory."""
    return f"{_SHORT[topic.name]}{partition}"


def forgotten_key(topic: Topic, partition: int) -> str:
    """`schemas.forget.Memory` of a partition. Not of the live state: a rebuild keeps it."""
    return f"ff:forgotten:{{{place_of(topic, partition)}}}"


FORGET_LOCK_KEY = "ff:forget:lock"

FORGET_KEY = "ff:forget"
"""Of an erasure under way, or one that was killed, what it is to erase (infra/erasure)."""


def live_keys(topic: Topic) -> str:
    """Pattern for SCAN of all that a topic's stage keeps, fences included."""
    return f"ff:{{{_SHORT[topic.name]}[0-9]*}}:*"


@lru_cache(maxsize=20_000)
def device_key(device_id: str) -> str:
    """`DeviceState` of one device.

    A UUID, which nearly every device is, stands there as its 22 characters of base64: with them
    Redis allots the key 32 bytes instead of 64.
    """
    tag = _tag(RAW, partition_of(device_id, RAW))
    if CANONICAL_UUID.fullmatch(device_id):
        short = urlsafe_b64encode(bytes.fromhex(device_id.replace("-", "")))
        return f"{tag}:{short[:22].decode()}"
    return f"{tag}:d:{device_id}"


def person_key(person_id: str) -> str:
    """`PersonState` of one person."""
    return f"{_tag(REGISTERS, partition_of(person_id, REGISTERS))}:p:{person_id}"


def alias_key(user_id: str) -> str:
    """`schemas.aliases.Component` that the user is in."""
    return f"{_tag(ALIASES, 0)}:u:{user_id}"


def sighted_key(pseudonym: str) -> str:
    """`schemas.sightings.SightedState` of one pseudonym of log lines."""
    return f"{_tag(SIGHTINGS, partition_of(pseudonym, SIGHTINGS))}:s:{pseudonym}"


def funnel_key(partition: int, funnel_key: str, hour: int) -> str:
    """Hash of live counts of one funnel: units by the minute in which they entered it.

    `hour` is hours since 1970. Fields: see `funnel_field`.
    """
    return f"{_tag(REGISTERS, partition)}:f:{funnel_key}:{hour}"


def funnel_field(minute: int, step: int, by: str = "", value: str = "") -> str:
    """`minute` 0..59 of the hour; `step` 0-based; `by`, `value` empty for the total."""
    return f"{minute}|{step}|{by}|{value}"


ARRIVED = "@"
"""Stands in `funnel_field` where a breakdown's name would: units by the minute in which they came
to the step, instead of that in which they entered the funnel.

A unit stands once a step, so at the first step both are the same.
"""


def funnel_days_key(partition: int, funnel_key: str, day: int) -> str:
    """Hash of one funnel's units by the hour in which they came to a step, kept DAYS_KEPT days.

    `day` is UTC days since 1970. Fields: see `funnel_days_field`.
    """
    return f"{_tag(REGISTERS, partition)}:h:{funnel_key}:{day}"


def funnel_days_field(hour: int, step: int) -> str:
    """`hour` 0..23 of the UTC day; `step` 0-based."""
    return f"{hour}|{step}"


DAYS_KEPT = 36


def touched_key(partition: int) -> str:
    """Hash: hour since 1970, modulo TOUCHED_HOURS -> changes of that hour's funnel counters so far.

    What has the number that it had need not be read again.
    """
    return f"{_tag(REGISTERS, partition)}:touched"


TOUCHED_HOURS = 64


def begun_key(topic: Topic, partition: int) -> str:
    """`schemas.begun.Begun` of a partition."""
    return f"{_tag(topic, partition)}:begun"


def experiment_key(partition: int, experiment: str, hour: int) -> str:
    """Hash of live counts of one experiment: persons by the minute of their first exposure.

    `experiment`: see `schemas.site.Experiment.key`. Fields as of a funnel (`funnel_field`) of
    two steps, exposed and converted; `by` is the referrer medium of that exposure, `value` its arm.
    """
    return f"{_tag(REGISTERS, partition)}:x:{experiment}:{hour}"


def pulse_key(partition: int, hour: int) -> str:
    """Hash of live counts of visitors and events: `schemas.pulse`."""
    return f"{_tag(RAW, partition)}:v:{hour}"


def pages_key(partition: int, minute: int) -> str:
    """Hash path -> page views of a minute (since 1970): `schemas.pulse`."""
    return f"{_tag(RAW, partition)}:w:{minute}"


def rejected_key(partition: int, hour: int) -> str:
    """Hash of live counts of refused inputs: `schemas.pulse`."""
    return f"{_tag(REJECTED, partition)}:v:{hour}"


def refused_key(partition: int, minute: int) -> str:
    """Digests of the ids of what was refused in a minute (since 1970): none counts twice."""
    return f"{_tag(REJECTED, partition)}:n:{minute}"


HEARTBEATS_KEY = "ff:heartbeats"
"""Hash 'service:instance' -> `schemas.heartbeat.Heartbeat` as JSON."""


def experiment_total_key(partition: int, experiment: str) -> str:
    """Hash of the same counts over the experiment's whole life. Fields: `experiment_field`."""
    return f"{_tag(REGISTERS, partition)}:xt:{experiment}"


def experiment_field(step: int, medium: str, arm: str) -> str:
    """`step`: 0 exposed, 1 converted."""
    return f"{step}|{medium}|{arm}"


ALERTS_LOCK_KEY = "ff:{alerts}:lock"
"""Held by the process that evaluates alerts."""

ALERTS_STATE_KEY = "ff:{alerts}:state"
"""`personalize_api.alerts.state.AlertState` as JSON: what is active, and what is remembered."""

ALERTS_OUTBOX_KEY = "ff:{alerts}:outbox"
"""Hash message id -> `personalize_api.alerts.state.Message`: webhooks to be delivered."""


def alerts_history_key(funnel_key: str, day: int) -> str:
    """Hash hour of the day -> arrivals as they were seen live (personalize_api.alerts.history).

    `day` is days since 1970, UTC.
    """
    return f"ff:{{alerts}}:h:{funnel_key}:{day}"


PICKS_KEY = "ff:{picks}:now"
"""Name of the generation of picks that counts (`schemas.pick_model`)."""

PICKS_LOCK_KEY = "ff:{picks}:lock"
"""Of whoever trains the next one."""


def picks_key(generation: str) -> str:
    """Hash of one generation's parts; beside the pointer, so that both change at once."""
    return f"ff:{{picks}}:g:{generation}"


def epoch_key(topic: Topic) -> str:
    """Hash {topic_id, epoch} of a topic, written by `footfall migrate`."""
    return f"ff:epoch:{topic.name}"


def salt_key(day: str, *, imported: bool = False) -> str:
    """Random salt of a UTC day (YYYY-MM-DD) for pseudonyms; expires, and is then gone for good."""
    return f"ff:salt:{'import:' if imported else ''}{day}"


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


encode_state = msgspec.msgpack.Encoder().encode
"""Of any state but a device's."""

person_decoder: msgspec.msgpack.Decoder[PersonState] = msgspec.msgpack.Decoder(PersonState)


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
    return encode_state((times, *others[:filled]))


def decode_device_state(blob: bytes) -> DeviceState:
    """Raises msgspec.MsgspecError or ValueError for what `encode_device_state` did not write."""
    stored = _device_decoder.decode(blob)
    return DeviceState(*_in_order((*unpack(stored.times), *_others(stored))))
