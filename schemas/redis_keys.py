"""Every Redis key; writers and readers share this file.

All keys of one Kafka partition carry one hash tag, so that one atomic script may touch them on
Redis Cluster. A key's partition is computed from the device or person id it is about.
"""

from __future__ import annotations

from base64 import urlsafe_b64encode
from functools import lru_cache

from schemas.ids import CANONICAL_UUID
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


def layouts_key(topic: Topic, partition: int) -> str:
    """`schemas.layouts.Layouts` that the partition's states name."""
    return f"{_tag(topic, partition)}:layouts"


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
