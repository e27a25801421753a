"""What a caller may say of a visitor (contract.md section 4, "Who may ask").

A server key may name any visitor. A user token names its own member, whoever sends it. A browser
speaks for its own device only. What a caller may not say is taken from the arrival, and told.
"""

from __future__ import annotations

from personalize_api.caller.access import Caller, Headers
from personalize_api.caller.user_token import HEADER, TokenRefused, read
from personalize_api.decision.arrival import MAX_USER_AGENT, Arrival, device_id
from schemas.settings import Settings
from schemas.site import Site

_IGNORED = "ignored: needs a server key or a user token that says so"


def restrict(
    caller: Caller,
    headers: Headers,
    arrival: Arrival,
    site: Site,
    settings: Settings,
    now_s: float,
) -> list[str]:
    """Takes from the arrival what this caller may not say, and returns all that was ignored.

    Afterwards a `user_id` that is there is proven, and `user_token` is empty.
    """
    notes = list(arrival.notes)
    raw = headers.get(HEADER)
    token = raw.decode("latin-1") if raw else arrival.user_token
    asked = arrival.user_id, arrival.profile_id
    if caller.kind != "server":
        arrival.user_id = arrival.profile_id = ""
    if token:
        arrival.user_token = ""
        _believe(token, asked, arrival, notes, site, settings, now_s)
    if caller.kind == "server":
        return notes
    if asked[0] and arrival.user_id != asked[0]:
        notes.append(f"user_id {_IGNORED}")
    if asked[1] and arrival.profile_id != asked[1]:
        notes.append(f"profile_id {_IGNORED}")
    if caller.kind == "browser":
        own = device_id(cookie(headers, site.cookie.name), [])
        if own and arrival.anonymous_id not in ("", own):
            notes.append("anonymous_id ignored: the calling browser's own cookie counts")
        arrival.anonymous_id = own or arrival.anonymous_id
        arrival.user_agent = headers.get(b"user-agent", b"").decode("latin-1")[:MAX_USER_AGENT]
    return notes


def _believe(
    token: str,
    asked: tuple[str, str],
    arrival: Arrival,
    notes: list[str],
    site: Site,
    settings: Settings,
    now_s: float,
) -> None:
    """Makes the arrival the member's. What a server key has said of another user stands."""
    try:
        member = read(token, site, settings, now_s)
    except TokenRefused as refused:
        notes.append(f"user_token ignored: {refused}")
        return
    if arrival.user_id and arrival.user_id != member.user_id:
        notes.append("user_token ignored: the server key names another user")
        return
    arrival.user_id = member.user_id
    arrival.profile_id = member.profile_id or asked[1]


def cookie(headers: Headers, name: str) -> str:
    """The cookie's value as sent, '' where there is none."""
    for part in headers.get(b"cookie", b"").decode("latin-1").split(";"):
        key, _, value = part.strip().partition("=")
        if key == name:
            return value
    return ""
