"""Who is calling: a visitor's class and login, from the states of the device and its person.

Reads only. What cannot be read in time makes the visitor `unknown` and the answer degraded.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from functools import cached_property, partial, reduce

import msgspec

from personalize_api.experiments.arms import Shown, nothing_shown
from personalize_api.metrics import Metrics
from personalize_api.recognize.resolve import Resolved, resolve
from personalize_api.recognize.state_reader import StateReader, Unreachable, Values
from personalize_api.recognize.states import GarbledState, decode_device, decode_person
from personalize_api.seldom import SeldomLogger
from schemas.activity import LAST_MS, Exposure, country_of, first_exposures, within
from schemas.bot_days import counted_starts
from schemas.device_state import DeviceState
from schemas.identity import OVER, segment_at, segments_of, without_revoked
from schemas.ids import person_of_device, person_of_user
from schemas.person_profile import PersonProfile, profile_of
from schemas.person_state import PersonState
from schemas.persons import counting
from schemas.profiles import AttributeValue, Profiles, attributes, join
from schemas.redis_keys import device_key, fence_key, person_key
from schemas.segments import segments_in
from schemas.site import Site, VisitorClass
from schemas.topics import RAW

MAX_STATE_BYTES = 256 * 1024
"""Usual are hundreds of bytes. A megabyte takes 80 ms to read, in which nobody else is answered."""

_PROBE = (fence_key(RAW, 0),)
"""Read for a caller without identifiers, so that `degraded` means the same in every answer."""


class Standing(msgspec.Struct, frozen=True, dict=True):
    """What a person's profile says, worked out when it is asked for; of nobody without a state."""

    person: PersonState | None
    site: Site
    now_ms: int
    user_id: str
    device: DeviceState | None = None
    since_ms: int = 0  # since when the device is the person's

    @cached_property
    def profile(self) -> PersonProfile:
        has_login = bool(self.user_id) or (self.person is not None and bool(self.person.user_id))
        held = counting(self.person).values()
        return profile_of(held, self.site.lifecycle, self.now_ms, has_login=has_login)

    @cached_property
    def segments(self) -> tuple[str, ...]:
        return segments_in(self.site, self.profile, self.now_ms)


class Visitor(msgspec.Struct, frozen=True, kw_only=True):
    """What a decision may depend on. Text that is not known is empty."""

    class_: VisitorClass
    logged_in: bool = False
    anonymous_id: str = ""
    user_id: str = ""
    after_logout: int = 0  # ms of the logout since which the device is nobody's
    sessions: int = 0  # of this device
    orders: int = 0
    cause: str = ""  # why the state could not be read (`metrics.CAUSES`)
    attributes: dict[str, AttributeValue] = {}  # of the profile that was asked for
    standing: Standing | None = None  # None: no scenario asks for it
    resolved: str = ""  # the person's id, where it was read
    country: str = ""  # where the device was last seen, if a scenario asks for it
    shown: Shown = nothing_shown  # the arms of experiments that this person was shown first

    @property
    def person_id(self) -> str:
        """Who this is; '' where that is not known."""
        if self.resolved:
            return self.resolved
        if self.user_id:
            return person_of_user(self.user_id)
        if self.cause or not self.anonymous_id:
            return ""
        return person_of_device(self.anonymous_id, self.after_logout)

    @property
    def degraded(self) -> bool:
        return bool(self.cause)


class Owner(msgspec.Struct, frozen=True):
    """Whose a device is: a user, or nobody since a logout (ms, 0: there was none).

    `weak`: only a mail says so that was clicked there; nobody has logged in.
    """

    user_id: str = ""
    since: int = 0
    after_logout: int = 0
    weak: bool = False


_NOBODY = Owner()


class Visitors:
    """Looks visitors up in Redis, within one deadline a visitor."""

    def __init__(self, reader: StateReader, metrics: Metrics) -> None:
        self._reader = reader
        self._metrics = metrics
        self._log = SeldomLogger(logging.getLogger(__name__))

    async def look_up(
        self,
        site: Site,
        device_id: str,
        user_id: str,
        profile_id: str,
        now_ms: int,
        *,
        with_person: bool = False,
    ) -> Visitor:
        """Never raises: a visitor that cannot be read is `unknown`. Each id may be empty.

        `with_person`: the person is read whatever the site's scenarios ask for.

        Attributes are those of a profile of `user_id`, the user that the caller names: nobody
        else's, whoever the device's events say is logged in there.
        """
        deadline = self._reader.deadline()
        try:
            device, found, owner = await self._read(
                device_id, user_id, now_ms, deadline, with_person or site.decides_by_profile
            )
        except Unreachable as error:
            return self._unknown(device_id, user_id, error.cause)
        except GarbledState as error:
            self._log.warning("state in Redis is garbled, the decision is degraded: %s", error)
            return self._unknown(device_id, user_id, "garbage")
        visitor = describe(
            *(device_id, device, found.person, owner, now_ms, site.session.gap_ms),
            resolved=found.person_id,
            shown=partial(shown_first, device, found.person, owner),
            country=country_of(device.activity) if device and site.decides_by_country else "",
        )
        if with_person or site.decides_by_profile:
            since = max(owner.since, owner.after_logout)
            standing = Standing(found.person, site, now_ms, owner.user_id, device, since)
            visitor = msgspec.structs.replace(visitor, standing=standing)
        if user_id and found.account is not None and (told := profiles_of(found.account)):
            held = attributes(told.get(profile_id, {}))
            return msgspec.structs.replace(visitor, attributes=held)
        return visitor

    async def _read(
        self, device_id: str, user_id: str, now_ms: int, deadline: float, with_person: bool
    ) -> tuple[DeviceState | None, Resolved, Owner]:
        """One round trip; more only where a login is found that nobody named, or who is named is
        somebody else's alias.

        `with_person`: also that of a device that nobody owns.
        """

        async def read(keys: Sequence[str]) -> Values:
            values = await self._reader.get(keys, deadline)
            for value in values:
                if value is not None and len(value) > MAX_STATE_BYTES:
                    raise GarbledState(f"{len(value):,} bytes, more than is read for a page")
            return values

        keys = [device_key(device_id)] if device_id else []
        asked = ""
        if user_id:
            asked = person_of_user(user_id)
        elif device_id and with_person:
            asked = person_of_device(device_id)
        if asked:
            keys.append(person_key(asked))
        values = await read(keys or _PROBE)
        device = decode_device(values[0]) if device_id else None
        owner = owner_now(device_id, device, now_ms) if device else _NOBODY
        if user_id and owner.user_id != user_id:
            owner = Owner(user_id, since=now_ms if device and _users(device) else 0)
        if not owner.user_id and (not with_person or not device):
            return device, Resolved("", None, None), owner
        wanted = person_of_owner(owner, device_id)
        if wanted != asked:
            values = await read((person_key(wanted),))
        found = await resolve(read, wanted, decode_person(values[-1]), device_id)
        return device, found, owner

    def _unknown(self, device_id: str, user_id: str, cause: str) -> Visitor:
        self._metrics.degraded[cause].inc()
        return Visitor(
            class_="unknown",
            logged_in=bool(user_id),
            anonymous_id=device_id,
            user_id=user_id,
            cause=cause,
        )


def describe(
    device_id: str,
    device: DeviceState | None,
    person: PersonState | None,
    owner: Owner,
    now_ms: int,
    gap_ms: int,
    *,
    resolved: str = "",
    shown: Shown = nothing_shown,
    country: str = "",
) -> Visitor:
    """The visitor's class: customer before registered before returning before first-time.

    What is named is taken as it is.
    """
    sessions = session_count(device) if device else 0
    orders = _orders(device, person, owner)
    known_login = bool(owner.user_id) or bool(device and _users(device))
    returning = device is not None and (sessions > 1 or now_ms - device.last_seen > gap_ms)
    class_: VisitorClass = "first-time"
    if orders:
        class_ = "customer"
    elif known_login:
        class_ = "registered"
    elif returning:
        class_ = "returning"
    return Visitor(
        class_=class_,
        logged_in=bool(owner.user_id) and not owner.weak,
        anonymous_id=device_id,
        user_id=owner.user_id,
        after_logout=owner.after_logout,
        sessions=sessions,
        orders=orders,
        resolved=resolved,
        shown=shown,
        country=country,
    )


def shown_first(
    device: DeviceState | None, person: PersonState | None, owner: Owner
) -> Mapping[str, Exposure]:
    """Of each experiment (by its key) the earliest exposure on any device of the person.

    The device's own may be ahead of the person's by a moment, and is all there is where nobody owns
    it. Of a device that others used before, only what was shown since then counts.
    """
    activities = [c.activity for c in counting(person).values() if c.activity and not c.gone]
    if device is not None and device.activity:
        since = owner.since or (owner.after_logout and owner.after_logout + 1)
        activities.append(
            within(device.activity, ((since, LAST_MS),)) if since else device.activity
        )
    return first_exposures(activities) if activities else {}


def profiles_of(person: PersonState) -> Profiles:
    """What all devices of the person tell of its profiles."""
    told = [held.profiles for held in person.devices.values() if held.profiles]
    return reduce(join, told) if told else {}


def owner_now(device_id: str, device: DeviceState, now_ms: int) -> Owner:
    """Whose the device is by the rule that the stream resolves persons with."""
    segment = segment_at(segments_of(device_id, device), now_ms)
    since = segment.since if segment.user_id else 0
    weak = bool(segment.user_id) and segment.user_id not in _users(device)
    return Owner(segment.user_id, since=since, after_logout=segment.after_logout, weak=weak)


def person_of_owner(owner: Owner, device_id: str) -> str:
    """The person that a device's timeline names; '' without either."""
    if owner.user_id:
        return person_of_user(owner.user_id)
    return person_of_device(device_id, owner.after_logout) if device_id else ""


def session_count(device: DeviceState) -> int:
    return device.past_sessions + len(counted_starts(device))


def _orders(device: DeviceState | None, person: PersonState | None, owner: Owner) -> int:
    """Orders of the person; the device's own may be ahead of the person's by a moment.

    Of a device that others used before, only what was ordered since then is this person's.
    """
    if person is None and (device is None or not device.orders):
        return 0
    purchases = [each for each in device.orders if each.time >= owner.since] if device else []
    held = [c for c in counting(person).values() if not c.gone]
    purchases += [each for c in held for each in c.purchases]
    told = sum(c.orders for c in held if not c.purchases)  # by a version that knew no more
    return max(len({each.order for each in purchases if each.amount >= 0}), told)


def _users(device: DeviceState) -> list[str]:
    live = without_revoked(device.logins, device.revoked) if device.revoked else device.logins
    return [user for user, _, _ in live if user and user != OVER]
