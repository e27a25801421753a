"""The event record, and what the device stage makes of it.

Field names are the column names of ClickHouse's `events_all`. Times are integers, milliseconds
since 1970 UTC. Text that is not there is the empty string. A topic's value holds many of them, see
`schemas.batch`; what stages tell each other is in `schemas.messages`.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from schemas.forget import Forget
from schemas.identifiers import Kind
from schemas.sightings import Unconsented

EventType = Literal["page", "track", "identify", "alias", "screen", "group"]
Protocol = Literal["beacon", "segment", "snowplow", "posthog", "pixel", "log", "import"]
Consent = Literal["granted", "denied", "unknown"]
Medium = Literal[
    "direct", "internal", "search", "social", "email", "paid", "ai", "referral", "unknown"
]

MAX_EVENT_BYTES = 64 * 1024
MAX_REQUEST_BYTES = 1024 * 1024

EMPTY_PROPERTIES = msgspec.Raw(b"{}")

LOGOUT_NAMES = frozenset({"Logged Out", "Signed Out"})


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


raw_line_decoder: msgspec.json.Decoder[RawLine | Forget] = msgspec.json.Decoder(RawLine | Forget)
