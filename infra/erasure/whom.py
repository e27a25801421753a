"""Who an identifier leads to, and everything that leads to the same person, as ClickHouse has it.

ClickHouse remembers longer than live state does. A device that others have logged in on as well is
theirs too: of it only the person's own events go, and its cookie stays.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable
from itertools import groupby
from typing import Any

import msgspec
from clickhouse_driver import Client

from schemas.forget import Span, is_whole
from schemas.identifiers import KINDS, is_node, node_of, normalized
from schemas.ids import is_pseudonym, person_of_device, person_of_user

NOBODY = "nobody is known by this cookie, login, person id, e-mail, telephone or order"


class Unknown(Exception):
    """Nobody is known by the identifier."""


class Whom(msgspec.Struct):
    """All that is to be forgotten. Event and decision ids: of devices that others use too."""

    identifier: str
    kind: str
    at: int  # ms
    persons: set[str]
    users: set[str]
    devices: dict[str, tuple[Span, ...]]
    values: set[str] = set()  # e-mails, telephones, order numbers
    others_values: set[str] = set()  # of these the nodes that are somebody else's as well
    events: set[tuple[str, str]] = set()  # (device, event id)
    decisions: set[str] = set()
    rejected: set[str] = set()  # ids of refused inputs that name any of it

    @property
    def whole(self) -> set[str]:
        return {d for d, spans in self.devices.items() if is_whole(spans, self.at)}

    @property
    def shared(self) -> list[str]:
        """Cookies that stay, being others' too."""
        return sorted(d for d in self.devices.keys() - self.whole if not is_pseudonym(d))

    @property
    def identifiers(self) -> set[str]:
        """All that names the person and nobody else."""
        return {*self.users, *self.persons, *self.whole, *self.values - self.others_values}


def find(client: Client, identifier: str, secret: str, at: int) -> Whom:
    """Raises Unknown."""
    if not identifier or len(identifier) > 320 or not identifier.isprintable():
        raise Unknown(NOBODY)
    kind, persons, devices = _start(client, identifier, secret)
    whom = Whom(identifier, kind, at, persons, set(), dict.fromkeys(devices, ((0, at),)))
    size = -1
    while size != (size := len(whom.persons) + len(whom.users) + len(whom.devices)):
        _add_users(client, whom)
        _add_devices(client, whom, devices)
    _add_values(client, whom, secret)
    return whom


def _start(client: Client, identifier: str, secret: str) -> tuple[str, set[str], set[str]]:
    """(kind, persons, devices) that the identifier leads to first, in the order of one touch."""
    given = {"id": identifier}
    seen = client.execute(
        "SELECT toString(person_id) FROM events_all WHERE device_id = {id:String}"
        " ORDER BY event_time DESC LIMIT 1",
        given,
    ) or client.execute(
        "SELECT NULL FROM decisions_stored WHERE device_id = {id:String} LIMIT 1", given
    )
    if seen:
        return "cookie", {seen[0][0] or person_of_device(identifier)}, {identifier}
    person = person_of_user(identifier)
    if _knows(client, person) or client.execute(
        "SELECT 1 FROM events_stored WHERE user_id = {id:String} LIMIT 1", given
    ):
        return "user_id", {_root(client, person)}, set()
    if _is_uuid(identifier) and _knows(client, identifier.lower()):
        return "person_id", {_root(client, identifier.lower())}, set()
    for kind in KINDS:
        if not (value := normalized(kind, identifier)):
            continue
        node = node_of(kind, value, secret)
        found = client.execute(
            "SELECT toString(person_id) FROM identities"
            " WHERE identifier = {value:String} AND kind = {kind:String} LIMIT 1",
            {"value": value, "kind": kind},
        ) or client.execute(
            "SELECT toString(person_id) FROM events_all WHERE device_id = {node:String} LIMIT 1",
            {"node": node},
        )
        if found:
            return kind, {found[0][0]}, {node}
    ordered = client.execute(
        "SELECT DISTINCT toString(person_id) FROM events"
        " WHERE order_id = {id:String} AND isNotNull(person_id) LIMIT 2",
        given,
    )
    if len(ordered) == 1:
        return "order_id", {ordered[0][0]}, set()
    raise Unknown(NOBODY)


def _knows(client: Client, person: str) -> bool:
    rows = client.execute(
        "SELECT 1 FROM events_all WHERE person_id = {person:UUID} LIMIT 1"
        " UNION ALL SELECT 1 FROM events_stored WHERE person_id = {person:UUID} LIMIT 1"
        " UNION ALL SELECT 1 FROM identity_stored WHERE person_id = {person:UUID} LIMIT 1"
        " UNION ALL SELECT 1 FROM resolutions_stored FINAL WHERE person_id = {person:UUID} LIMIT 1",
        {"person": person},
    )
    return bool(rows)


def _root(client: Client, person: str) -> str:
    rows = client.execute(
        "SELECT toString(resolved_id) FROM resolutions_stored FINAL"
        " WHERE device_id = '' AND person_id = {person:UUID}",
        {"person": person},
    )
    return str(rows[0][0]) if rows else person


def _add_users(client: Client, whom: Whom) -> None:
    """Who else is this person by an alias, and the logins of all of them."""
    rows = client.execute(
        "SELECT toString(person_id) FROM resolutions_stored FINAL"
        " WHERE device_id = '' AND has({persons:Array(UUID)}, resolved_id)",
        {"persons": sorted(whom.persons)},
    )
    whom.persons.update(row[0] for row in rows)
    named = client.execute(
        "SELECT DISTINCT user_id FROM events_stored"
        " WHERE user_id != '' AND has({persons:Array(UUID)}, ifNull(person_id, generateUUIDv4()))"
        " UNION DISTINCT SELECT DISTINCT identifier FROM identity_stored"
        " WHERE kind = 'user_id' AND has({persons:Array(UUID)}, person_id)",
        {"persons": sorted(whom.persons)},
    )
    whom.users.update(user for (user,) in named if person_of_user(user) in whom.persons)


class _Seen(msgspec.Struct, array_like=True):
    """One event of a device on which the person was seen."""

    device: str
    time: int  # ms
    person: str | None
    user: str
    event: str
    decision: str


def _add_devices(client: Client, whom: Whom, given: Collection[str]) -> None:
    rows = client.execute(
        "SELECT DISTINCT device_id FROM events_all"
        " WHERE isNotNull(person_id) AND has({persons:Array(UUID)}, assumeNotNull(person_id))"
        " UNION DISTINCT SELECT DISTINCT identifier FROM identity_stored"
        " WHERE kind = 'cookie' AND status = 'applied' AND NOT removed"
        " AND has({persons:Array(UUID)}, person_id)"
        " UNION DISTINCT SELECT DISTINCT device_id FROM events_stored"
        " WHERE has({users:Array(String)}, user_id) AND user_id != ''",
        {"persons": sorted(whom.persons), "users": sorted(whom.users)},
    )
    found = {*given, *(row[0] for row in rows), *(f"user:{user}" for user in whom.users)}
    events = _events(client, sorted(found))
    others = _persons_with_login(client, {e.person for e in events if e.person} - whom.persons)
    for device, mine in groupby(events, key=lambda event: event.device):
        _sort_out(whom, device, list(mine), others, asked=device in given)
        found.discard(device)
    for device in found:  # of which nothing but a link or a decision is left
        whom.devices[device] = ((0, whom.at),)


def _sort_out(
    whom: Whom, device: str, events: list[_Seen], others: Collection[str], asked: bool
) -> None:
    """The whole device; of one that is others' too, the spans and events that are the person's."""
    is_others = any(e.person in others or (e.user and e.user not in whom.users) for e in events)
    if is_node(device) or not (is_others or (is_pseudonym(device) and not asked)):
        whom.devices[device] = ((0, whom.at),)
        anonymous = {event.person for event in events if event.person}
        whom.persons |= {*anonymous.difference(others), person_of_device(device)}
        return
    spans: list[Span] = []
    for is_mine, together in groupby(events, key=lambda e: e.person in whom.persons):
        times = [event for event in together if is_mine]
        if times:
            spans.append((times[0].time, times[-1].time))
            whom.events.update((device, event.event) for event in times)
            whom.decisions.update(event.decision for event in times if event.decision)
    whom.devices[device] = tuple(spans)


def _events(client: Client, devices: list[str]) -> list[_Seen]:
    rows = client.execute(
        "SELECT device_id, toUnixTimestamp64Milli(event_time), toString(person_id),"
        " if(type = 'alias', '', user_id), toString(event_id), decision_id FROM events_all"
        " WHERE has({devices:Array(String)}, device_id) ORDER BY device_id, event_time, event_id",
        {"devices": devices},
    )
    return [_Seen(*row) for row in rows]


def _persons_with_login(client: Client, persons: Collection[str]) -> set[str]:
    rows: list[Any] = client.execute(
        "SELECT DISTINCT toString(person_id) FROM identities"
        " WHERE kind = 'user_id' AND has({persons:Array(UUID)}, person_id)",
        {"persons": sorted(persons)},
    )
    return {row[0] for row in rows}


def _add_values(client: Client, whom: Whom, secret: str) -> None:
    """E-mails, telephones and order numbers of the person, and the nodes that stand for them."""
    claimed = client.execute(
        "SELECT DISTINCT identifier, kind, has({persons:Array(UUID)}, person_id)"
        " FROM (SELECT * FROM identity_stored WHERE (identifier, kind) IN"
        "  (SELECT identifier, kind FROM identity_stored"
        "   WHERE kind IN ('email', 'phone', 'order_id')"
        "   AND has({persons:Array(UUID)}, person_id)))",
        {"persons": sorted(whom.persons)},
    )
    ordered = client.execute(
        "SELECT DISTINCT order_id FROM events_all WHERE order_id != ''"
        " AND isNotNull(person_id) AND has({persons:Array(UUID)}, assumeNotNull(person_id))",
        {"persons": sorted(whom.persons)},
    )
    pairs = {(value, kind) for value, kind, _ in claimed}
    whom.others_values = {value for value, _, is_mine in claimed if not is_mine}
    pairs.update((value, "order_id") for (value,) in ordered)
    pairs.update(_said(whom))
    for value, kind in pairs:
        whom.values.add(value)
        node = node_of(kind, value, secret)
        if value in whom.others_values:
            whom.devices.setdefault(node, ())  # the other's claim stays
        else:
            whom.devices[node] = ((0, whom.at),)


def _said(whom: Whom) -> Iterable[tuple[str, Any]]:
    for kind in KINDS:
        if whom.kind == kind and (value := normalized(kind, whom.identifier)):
            yield value, kind


def _is_uuid(text: str) -> bool:
    try:
        return str(uuid.UUID(text)) == text.lower()
    except ValueError:
        return False
