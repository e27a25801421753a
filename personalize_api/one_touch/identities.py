"""Which identifiers lead to a person and why, from the states of the person's devices.

The rules are the stream's (`schemas.identity`); ClickHouse's `identities` has every link ever,
here stand those that live state holds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import msgspec

from schemas.device_state import DeviceState
from schemas.funnel_result import iso_time
from schemas.identifiers import KINDS, NODE_PREFIXES, is_node
from schemas.identity import LOGOUT, OVER, Mark, applied, holder, without_revoked
from schemas.ids import USER_DEVICE_PREFIX, is_pseudonym

IdentityKind = Literal["cookie", "user_id", "email", "phone", "order_id"]

_REASONS = {"email": "verified_email", "phone": "verified_phone", "order_id": "order"}


class IdentityView(msgspec.Struct, frozen=True, kw_only=True, order=True):
    """`identifier`: an e-mail, telephone or order number is kept as a keyed hash of it alone."""

    kind: IdentityKind
    identifier: str
    reason: str  # own, login, mail_click, server, alias, verified_email, verified_phone, order
    since: str | None  # ISO 8601, UTC; None where nothing says when


def identities_of(
    users: Sequence[str], devices: Mapping[str, DeviceState | None]
) -> list[IdentityView]:
    """`users`: the login and its aliases; `devices`: those that count for the person."""
    found: set[IdentityView] = set()
    logins: dict[str, int] = {}
    for device_id, state in devices.items():
        if is_pseudonym(device_id):
            continue
        if device_id.startswith(USER_DEVICE_PREFIX):
            user = device_id.removeprefix(USER_DEVICE_PREFIX)
            _earliest(logins, user, state.first_seen if state else 0)
        elif is_node(device_id):
            found |= _node(device_id, state)
        elif state is not None:
            found |= _cookie(device_id, state, users, logins)
    named = [
        IdentityView(
            kind="user_id",
            identifier=user,
            reason="login" if user == users[0] else "alias",
            since=iso_time(logins[user]) if logins.get(user) else None,
        )
        for user in users
    ]
    return [*named, *sorted(found)]


def _cookie(
    device_id: str, state: DeviceState, users: Sequence[str], logins: dict[str, int]
) -> set[IdentityView]:
    """Why the device is one of the users', or, of nobody with a login, that it is himself."""
    marks: tuple[Mark, ...] = applied(state.logins, state.clicks, state.revoked)
    said = {user for user, _, _ in without_revoked(state.logins, state.revoked)}
    links = set()
    for user in users:
        times = [first for name, first, _ in marks if name == user]
        if times:
            reason = "login" if user in said else "mail_click"
            links.add(_view("cookie", device_id, reason, min(times)))
            _earliest(logins, user, min(times))
    named = {user for user, _, _ in marks if user not in (LOGOUT, OVER)}
    if not users and not named:
        links.add(_view("cookie", device_id, "own", state.first_seen))
    return links


def _node(device_id: str, state: DeviceState | None) -> set[IdentityView]:
    prefix = next(each for each in NODE_PREFIXES if device_id.startswith(each))
    kind = KINDS[NODE_PREFIXES.index(prefix)]
    owner = holder(state.logins, state.revoked) if state else ""
    live = without_revoked(state.logins, state.revoked) if state else ()
    since = min((first for user, first, _ in live if user == owner), default=0)
    reason = _REASONS[kind] if owner else "own"
    return {_view(kind, device_id, reason, since or (state.first_seen if state else 0))}


def _view(kind: IdentityKind, identifier: str, reason: str, since: int) -> IdentityView:
    stamp = iso_time(since) if since else None
    return IdentityView(kind=kind, identifier=identifier, reason=reason, since=stamp)


def _earliest(logins: dict[str, int], user: str, time: int) -> None:
    if time:
        logins[user] = min(time, logins.get(user, time))
