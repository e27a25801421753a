"""What events and claims say of who is behind a device: marks, clicks in mails, revocations."""

from __future__ import annotations

from copy import copy
from functools import lru_cache
from typing import NamedTuple

from schemas import click_token
from schemas.device_state import DeviceState
from schemas.event import LOGOUT_NAMES, Claim, Event
from schemas.identity import LOGOUT, add_claim, add_mark, add_revocation
from schemas.ids import RESERVED_PREFIXES, is_identifier


def has_timeline(device_id: str) -> bool:
    """False for what stands for a user or for nobody: evidence there is of that event alone."""
    return not device_id.startswith(RESERVED_PREFIXES)


class Said(NamedTuple):
    """What one event says of who is behind its device; of whom it says nothing, ''."""

    login: str | None = None  # the user that it logs in, or LOGOUT
    clicked: str = ""  # whose mail its page was reached from
    revoked: str = ""  # of whom nothing said until then counts
    note: str = ""  # why what it says does not count


BEYOND_HORIZON = "beyond_identity_horizon"
NOTHING = Said()


def said_by(event: Event, secret: str, horizon_ms: int) -> Said:
    """Marks that come later than the identity horizon are noted, and do not count."""
    if not event.user_id and event.type == "page" and click_token.PARAMETER not in event.url:
        return NOTHING  # as most events
    login = _login(event)
    clicked = _clicked(event, secret) if click_token.PARAMETER in event.url else ""
    revoked = event.user_id if event.revoke and event.type == "identify" else ""
    if (login is None and not clicked and not revoked) or not has_timeline(event.device_id):
        return NOTHING
    if event.received_at - event.event_time > horizon_ms:
        return Said(note=BEYOND_HORIZON)
    return Said(login, clicked, revoked)


def note_said(state: DeviceState, said: Said, time_ms: int) -> bool:
    """Puts what an event says into the state of its device; whether it is new."""
    logins, clicks, revoked = state.logins, state.clicks, state.revoked
    if said.login is not None:
        state.logins = add_mark(logins, said.login, time_ms)
    if said.clicked:
        state.clicks = add_mark(clicks, said.clicked, time_ms)
    if said.revoked:
        state.revoked = add_revocation(revoked, said.revoked, time_ms)
    return not (state.logins is logins and state.clicks is clicks and state.revoked is revoked)


def is_logout(event: Event) -> bool:
    return event.type == "track" and event.name in LOGOUT_NAMES


def with_logout(state: DeviceState | None, time_ms: int) -> DeviceState:
    """With a logout of which nothing else is known."""
    after = copy(state) if state else DeviceState(first_seen=time_ms, last_seen=time_ms)
    after.logins = add_mark(after.logins, LOGOUT, time_ms)
    return after


def _login(event: Event) -> str | None:
    if is_logout(event):
        return LOGOUT
    if event.type == "alias" or event.revoke:
        return None
    return event.user_id if event.user_id and is_identifier(event.user_id) else None


def _clicked(event: Event, secret: str) -> str:
    token = click_token.token_in(event.url)
    click = _read(token, secret) if token else None
    if click is None or event.event_time > click.expires * 1000 or not is_identifier(click.user_id):
        return ""
    return click.user_id


@lru_cache(maxsize=20_000)
def _read(token: str, secret: str) -> click_token.Click | None:
    return click_token.read(token, secret)


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
