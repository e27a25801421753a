"""What the rules entail between devices and users, the slow and plain way: `oracle`'s other half.

Verified identifiers, aliases of users, and lines of a web server's log. Times are ms.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

JOIN_MS = 30 * 60_000
STEP_MS = 5 * 60_000


class Claim(NamedTuple):
    """An identifier is a user's, or (`revoked`) nothing that was said of the two until then."""

    identifier: str
    user_id: str
    at: int
    revoked: bool = False


class Alias(NamedTuple):
    """Two user ids are one person's, or (`revoked`) are not."""

    one: str
    other: str
    at: int
    event_id: str
    revoked: bool = False


class Seen(NamedTuple):
    """A hit with this address and user agent; `device` is '' where nobody agreed to be known."""

    ip: str
    user_agent: str
    at: int
    device: str


class Sighted(NamedTuple):
    """A line in this time may be of this device, in the five minutes after it perhaps too."""

    device: str
    since: int
    until: int


def claimants(claims: Iterable[Claim]) -> dict[str, str]:
    """Whose each identifier is: of the claims that were not taken back, the earliest one's user."""
    said: dict[tuple[str, str], list[Claim]] = {}
    for claim in claims:
        said.setdefault((claim.identifier, claim.user_id), []).append(claim)
    standing: dict[str, list[tuple[int, str]]] = {}
    for (identifier, user_id), history in said.items():
        until = max((each.at for each in history if each.revoked), default=-1)
        live = [each.at for each in history if not each.revoked and each.at > until]
        if live:
            standing.setdefault(identifier, []).append((min(live), user_id))
    return {identifier: min(found)[1] for identifier, found in standing.items()}


def roots(aliases: Iterable[Alias]) -> dict[str, str]:
    """The smallest user id of all that are joined with a user; users without alias are left out.

    Of what is said about a pair the last word holds.
    """
    said: dict[frozenset[str], list[Alias]] = {}
    for alias in aliases:
        said.setdefault(frozenset((alias.one, alias.other)), []).append(alias)
    pairs = [pair for pair, history in said.items() if not max(history, key=_by_time).revoked]
    root = {user: user for pair in said for user in pair}
    changed = True
    while changed:
        changed = False
        for pair in pairs:
            least = min(root[user] for user in pair)
            changed = changed or any(root[user] != least for user in pair)
            root.update(dict.fromkeys(pair, least))
    return root


def sightings(hits: Sequence[Seen]) -> list[Sighted]:
    """Who was there when, of hits with one address and user agent.

    When somebody's hits end is known to five minutes: they were surely there until the step of
    the last one began, and may have been until it ended.
    """
    found = []
    for hit in hits:
        step = _step(hit.at)
        begins = not any(
            other.device == hit.device and other.at < hit.at and step - _step(other.at) <= JOIN_MS
            for other in hits
        )
        since, until = (hit.at, hit.at) if hit.device and begins else (hit.at, step)
        since = since if hit.device else step
        found.append(Sighted(hit.device, since - JOIN_MS, until + JOIN_MS))
    return found


def device_of_line(seen: Sequence[Sighted], at: int) -> str:
    """The device that asked for a line of the log; '' where none can be told.

    It was surely seen within half an hour, no other one may have been, and nobody without consent.
    """
    sure = {each.device for each in seen if each.since <= at <= each.until}
    perhaps = {each.device for each in seen if each.since <= at < each.until + STEP_MS}
    return sure.pop() if len(perhaps) == 1 and sure else ""


def _step(at: int) -> int:
    return at // STEP_MS * STEP_MS


def _by_time(said: Alias) -> tuple[int, str]:
    return said.at, said.event_id
