"""What the rules of design.md sections 3b and 4 entail for one device, the slow and plain way.

Written from the rules and for nothing else: it shares no code with the stream that it judges.
All that it looks at is what one device sent, in any order. Times are ms. What ties devices and
users to one another is in `oracle_links`.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

GAP_MS = 30 * 60_000
DAY_MS = 86_400_000
MAX_USERS_A_DAY = 5


class Said(NamedTuple):
    """What one event says of its device: when, and who is logged in ('' : it says nothing)."""

    at: int
    user_id: str = ""
    logs_out: bool = False
    clicked_by: str = ""  # the user that a mail's token names
    takes_back: str = ""  # this user never logged in here, up to now


class Owner(NamedTuple):
    """Whose an event is: a user's, or (user '') nobody's since a logout (0: there was none)."""

    user_id: str = ""
    since_logout: int = 0


def marks_of(said: Sequence[Said]) -> list[Said]:
    """Those that count: logins, logouts, and clicks that count as logins.

    A day (UTC) with too many users counts for nothing. What is taken back later is void. Clicks
    count where they name one user, and neither another user's login stands beside them nor a day
    with too many.
    """
    every = [each for each in said if each.logs_out or each.user_id]
    crowded = _crowded_days(every)
    marks = [
        each
        for each in every
        if each.at // DAY_MS not in crowded
        and (each.logs_out or not _taken_back(said, each.user_id, each.at))
    ]
    clicks = [
        Said(each.at, each.clicked_by)
        for each in said
        if each.clicked_by and not _taken_back(said, each.clicked_by, each.at)
    ]
    users = {each.user_id for each in [*marks, *clicks] if not each.logs_out}
    return [*marks, *clicks] if len(users) == 1 and not crowded else marks


def owner(said: Sequence[Said], at: int, own_user: str = "") -> Owner:
    """Identity rules 1 to 4 for an event at a time.

    Its own user, unless that was taken back; else the latest login not after it, unless a logout
    came since; else the next login, unless a logout comes first; else nobody, since that latest
    logout. A logout counts from the millisecond after it: its own event is of whom it logs out.
    """
    return owner_by(marks_of(said), at, still_own(said, at, own_user))


def still_own(said: Sequence[Said], at: int, own_user: str) -> str:
    """The user that an event itself names; '' where it was taken back that he was there."""
    return "" if own_user and _taken_back(said, own_user, at) else own_user


def owner_by(marks: Sequence[Said], at: int, own_user: str = "") -> Owner:
    """The same by the marks that count."""
    if own_user:
        return Owner(own_user)
    before = [each for each in marks if _from(each) <= at]
    after = [each for each in marks if _from(each) > at]
    latest = max(before, key=_by_time, default=None)
    following = min(after, key=_by_time, default=None)
    if latest is not None and not latest.logs_out:
        return Owner(latest.user_id)
    if following is not None and not following.logs_out:
        return Owner(following.user_id)
    return Owner("", latest.at if latest is not None else 0)


def session_starts(said: Sequence[Said], gap_ms: int = GAP_MS) -> dict[int, int]:
    """The start of the session of each event's time.

    A session ends after a pause longer than the gap, and where the device's owner changes. (Where
    the source changes too; visits of simulated shoppers have one source.)
    """
    marks = marks_of(said)
    starts: dict[int, int] = {}
    for run in _runs(sorted({each.at for each in said}), gap_ms):
        start, before = run[0], owner_by(marks, run[0])
        starts[start] = start
        for last, at in pairwise(run):
            for moment in (last + 1, at):  # after a logout the next session begins at once
                now = owner_by(marks, moment)
                if now != before:
                    start, before = moment, now
            starts[at] = start
    return starts


def _runs(times: Sequence[int], gap_ms: int) -> list[list[int]]:
    runs: list[list[int]] = []
    for at in times:
        if runs and at - runs[-1][-1] <= gap_ms:
            runs[-1].append(at)
        else:
            runs.append([at])
    return runs


def _taken_back(said: Sequence[Said], user_id: str, at: int) -> bool:
    return any(each.takes_back == user_id and each.at >= at for each in said)


def _crowded_days(marks: Sequence[Said]) -> set[int]:
    users: dict[int, set[str]] = {}
    for each in marks:
        if not each.logs_out:
            users.setdefault(each.at // DAY_MS, set()).add(each.user_id)
    return {day for day, found in users.items() if len(found) > MAX_USERS_A_DAY}


def _from(said: Said) -> int:
    return said.at + 1 if said.logs_out else said.at


def _by_time(said: Said) -> tuple[int, str]:
    return _from(said), "" if said.logs_out else said.user_id
