"""What became of every line of an import."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from schemas.reasons import Reason


class Skipped(StrEnum):
    """Why a well-formed line is no event. `rejected` is only what cannot be understood."""

    STATIC = "static"  # images, styles, scripts, fonts, downloads: by the path's ending
    DATA = "data"  # feeds, JSON, XML, but not robots.txt: fetched by programs
    REDIRECT = "redirect"  # 3xx but 304: the visitor saw the page it leads to
    NOT_GET = "not_get"  # POST, HEAD, OPTIONS, ...
    NO_REQUEST = "no_request"  # `-`: the client hung up before it asked for anything
    NOT_HTTP = "not_http"  # something else was sent to the port, such as a TLS handshake
    OTHER_HOST = "other_host"  # a proxy request for somebody else's page
    BLANK = "blank"


class Summary(msgspec.Struct, kw_only=True):
    """Counts of one import: lines = events + all skipped + all rejected."""

    lines: int = 0
    events: int = 0
    pages: int = 0  # of the events: pages that were shown
    failed: int = 0  # of the events: answers 4xx and 5xx
    bots: int | None = None  # of the events, each by itself; None: nobody asked
    skipped: dict[Skipped, int] = {}
    rejected: dict[Reason, int] = {}
    first_ms: int | None = None  # of the events
    last_ms: int | None = None
    published: bool = True  # False: a dry run
    seconds: float = 0.0

    @property
    def static(self) -> int:
        return self.skipped.get(Skipped.STATIC, 0)

    @property
    def accounted(self) -> int:
        return self.events + sum(self.skipped.values()) + sum(self.rejected.values())
