"""Whose events a device's are, at any time: identity rules 1 to 3 of design.md section 4.

A device's timeline is a function of its login marks, so the order in which they arrive cannot
matter. Marks are kept as [first, last] an hour and user; '' stands for a logout; a UTC day with
more than five users applies no timeline. (By the day, whoever logs in and out three times would
lose the login in the middle; what an hour still loses is the same within one hour.)
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import msgspec

from schemas.device_state import DeviceState
from schemas.identifiers import is_node
from schemas.ids import USER_DEVICE_PREFIX, is_for_others, person_of_device, person_of_user

Mark = tuple[str, int, int]  # user or LOGOUT or OVER, first ms, last ms; all of one hour
Revoked = tuple[tuple[str, int], ...]  # (user, ms): until then nothing said of that user counts

LOGOUT = ""
OVER = "\x00over"  # stands for a day with too many users
MAX_USERS_A_DAY = 5
MAX_CLAIMANTS = 16
MAX_REVOKED = 32
HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS


class Segment(msgspec.Struct, frozen=True, gc=False):
    """From `since` (ms) to the next segment the device is this person's; user '' is anonymous."""

    since: int
    user_id: str
    after_logout: int = 0  # ms of the logout that made an anonymous segment

    def person(self, device_id: str) -> str:
        if self.user_id:
            return person_of_user(self.user_id)
        return person_of_device(device_id, self.after_logout)


ALWAYS_ANONYMOUS = (Segment(0, ""),)


def add_mark(marks: tuple[Mark, ...], user_id: str, time_ms: int) -> tuple[Mark, ...]:
    """`marks` with a login (or LOGOUT) at that time; the same object where nothing changes."""
    day = time_ms // DAY_MS
    today = [mark for mark in marks if mark[1] // DAY_MS == day]
    if any(mark[0] == OVER for mark in today):
        return marks
    others = tuple(mark for mark in marks if mark[1] // DAY_MS != day)
    hour = time_ms // HOUR_MS
    for user, first, last in today:
        if user == user_id and first // HOUR_MS == hour:
            if first <= time_ms <= last:
                return marks
            today.remove((user, first, last))
            today.append((user, min(first, time_ms), max(last, time_ms)))
            break
    else:
        today.append((user_id, time_ms, time_ms))
    if len({user for user, _, _ in today if user != LOGOUT}) > MAX_USERS_A_DAY:
        today = [(OVER, day * DAY_MS, day * DAY_MS)]
    return tuple(sorted((*others, *today), key=_by_time))


def _by_time(mark: Mark) -> tuple[int, str]:
    return mark[1], mark[0]


def add_claim(marks: tuple[Mark, ...], user_id: str, time_ms: int) -> tuple[Mark, ...]:
    """A node's claims, a user's first and last, with one more; the same object for nothing new.

    Above MAX_CLAIMANTS the later claimants are forgotten: they would not get the identifier.
    """
    claims = {user: (first, last) for user, first, last in marks}
    first, last = claims.get(user_id, (time_ms, time_ms))
    claims[user_id] = min(first, time_ms), max(last, time_ms)
    kept = sorted((span[0], user) for user, span in claims.items())[:MAX_CLAIMANTS]
    new = tuple((user, *claims[user]) for _, user in kept)
    return marks if new == marks else new


def add_revocation(revoked: Revoked, user_id: str, time_ms: int) -> Revoked:
    """With all that was said of a user until then taken back; the same object for nothing new."""
    if any(user == user_id and until >= time_ms for user, until in revoked):
        return revoked
    others = [(until, user) for user, until in revoked if user != user_id]
    kept = sorted([*others, (time_ms, user_id)])[-MAX_REVOKED:]
    return tuple((user, until) for until, user in kept)


def segments_of(device_id: str, state: DeviceState) -> tuple[Segment, ...]:
    """The timeline of a device.

    One that stands for a user (a server's event) is always that user's; a node (see
    `schemas.identifiers`) always its holder's.
    """
    if is_for_others(device_id):
        if is_node(device_id):
            return (Segment(0, holder(state.logins, state.revoked)),)
        return (Segment(0, device_id.removeprefix(USER_DEVICE_PREFIX)),)
    if not state.logins and not state.clicks:
        return ALWAYS_ANONYMOUS
    if state.clicks or state.revoked:
        return timeline(applied(state.logins, state.clicks, state.revoked))
    return timeline(state.logins)


def holder(claims: tuple[Mark, ...], revoked: Revoked) -> str:
    """The user whose live claim is the earliest; '' where nobody has one."""
    live = [(first, user) for user, first, _ in without_revoked(claims, revoked)]
    return min(live)[1] if live else ""


@lru_cache(maxsize=20_000)
def applied(
    logins: tuple[Mark, ...], clicks: tuple[Mark, ...], revoked: Revoked
) -> tuple[Mark, ...]:
    """The marks that make the timeline.

    Clicks in mails are weak: they count only where all logins of the device are that user, or
    there are none, and where they agree among each other.
    """
    live, weak = without_revoked(logins, revoked), without_revoked(clicks, revoked)
    users = {user for user, _, _ in (*live, *weak) if user != LOGOUT}
    if not weak or len(users) != 1 or OVER in users:
        return live
    return tuple(sorted({*live, *weak}, key=_by_time))


def is_void(revoked: Revoked, user_id: str, time_ms: int) -> bool:
    """Whether it was taken back that the user was at the device at that time."""
    return any(user == user_id and time_ms <= until for user, until in revoked)


def without_revoked(marks: tuple[Mark, ...], revoked: Revoked) -> tuple[Mark, ...]:
    """Marks without those that were taken back; what came after a revocation counts again."""
    until = dict(revoked)
    kept = []
    for user, first, last in marks:
        edge = until.get(user, -1)
        if last > edge:
            kept.append((user, first if first > edge else last, last))
    return tuple(kept)


@lru_cache(maxsize=50_000)
def timeline(marks: tuple[Mark, ...]) -> tuple[Segment, ...]:
    """The device's segments in order; the first begins at 0.

    The owner at t is the user of the latest mark not after t; if that is a logout, or there is
    none, the next login, unless a logout comes first; else the anonymous person since that logout.
    A logout holds from the millisecond after it: the event itself is still of whom it logs out.
    """
    if not marks:
        return ALWAYS_ANONYMOUS
    points = sorted(
        {
            (at if user else at + 1, user)
            for user, first, last in marks
            if user != OVER
            for at in (first, last)
        }
    )
    segments: list[Segment] = []
    for index in range(-1, len(points)):
        since, user = points[index] if index >= 0 else (0, LOGOUT)
        following = points[index + 1] if index + 1 < len(points) else (0, LOGOUT)
        if following[0] == since and index >= 0 and index + 1 < len(points):
            continue  # at equal times the last of the sorted marks holds
        owner = user or following[1]
        logout = since - 1 if not owner and index >= 0 else 0
        if segments and (segments[-1].user_id, segments[-1].after_logout) == (owner, logout):
            continue
        segments.append(Segment(since, owner, logout))
    return tuple(segments)


def segment_at(segments: Sequence[Segment], time_ms: int) -> Segment:
    """The segment that covers a time."""
    for segment in reversed(segments):
        if segment.since <= time_ms:
            return segment
    return segments[0]


def differs_until(before: Sequence[Segment], after: Sequence[Segment], until_ms: int) -> bool:
    """Whether two timelines name different owners anywhere not after `until_ms`."""
    return [s for s in before if s.since <= until_ms] != [s for s in after if s.since <= until_ms]
