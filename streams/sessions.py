"""Sessions of one device: corrections when an earlier event's session changes.

How runs, marks and cuts make sessions is `schemas.sessions`, which the personalization API
shares. This module says which already emitted events have got another session.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from schemas.sessions import session_start_of

HORIZON_MS = 48 * 3600 * 1000
"""Runs that ended this long before the device's newest event may be closed and counted."""

MAX_OLD_RUNS = 16
"""Of these so many are kept, the newest: history may come when a device has newer events."""

Run = tuple[int, int]
SessionMark = tuple[int, str]


class SessionChange(msgspec.Struct, frozen=True):
    """Events from `since` to `until` (ms, inclusive) are of the session that starts at `start`;
    with `removed`, no session starts at `since` any more.
    """

    since: int
    until: int
    start: int
    removed: bool = False


def changes(
    before: Sequence[int], after: Sequence[int], runs: Sequence[Run], newest_ms: int
) -> list[SessionChange]:
    """What an added event did to the sessions of the events before it.

    `before`, `after`: session starts; `runs`: after; `newest_ms`: the newest event before it.
    Empty for an event in order: it only begins a session after all others, or begins none.
    """
    added = [start for start in after if start not in before and start <= newest_ms]
    removed = [start for start in before if start not in after]
    if not added and not removed:
        return []
    touched = {*added, *(session_start_of(after, start) for start in removed)}
    kept = [SessionChange(start, _end(start, after, runs), start) for start in sorted(touched)]
    return kept + [SessionChange(start, start, start, removed=True) for start in removed]


def _end(start: int, starts: Sequence[int], runs: Sequence[Run]) -> int:
    following = min((s for s in starts if s > start), default=None)
    last = next((last for first, last in runs if first <= start <= last), start)
    return last if following is None else min(last, following - 1)
