"""What `/v1/live` tells: the view of the ops page, put together of what every part knows.

Counts only, of nobody in particular. A part that cannot be read is told in `unavailable` and its
fields are null; the others go on.
"""

from __future__ import annotations

import msgspec

from personalize_api.live.funnels import LiveFunnel
from personalize_api.live.pulse import Decisions, Events, Page, Rejected, Stage, Visitors

SHOWN_VALUES = 12  # of a breakdown; `footfall funnel` tells all


class VariantRate(msgspec.Struct, frozen=True, kw_only=True):
    """Sessions of the last 24 h that were shown a homepage, and those that then ordered."""

    value: str
    shown: int
    ordered: int
    rate: float
    low: float  # Wilson's interval of 95 %
    high: float


class ReferrerRate(msgspec.Struct, frozen=True, kw_only=True):
    """Sessions of the last 24 h that a source has sent, and those that ordered."""

    value: str  # '': nobody in particular
    entered: int
    ordered: int
    rate: float
    low: float
    high: float


class LiveAlert(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    kind: str
    severity: str  # warning | critical
    title: str
    detail: str
    since: str


class LiveView(msgspec.Struct, kw_only=True):
    """Data of an event `live`. Times are ISO 8601, UTC."""

    at: str
    site: str
    funnels: list[LiveFunnel] | None = None
    visitors: Visitors | None = None
    events: Events | None = None
    pages: list[Page] | None = None  # the last 30 minutes, most viewed first
    variants: list[VariantRate] | None = None  # best order rate first
    referrers: list[ReferrerRate] | None = None
    rejected: Rejected | None = None
    stages: list[Stage] | None = None
    decisions: Decisions | None = None
    alerts: list[LiveAlert] | None = None  # critical ones first, then the oldest
    unavailable: dict[str, str] = {}  # field -> why it is null


class LiveTrouble(msgspec.Struct, kw_only=True):
    """Data of an event `trouble`: nothing can be read, what was last seen is stale."""

    at: str
    message: str
