"""What events and claims say of who is behind a device: marks, clicks in mails, revocations."""

from __future__ import annotations

from copy import copy
from functools import lru_cache

from schemas import click_token
from schemas.event import (
    LOGOUT_NAMES,
    USER_DEVICE_PREFIX,
    Claim,
    Event,
    is_identifier,
    is_pseudonym,
)
from schemas.identifiers import is_node
from schemas.identity import LOGOUT, add_claim, add_mark, add_revocation
from schemas.redis_keys import DeviceState


def has_timeline(device_id: str) -> bool:
    """False for what stands for a user or for nobody: evidence there is of that event alone."""
    return not (
        is_pseudonym(device_id) or device_id.startswith(USER_DEVICE_PREFIX) or is_node(device_id)
    )


def login_of(event: Event) -> str | None:
    """The user an event logs in, LOGOUT for a logout, None where it says nothing of a login."""
    if event.type == "track" and event.name in LOGOUT_NAMES:
        return LOGOUT
    if event.type == "alias" or event.revoke:
        return None
    return event.user_id if event.user_id and is_identifier(event.user_id) else None


def clicked_by(event: Event, secret: str) -> str:
    """Whose mail the event's page was reached from; '' where that is not known."""
    token = click_token.token_in(event.url)
    click = _read(token, secret) if token else None
    if click is None or event.event_time > click.expires * 1000 or not is_identifier(click.user_id):
        return ""
    return click.user_id


@lru_cache(maxsize=20_000)
def _read(token: str, secret: str) -> click_token.Click | None:
    return click_token.read(token, secret)


def note_said(state: DeviceState, event: Event, clicked: str) -> bool:
    """Puts what the event says into the state of a device with a timeline; whether it is new.

    `clicked`: see `clicked_by`.
    """
    logins, clicks, revoked = state.logins, state.clicks, state.revoked
    if (login := login_of(event)) is not None:
        state.logins = add_mark(logins, login, event.event_time)
    if clicked:
        state.clicks = add_mark(clicks, clicked, event.event_time)
    if event.revoke and event.type == "identify" and event.user_id:
        state.revoked = add_revocation(revoked, event.user_id, event.event_time)
    return not (state.logins is logins and state.clicks is clicks and state.revoked is revoked)


def claimed(state: DeviceState | None, claim: Claim) -> DeviceState:
    """A node's state with a claim; the same object where it says nothing new."""
    time = claim.event_time
    before = state or DeviceState(first_seen=time, last_seen=time)
    logins, revoked = before.logins, before.revoked
    if claim.revoked:
        revoked = add_revocation(revoked, claim.user_id, time)
    else:
        logins = add_claim(logins, claim.user_id, time)
    if logins is before.logins and revoked is before.revoked:
        return before
    after = copy(before)
    after.logins, after.revoked = logins, revoked
    return after
