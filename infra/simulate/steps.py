"""What a visit is made of: steps, and the homepages that are shown on the way."""

from __future__ import annotations

from collections.abc import Generator

import msgspec

_NOTHING: dict[str, object] = {}


class Shown(msgspec.Struct, frozen=True):
    """A homepage that was shown; `decision_id` is '' where nobody decided."""

    variant: str
    decision_id: str = ""


class Step(msgspec.Struct):
    """One thing a shopper does, and the page on which it happens; or what the backend says."""

    wait: float  # seconds since the step before
    type: str  # page, track, identify or alias
    path: str  # with its query
    referrer: str  # whole address, '' for none
    title: str = ""
    name: str = ""  # of a track event
    properties: dict[str, object] = _NOTHING
    traits: dict[str, object] = _NOTHING
    user_id: str = ""
    profile_id: str = ""
    is_home: bool = False
    named: dict[str, object] = _NOTHING  # by what the backend knows who it was
    previous_id: str = ""  # of an alias
    revokes: bool = False


Script = Generator[Step, Shown | None, None]
