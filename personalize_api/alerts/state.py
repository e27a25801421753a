"""What is known of alerts between evaluations; stands in Redis, so that a restart neither repeats
nor forgets. Nothing of it is about a visitor.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from personalize_api.alerts.series import Series
from personalize_api.alerts.watch import Watch
from personalize_api.live.funnels import UsualShare

Kind = Literal["funnel", "entry", "lag", "silent", "rejected", "degraded", "spool"]
Severity = Literal["warning", "critical"]

MAX_RECENT = 20


class Alert(msgspec.Struct, kw_only=True, frozen=True):
    """As ops see it."""

    id: str  # of this very incident
    kind: Kind
    severity: Severity
    title: str
    detail: str
    since: str  # ISO 8601, UTC


class Resolved(Alert, kw_only=True, frozen=True):
    until: str


class Finding(msgspec.Struct, kw_only=True, frozen=True):
    """Something that is wrong now; `subject` names it as long as it is."""

    subject: str  # 'lag/stream.raw', 'funnel/checkout/order', ...
    kind: Kind
    severity: Severity
    title: str
    detail: str
    since_ms: int


class Incident(msgspec.Struct, kw_only=True):
    subject: str
    alert: Alert
    missing: int = 0  # evaluations in a row that have not found it


class AlertState(msgspec.Struct, kw_only=True):
    """All that an evaluation leaves to the next one."""

    at: int = 0  # ms: of the evaluation
    active: dict[str, Incident] = {}  # by subject
    recent: list[Resolved] = []  # newest first
    found: dict[str, int] = {}  # by subject: evaluations in a row, of what is not yet active
    watches: dict[str, Watch] = {}  # by subject
    measured: dict[str, int] = {}  # by funnel key: the minute up to which it was measured
    usual: dict[str, list[UsualShare | None]] = {}  # by funnel
    series: dict[str, Series] = {}  # by funnel key


class Message(msgspec.Struct, kw_only=True):
    """One webhook to one address. The address, which may hold a secret, stands in the site file."""

    id: str  # the same at every attempt
    address: str  # digest, see `webhooks.digest`
    body: str
    created: int  # ms
    attempts: int = 0
    next_at: int = 0  # ms


encode = msgspec.json.encode
state_decoder = msgspec.json.Decoder(AlertState)
message_decoder = msgspec.json.Decoder(Message)
