"""A device's identity links as a function of its state: which hold, and which do not and why."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Literal, NamedTuple

import msgspec

from schemas.device_state import DeviceState
from schemas.identifiers import Kind, is_node
from schemas.identity import (
    LOGOUT,
    OVER,
    Mark,
    Segment,
    applied,
    holder,
    segments_of,
    without_revoked,
)
from schemas.ids import person_of_device, person_of_user
from schemas.messages import IdentityLink, LinkStatus
from streams.said import has_timeline

LinkKind = Literal["cookie", "user_id", "email", "phone", "order_id", "profile_id"]

_CLAIMS: Mapping[Kind, str] = {
    "email": "verified_email",
    "phone": "verified_phone",
    "order_id": "order",
}


class Evidence(msgspec.Struct, frozen=True, gc=False):
    """What made the state say something new; `what` and `value`: of a node."""

    event_id: str
    what: Kind | None = None
    value: str = ""


class _Key(NamedTuple):
    identifier: str
    kind: LinkKind
    person_id: str
    reason: str


class _Link(NamedTuple):
    valid_from: int  # ms
    status: LinkStatus


_Links = dict[_Key, _Link]


def link_changes(
    device_id: str,
    before: DeviceState | None,
    after: DeviceState,
    evidence: Evidence,
    version: int,
) -> Iterator[IdentityLink]:
    """Links that are new or different, and those that nothing says any more."""
    if not may_change(before, after):
        return
    old = _links(device_id, before, evidence) if before is not None else {}
    new = _links(device_id, after, evidence)
    for key, link in (new | {key: link for key, link in old.items() if key not in new}).items():
        if old.get(key) != new.get(key):
            yield IdentityLink(
                identifier=key.identifier,
                kind=key.kind,
                person_id=key.person_id,
                valid_from=link.valid_from,
                reason=key.reason,
                device_id=device_id,
                version=version,
                status=link.status,
                evidence=evidence.event_id,
                removed=key not in new,
            )


def may_change(before: DeviceState | None, after: DeviceState) -> bool:
    """Whether `link_changes` might find any: what it depends on is another object."""
    if not (after.logins or after.clicks or after.revoked or after.profiles):
        return False
    return (
        before is None
        or before.logins is not after.logins
        or before.clicks is not after.clicks
        or before.revoked is not after.revoked
        or before.profiles is not after.profiles
        or before.first_seen != after.first_seen
    )


def _links(device_id: str, state: DeviceState, evidence: Evidence) -> _Links:
    links: _Links = {}
    if is_node(device_id):
        if evidence.what is not None:
            links = _claims(state, evidence.what, evidence.value)
    elif has_timeline(device_id):
        links = _not_applied(device_id, state)
        links.update(_applied(device_id, segments_of(device_id, state), state))
    for user, profiles in state.profiles.items():
        for profile_id, profile in profiles.items():
            if profile_id and profile:
                since = min(fact.time for fact in profile.values())
                key = _Key(profile_id, "profile_id", person_of_user(user), "profile")
                links[key] = _Link(since, "applied")
    return links


def _claims(state: DeviceState, what: Kind, value: str) -> _Links:
    owner = holder(state.logins, state.revoked)
    live = {user: first for user, first, _ in without_revoked(state.logins, state.revoked)}
    links: _Links = {}
    for user, first, _ in state.logins:
        status: LinkStatus = "revoked"
        if user in live:
            status = "applied" if user == owner else "conflict"
        key = _Key(value, what, person_of_user(user), _CLAIMS[what])
        links[key] = _Link(live.get(user, first), status)
    return links


def _applied(device_id: str, segments: Sequence[Segment], state: DeviceState) -> _Links:
    """Cookie and login lead to the person of each user of the timeline, from the first time on."""
    logins = {user for user, _, _ in without_revoked(state.logins, state.revoked)}
    links: _Links = {}
    for segment in segments:
        if segment.user_id:
            person = segment.person(device_id)
            reason = "login" if segment.user_id in logins else "mail_click"
            link = _Link(max(segment.since, state.first_seen), "applied")
            links.setdefault(_Key(device_id, "cookie", person, reason), link)
            links.setdefault(_Key(segment.user_id, "user_id", person, reason), link)
    return links


def _not_applied(device_id: str, state: DeviceState) -> _Links:
    """What was said of the device and does not hold, or not any more."""
    links: _Links = {}
    marks = set(applied(state.logins, state.clicks, state.revoked))
    for reason, said in (("login", state.logins), ("mail_click", state.clicks)):
        live = {mark[0]: mark for mark in without_revoked(said, state.revoked)}
        for mark in said:
            user, first, _ = mark
            if user == LOGOUT:
                continue
            if user == OVER:
                key = _Key(device_id, "cookie", person_of_device(device_id), f"too_many_{reason}s")
                links.setdefault(key, _Link(first, "suspicious"))
                continue
            status = _status(live.get(user), marks)
            if status is not None:
                key = _Key(device_id, "cookie", person_of_user(user), reason)
                links.setdefault(key, _Link(first, status))
    return links


def _status(live: Mark | None, applied_marks: set[Mark]) -> LinkStatus | None:
    if live is None:
        return "revoked"
    return None if live in applied_marks else "conflict"
