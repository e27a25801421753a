"""A funnel: how far visitors come, step by step."""

from __future__ import annotations

import re
import zlib
from functools import cached_property
from typing import Literal

import msgspec

MAX_STEPS = 16


ANY = "*"
"""Among the values that a condition allows: whatever is said there, if anything is."""


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """A condition on events: all that is given must hold."""

    name: str
    page: str = ""  # path pattern, `*` is any text; page and screen events only
    event: str = ""  # the event's name
    where: dict[str, tuple[str, ...]] = {}  # field or property -> allowed, as text; see ANY
    without: str = ""  # name of an event that must not stand between the step before and this


SESSION_SHOWN = ("scenario", "variant", "experiment", "arm")

SESSION_FIELDS = (
    "referrer_source",
    "referrer_medium",
    "referrer_term",
    "utm_source",
    "utm_medium",
    "utm_campaign",
    "device_class",
    "country",
    "entry_path",
    *SESSION_SHOWN,
)
"""What a session says of its entry, and of what it was shown first; columns of `sessions`."""

SESSION_BREAKDOWNS = tuple(f"session.{field}" for field in SESSION_FIELDS)
"""What the session of the first step says: its entry, or what it was shown first.

Only ClickHouse knows it: an earlier event that comes later may change a session's entry.
"""


class Funnel(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    name: str
    steps: tuple[Step, ...]
    per: Literal["person", "session"] = "person"
    order: Literal["ordered", "strict", "any"] = "ordered"
    within_ms: int = 86_400_000
    by: tuple[str, ...] = ()

    @cached_property
    def key(self) -> str:
        """Name and definition: a changed definition is another key and counts anew."""
        return f"{self.name}:{self.fingerprint:08x}"

    @cached_property
    def fingerprint(self) -> int:
        """CRC-32 of the definition as it is counted live, its name included."""
        return zlib.crc32(msgspec.json.encode(msgspec.structs.replace(self, by=self.live_by)))

    @cached_property
    def live_by(self) -> tuple[str, ...]:
        """The breakdowns that are counted live; the others are ClickHouse's alone."""
        return tuple(field for field in self.by if field not in SESSION_BREAKDOWNS)


def path_pattern(pattern: str) -> str:
    """A page pattern as a regular expression of the whole path; RE2 and Python read it alike."""
    return "^" + ".*".join(re.escape(part) for part in pattern.split("*")) + "$"
