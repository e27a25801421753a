"""The truth about one event: who made it, and what of that it shows."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Literal

import msgspec

Evidence = Literal[
    "login",  # names the user who did it, or is on a device where nobody else was
    "alias",  # the same, by way of another account that the shop joined with the first
    "verified",  # names an e-mail, telephone or order number that is this user's
    "click",  # on a device where nobody else was, and known by a mail that was sent to them
    "log",  # a line of a web server's log
    "cookie",  # on a device where nobody else was, and nothing says who that is
    "shared",  # on a device that several people use, without a login of who did it
    "misleading",  # all that was sent says that somebody else did it
    "apart",  # by another account that nothing joins with the first
    "",  # bots, and people who refuse
]


class Truth(msgspec.Struct, array_like=True):
    """One event: who made it, in which visit, and what of that it shows."""

    event_id: str
    device_id: str  # '' where the event carries none
    event_time: int  # ms
    person: str  # the human's id; '' for a bot
    session: str  # the visit's id
    kind: Literal["visitor", "bot"]
    consent: Literal["granted", "denied"]
    user_id: str = ""  # as the event names it
    logs_out: bool = False
    is_own: bool = False  # `user_id` is this human's
    clicked_by: str = ""  # the user that the token in its address names
    same_as: str = ""  # an alias: of this user with `user_id`
    claims: list[str] = []  # identifiers that are said to be `user_id`'s; as device ids
    revokes: bool = False  # takes back what an alias, claims, or the user's logins here say
    is_line: bool = False  # of a web server's log
    ip: str = ""  # with `user_agent`, where lines of a log are to be told
    user_agent: str = ""


def iso(ms: int) -> str:
    """ISO 8601 in UTC, with milliseconds."""
    moment = datetime.fromtimestamp(ms // 1000, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{ms % 1000:03d}Z"
