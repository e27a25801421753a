"""What a device's new state says about its earlier events: corrections."""

from __future__ import annotations

from collections.abc import Sequence

from schemas.device_state import DeviceState
from schemas.identity import Revoked, Segment
from schemas.ids import session_of
from schemas.messages import Correction
from streams.sessions import changes


def session_corrections(
    device: str, before: DeviceState, after: DeviceState, version: int
) -> list[Correction]:
    if before.starts == after.starts:
        return []
    return [
        Correction(
            device_id=device,
            what="session",
            since=change.since,
            until=change.until,
            person_id=None,
            session_id=session_of(device, change.start),
            version=version,
            removed=change.removed,
        )
        for change in changes(before.starts, after.starts, after.runs, before.last_seen)
    ]


def void_corrections(
    device: str, before: Revoked, after: Revoked, version: int
) -> list[Correction]:
    """For each user whose logins there are taken back now."""
    news = sorted((until, user) for user, until in after if (user, until) not in before)
    return [
        Correction(
            device_id=device,
            what="void",
            since=until - number,
            until=until,
            person_id=None,
            session_id=None,
            version=version,
            user_id=user,
        )
        for number, (until, user) in enumerate(news)
    ]


def person_corrections(
    device: str,
    before: Sequence[Segment],
    after: Sequence[Segment],
    newest: int,
    version: int,
) -> list[Correction]:
    """All segments that concern emitted events; and those that are no more, taken away."""
    rows = []
    for index, segment in enumerate(after):
        if segment.since > newest:
            break
        following = after[index + 1].since - 1 if index + 1 < len(after) else newest
        rows.append((segment.since, min(following, newest), segment.person(device), False))
    here = {row[0] for row in rows}
    rows += [(s.since, s.since, s.person(device), True) for s in before if s.since not in here]
    return [
        Correction(
            device_id=device,
            what="person",
            since=since,
            until=until,
            person_id=person,
            session_id=None,
            version=version,
            removed=removed,
        )
        for since, until, person, removed in rows
    ]
