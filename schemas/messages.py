"""What the stages tell each other and the sink about who is who: one line of a topic each.

A reader keeps the newest version a key, so that repetition and order do not matter.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from schemas.evidence import Layout
from schemas.profiles import Profiles
from schemas.purchases import Purchases

LinkStatus = Literal["applied", "conflict", "suspicious", "revoked"]


class IdentityLink(msgspec.Struct, kw_only=True, omit_defaults=True, gc=False):
    """One line of `footfall.identity`: an identifier leads to a person, since when and why.

    The newest version a (identifier, kind, person, reason, device) replaces the older. What is not
    `applied` is recorded and leads to nobody.
    """

    identifier: str
    kind: Literal["cookie", "user_id", "email", "phone", "order_id", "profile_id", "pseudonym"]
    person_id: str
    valid_from: int  # ms
    reason: str  # 'login', 'mail_click', 'verified_email', 'alias', ...
    device_id: str  # where the evidence was seen
    version: int
    status: LinkStatus = "applied"
    evidence: str = ""  # id of an event that says so, where one does
    removed: bool = False  # nothing says so any more


class Correction(msgspec.Struct, kw_only=True, gc=False):
    """One line of `footfall.corrections`: a span of this device's events belongs elsewhere.

    Of an event's rows of the same `what`, the one with the latest `since` not after it holds, if
    the event is not after its `until`; later events were emitted right. A person's span speaks
    only of events without a user of their own, or with one who is `void`: not after `until` the
    device's events that name `user_id` are no evidence of that user (his login was taken back),
    for good. Keyed by (device_id, what, since); the highest version wins; `removed` takes the row
    away.
    """

    device_id: str
    what: Literal["person", "session", "bot", "void"]
    since: int  # ms
    until: int  # ms, inclusive
    person_id: str | None
    session_id: str | None
    version: int
    removed: bool = False
    bot_reason: str = ""  # of what 'bot', which speaks of a whole UTC day and is never removed
    user_id: str = ""  # of what 'void'; its `since` only tells it from others of the same moment


class Register(msgspec.Struct, kw_only=True, omit_defaults=True, gc=False):
    """One line of `footfall.registers`: all that one device contributes to one person.

    The newest version a (person, device) replaces the older; `gone` says: nothing any more.
    """

    person_id: str
    device_id: str
    version: int
    record_time: int  # ms: Kafka timestamp of the raw record that made it
    gone: bool = False
    counted: bool = True  # False: a pseudonym; it counts per session, never per person
    user_id: str = ""
    first_seen: int = 0  # ms
    last_seen: int = 0  # ms, rounded down to 5 minutes
    sessions: int = 0
    orders: int = 0
    profiles: Profiles = {}
    layout: Layout = ()  # of the evidence
    starts: tuple[int, ...] = ()  # ms: of the sessions in which the evidence lies, sorted
    evidence: bytes = b""  # packed, see `schemas.evidence`; base64 in JSON
    purchases: Purchases = ()
    activity: dict[str, tuple[int, ...]] = {}  # see `schemas.activity`
    days: tuple[int, ...] = ()  # UTC days since 1970 on which its sessions began, sorted
    via: str = ""  # persons who handed it on, first to last: 'a>b'; see `streams.handing_on`


class Alias(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One line of `footfall.aliases`: two user ids are one person, or (revoked) no longer.

    Of a pair's lines the one with the latest (event_time, event_id) holds.
    """

    one: str  # user id
    other: str  # user id
    event_time: int  # ms
    event_id: str
    record_time: int  # ms: Kafka timestamp of the raw record that made it
    revoked: bool = False


class Root(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A line of `footfall.registers` beside `Register`: who the person is, by aliases.

    The newest version a person holds. Unlike a register it names no device.
    """

    person_id: str
    root: str  # the user id whose person it is; '' for nobody else's
    version: int
    record_time: int  # ms, as of `Alias`


class Resolution(msgspec.Struct, kw_only=True):
    """One line of `footfall.resolutions`: whose the events of a person are, as known now.

    `device_id` '' speaks of all of them (an alias), else only of those of that device, which is
    apart. The newest version a (person_id, device_id) holds; who is nobody else any more resolves
    to himself. An alias applies first, then what is apart from the person it leads to.
    """

    person_id: str
    device_id: str
    resolved_id: str
    version: int
