"""The event record, what the device stage makes of it, and the micro-batch codec.

A Kafka record's value is a micro-batch: 1 to 500 lines of JSON, one record a line; header `n`
holds their count. Field names are the column names of ClickHouse's `events_all`. Times are
integers, milliseconds since 1970 UTC. Text that is not there is the empty string.
"""

from __future__ import annotations

import hashlib
import re
import uuid
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Literal, TypeVar

import msgspec

from schemas.evidence import Layout
from schemas.forget import Forget
from schemas.identifiers import NODE_PREFIXES, Kind
from schemas.profiles import Profiles
from schemas.purchases import Purchases
from schemas.sightings import Unconsented

EventType = Literal["page", "track", "identify", "alias", "screen", "group"]
Protocol = Literal["beacon", "segment", "snowplow", "posthog", "pixel", "log", "import"]
Consent = Literal["granted", "denied", "unknown"]
Medium = Literal[
    "direct", "internal", "search", "social", "email", "paid", "ai", "referral", "unknown"
]

MAX_BATCH_EVENTS = 500
MAX_EVENT_BYTES = 64 * 1024
MAX_REQUEST_BYTES = 1024 * 1024
MAX_RECORD_BYTES = 512 * 1024  # of a micro-batch, unless one line alone is longer
COUNT_HEADER = "n"

EMPTY_PROPERTIES = msgspec.Raw(b"{}")

UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
"""What decoding raises for text of others: not JSON or of another shape, no UTF-8, too deep."""

PSEUDONYM_PREFIX = "p_"  # a daily keyed hash; never a person
USER_DEVICE_PREFIX = "user:"  # a server event with a user and no device
RESERVED_PREFIXES = (PSEUDONYM_PREFIX, USER_DEVICE_PREFIX, *NODE_PREFIXES)

LOGOUT_NAMES = frozenset({"Logged Out", "Signed Out"})

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

CANONICAL_UUID = re.compile("[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_NAMESPACE = uuid.UUID("5f0f7d0e-6b1c-5c1e-9d1a-0f00fa110001")


def is_identifier(value: str) -> bool:
    """False for what is no identifier (design.md section 4, rule 6), whatever its case."""
    return value.strip().lower() not in NOT_IDENTIFIERS


def is_pseudonym(device_id: str) -> bool:
    return device_id.startswith(PSEUDONYM_PREFIX)


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


@lru_cache(maxsize=100_000)
def person_of_device(device_id: str, after_reset_ms: int = 0) -> str:
    """The anonymous person behind a device (since its logout at that time, if there was one)."""
    return uuid5("person", "device", device_id, after_reset_ms)


@lru_cache(maxsize=100_000)
def session_of(device_id: str, start_ms: int) -> str:
    """A session's id, derived from where it starts, so that every replay gives the same."""
    return uuid5("session", device_id, start_ms)


class Event(
    msgspec.Struct, kw_only=True, omit_defaults=True, tag_field="kind", tag="event", gc=False
):
    """One line of `footfall.raw`: an event as accepted, before anything was looked up."""

    event_id: str  # UUID
    event_time: int  # ms; the sender's time corrected by its clock skew, never after received_at
    received_at: int  # ms
    type: EventType
    name: str  # 'Page Viewed' for page; the event's name for track; '' else
    protocol: Protocol
    device_id: str  # cookie, the SDK's anonymous id, p_<pseudonym>, user:<id>, or a node
    site: str = ""
    consent: Consent = "unknown"
    server: bool = False  # sent with a server key
    user_id: str = ""
    previous_id: str = ""  # alias only: the user id that is the same person as user_id
    revoke: bool = False  # with a server key: takes back what such an alias or identify said
    profile_id: str = ""
    url: str = ""
    title: str = ""
    referrer: str = ""
    ip: str = ""  # truncated by ingest where there is no consent
    user_agent: str = ""
    language: str = ""
    decision_id: str = ""
    variant: str = ""  # as the page says it showed; scenario and arm come from decision_id
    engaged_ms: int = 0
    http_status: int = 0
    campaign: dict[str, str] = {}  # utm_* that the protocol carries beside the URL
    notes: list[str] = []  # what ingest mended, e.g. 'nan_nulled'
    properties: msgspec.Raw = EMPTY_PROPERTIES  # a JSON object, as sent
    # Of consenting devices: the pseudonyms that log lines of this hit carry; two at a day's border.
    address_keys: list[str] = []

    @property
    def seen_at(self) -> int:
        """When its sender was at its address (ms). A page's event was sent when it arrived, however
        long it had waited; a server says when its visitor came.
        """
        return self.event_time if self.server else self.received_at


class Decision(
    msgspec.Struct, kw_only=True, omit_defaults=True, tag_field="kind", tag="decision", gc=False
):
    """One homepage decision: a line of `footfall.raw`, passed on to `footfall.decisions`."""

    decision_id: str
    decided_at: int  # ms
    device_id: str
    scenario: str
    variant: str
    reason: str
    experiment: str = ""
    arm: str = ""
    degraded: bool = False
    latency_ms: float = 0.0


class Claim(
    msgspec.Struct, kw_only=True, omit_defaults=True, tag_field="kind", tag="claim", gc=False
):
    """A line of `footfall.raw`: a server says that an identifier is a user's, or no more."""

    device_id: str  # the identifier's node, see `schemas.identifiers`
    what: Kind
    value: str  # the identifier, normalized
    user_id: str
    event_time: int  # ms
    event_id: str  # of the event that says so
    revoked: bool = False


RawLine = Event | Decision | Claim | Unconsented


class EnrichedEvent(msgspec.Struct, kw_only=True, omit_defaults=True, gc=False):
    """One line of `footfall.events`: a row of ClickHouse, person and session as known then."""

    event_id: str
    event_time: int
    received_at: int
    site: str
    type: EventType
    name: str
    protocol: Protocol
    device_id: str
    consent: Consent
    user_id: str = ""
    profile_id: str = ""
    person_id: str | None = None  # None: a bot, or a pseudonym
    session_id: str | None = None  # None: a bot
    url: str = ""
    host: str = ""
    path: str = ""
    title: str = ""
    referrer: str = ""
    referrer_medium: Medium = "unknown"
    referrer_source: str = ""
    referrer_term: str = ""
    utm_source: str = ""
    utm_medium: str = ""
    utm_campaign: str = ""
    utm_content: str = ""
    utm_term: str = ""
    click_id: str = ""
    click_id_type: str = ""
    search_query: str = ""
    search_results: int | None = None
    device_class: str = ""
    browser: str = ""
    os: str = ""
    language: str = ""
    country: str = ""
    region: str = ""
    city: str = ""
    is_bot: bool = False
    bot_reason: str = ""
    scenario: str = ""
    variant: str = ""
    experiment: str = ""
    arm: str = ""
    decision_id: str = ""
    order_id: str = ""
    revenue: str | None = None  # a decimal number, in `currency`
    currency: str = ""
    engaged_ms: int = 0
    http_status: int = 0
    late: bool = False
    notes: list[str] = []
    properties: msgspec.Raw = EMPTY_PROPERTIES


LinkStatus = Literal["applied", "conflict", "suspicious", "revoked"]


class IdentityLink(msgspec.Struct, kw_only=True, omit_defaults=True, gc=False):
    """One line of `footfall.identity`: an identifier leads to a person, since when and why.

    The newest version a (identifier, kind, person, reason, device) replaces the older. What is not
    `applied` is recorded and leads to nobody.
    """

    identifier: str
    kind: Literal["cookie", "user_id", "email", "phone", "order_id", "profile_id", "pseudonym"]
    person_id: str
    valid_from: int  # ms
    reason: str  # 'login', 'mail_click', 'verified_email', 'alias', ...
    device_id: str  # where the evidence was seen
    version: int
    status: LinkStatus = "applied"
    evidence: str = ""  # id of an event that says so, where one does
    removed: bool = False  # nothing says so any more


class Correction(msgspec.Struct, kw_only=True, gc=False):
    """One line of `footfall.corrections`: a span of this device's events belongs elsewhere.

    Of an event's rows of the same `what`, the one with the latest `since` not after it holds, if
    the event is not after its `until`; later events were emitted right. A person's span speaks
    only of events without a user of their own, or with one who is `void`: not after `until` the
    device's events that name `user_id` are no evidence of that user (his login was taken back),
    for good. Keyed by (device_id, what, since); the highest version wins; `removed` takes the row
    away.
    """

    device_id: str
    what: Literal["person", "session", "bot", "void"]
    since: int  # ms
    until: int  # ms, inclusive
    person_id: str | None
    session_id: str | None
    version: int
    removed: bool = False
    bot_reason: str = ""  # of what 'bot', which speaks of a whole UTC day and is never removed
    user_id: str = ""  # of what 'void'; its `since` only tells it from others of the same moment


class Register(msgspec.Struct, kw_only=True, omit_defaults=True, gc=False):
    """One line of `footfall.registers`: all that one device contributes to one person.

    The newest version a (person, device) replaces the older; `gone` says: nothing any more.
    """

    person_id: str
    device_id: str
    version: int
    record_time: int  # ms: Kafka timestamp of the raw record that made it
    gone: bool = False
    counted: bool = True  # False: a pseudonym; it counts per session, never per person
    user_id: str = ""
    first_seen: int = 0  # ms
    last_seen: int = 0  # ms, rounded down to 5 minutes
    sessions: int = 0
    orders: int = 0
    profiles: Profiles = {}
    layout: Layout = ()  # of the evidence
    starts: tuple[int, ...] = ()  # ms: of the sessions in which the evidence lies, sorted
    evidence: bytes = b""  # packed, see `schemas.evidence`; base64 in JSON
    purchases: Purchases = ()
    activity: dict[str, tuple[int, ...]] = {}  # see `schemas.activity`
    days: tuple[int, ...] = ()  # UTC days since 1970 on which its sessions began, sorted
    via: str = ""  # persons who handed it on, first to last: 'a>b'; see `streams.handing_on`


class Alias(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One line of `footfall.aliases`: two user ids are one person, or (revoked) no longer.

    Of a pair's lines the one with the latest (event_time, event_id) holds.
    """

    one: str  # user id
    other: str  # user id
    event_time: int  # ms
    event_id: str
    record_time: int  # ms: Kafka timestamp of the raw record that made it
    revoked: bool = False


class Root(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A line of `footfall.registers` beside `Register`: who the person is, by aliases.

    The newest version a person holds. Unlike a register it names no device.
    """

    person_id: str
    root: str  # the user id whose person it is; '' for nobody else's
    version: int
    record_time: int  # ms, as of `Alias`


class Resolution(msgspec.Struct, kw_only=True):
    """One line of `footfall.resolutions`: whose the events of a person are, as known now.

    `device_id` '' speaks of all of them (an alias), else only of those of that device, which is
    apart. The newest version a (person_id, device_id) holds; who is nobody else any more resolves
    to himself. An alias applies first, then what is apart from the person it leads to.
    """

    person_id: str
    device_id: str
    resolved_id: str
    version: int


class Rejected(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One line of `footfall.rejected`: an input that was refused, with its original bytes."""

    rejected_id: str  # UUID; derived from the position where the input has one, so it repeats
    rejected_at: int  # ms
    reason: str  # a `Reason`
    detail: str = ""
    protocol: str = ""
    event_id: str = ""
    original: bytes = b""  # base64 in JSON
    key: str = ""  # kind of the write key it came with, 'server' or 'browser'
    call: str = ""  # type of the call that brought it, where that says which event it is
    replayed_at: int = 0  # ms; then it is refused no more


Record = TypeVar(
    "Record",
    Event,
    Claim,
    EnrichedEvent,
    IdentityLink,
    Correction,
    Decision,
    Alias,
    Register,
    Resolution,
    Root,
    Rejected,
    Forget,
)

encode_line = msgspec.json.Encoder().encode


def encode_batch(records: Iterable[msgspec.Struct]) -> bytes:
    """Newline-delimited JSON, one record a line, no newline at the end."""
    return b"\n".join(map(encode_line, records))


def pack_lines(lines: Iterable[bytes], most_bytes: int = MAX_RECORD_BYTES) -> Iterator[list[bytes]]:
    """Lines in order, cut into batches within MAX_BATCH_EVENTS and `most_bytes`."""
    batch: list[bytes] = []
    size = 0
    for line in lines:
        if batch and (len(batch) == MAX_BATCH_EVENTS or size + len(line) > most_bytes):
            yield batch
            batch, size = [], 0
        batch.append(line)
        size += len(line) + 1
    if batch:
        yield batch


def split_lines(value: bytes) -> Iterator[bytes]:
    """The lines of a micro-batch without empty ones; JSON text holds no raw newline."""
    return (line for line in value.split(b"\n") if line)


raw_line_decoder: msgspec.json.Decoder[RawLine | Forget] = msgspec.json.Decoder(RawLine | Forget)
