"""The protocol of our own tracker (`ingest/beacon`): one JSON object a beacon.

    {"key": "pk_demo", "load": "<uuid of this page load>", "sent_at": 1767225600000,
     "consent": true, "gpc": false,
     "events": [{"type": "page", "id": "<uuid>", "time": 1767225599000, "url": "https://...",
                 "title": "...", "referrer": "...", "language": "de"},
                {"type": "track", "name": "Product Added", "id": ..., "properties": {...}}]}

The key is in the body because `navigator.sendBeacon` sets no headers; the body travels as
text/plain because that needs no preflight. `consent` is true, false, or null where the visitor was
not asked. The device is the cookie's, or the page load's until there is a cookie: so the first
beacons of a page are one device, however many are on their way at once.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterable

import msgspec

from ingest.collector import consent, cookies, identifiers
from ingest.collector.caller import Caller
from ingest.collector.clock import event_time, skew_of
from ingest.collector.errors import RefusedEvent
from ingest.collector.harvest import Harvest, harvest
from ingest.collector.json_text import Text, read_envelope, read_event, read_properties
from ingest.collector.rules import Rules
from ingest.collector.subject import Subject
from schemas.event import EMPTY_PROPERTIES, Event, EventType
from schemas.ids import event_uuid
from schemas.reasons import Reason

MAX_ENGAGED_MS = 24 * 3600 * 1000


class Beacon(msgspec.Struct):
    """The envelope."""

    events: list[msgspec.Raw]
    key: str = ""
    load: str = ""
    sent_at: int | float | str | None = None
    consent: bool | str | None = None
    gpc: bool = False


class BeaconEvent(msgspec.Struct):
    """One event; what a page knows about itself stands with each of its events."""

    type: str = "track"
    name: str | None = None
    id: str | None = None
    time: int | float | str | None = None
    url: str | None = None
    title: str | None = None
    referrer: str | None = None
    language: str | None = None
    user_id: str | int | None = None
    profile_id: str | int | None = None
    decision_id: str | None = None
    variant: str | None = None
    engaged_ms: int | float = 0
    properties: msgspec.Raw = msgspec.field(default_factory=msgspec.Raw)


_UUID = re.compile("[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_envelope_decoder = msgspec.json.Decoder(Beacon)
_event_decoder = msgspec.json.Decoder(BeaconEvent)


_TYPES: dict[str, EventType] = {"page": "page", "track": "track", "identify": "identify"}


class BeaconParcel:
    """One beacon, its envelope readable; its key not yet admitted."""

    def __init__(self, envelope: Beacon, text: Text) -> None:
        self.key = envelope.key
        self._envelope = envelope
        self._text = text

    def past_days(self, received_at: int) -> Iterable[int]:
        return ()

    def gather(self, caller: Caller, rules: Rules) -> Harvest:
        envelope = self._envelope
        choice = consent.decide(
            rules.consent,
            consent.of_word(envelope.consent)
            if isinstance(envelope.consent, str)
            else envelope.consent,
            gpc=envelope.gpc or caller.gpc,
            dnt=caller.dnt,
            server=caller.server,
        )
        known = cookies.read(caller.cookie_header, rules.cookie)
        set_cookie = b""
        if choice == "granted":
            device_id = known or _page_load(envelope.load)
            subject = rules.namer.recognized(device_id, caller.ip)
            if not known:
                set_cookie = cookies.write(
                    device_id, rules.cookie, host=caller.host, https=caller.https
                )
        else:
            subject = rules.namer.pseudonymous(
                choice,
                ip=caller.ip,
                user_agent=caller.user_agent,
                time_ms=caller.received_at,
                else_from=envelope.load,
            )
            if known and choice == "denied":
                set_cookie = cookies.expire(rules.cookie, host=caller.host, https=caller.https)
        skew = skew_of(caller.received_at, envelope.sent_at)
        keys = rules.address_keys.of(caller.ip, caller.user_agent, caller.received_at)

        def read(raw: msgspec.Raw, notes: list[str]) -> Event:
            said = read_event(_event_decoder, raw)
            return _event(said, notes, caller, rules, subject, skew, keys)

        gathered = harvest(
            envelope.events,
            read,
            self._text,
            protocol="beacon",
            received_at=caller.received_at,
            secret=rules.secret,
        )
        gathered.set_cookie = set_cookie
        return gathered


def read_beacon(body: bytes) -> BeaconParcel:
    """Raises MalformedBody."""
    return BeaconParcel(*read_envelope(_envelope_decoder, body))


def _page_load(load: str) -> str:
    """The page load's id where it is a UUID; a page cannot choose another form of device id."""
    return load if _UUID.fullmatch(load) else str(uuid.uuid4())


def _event(
    said: BeaconEvent,
    notes: list[str],
    caller: Caller,
    rules: Rules,
    subject: Subject,
    skew: int,
    address_keys: list[str],
) -> Event:
    kind = _TYPES.get(said.type)
    if kind is None:
        raise RefusedEvent(Reason.UNKNOWN_TYPE, f"type: {said.type[:64]!r}")
    if kind == "track" and not said.name:
        raise RefusedEvent(Reason.MISSING_FIELD, "a track event has a name")
    properties, _ = read_properties(said.properties, "properties")
    personal = subject.recognized
    return Event(
        event_id=event_uuid(said.id) if said.id else str(uuid.uuid4()),
        event_time=event_time(said.time, skew, caller.received_at),
        received_at=caller.received_at,
        type=kind,
        name="Page Viewed" if kind == "page" else said.name or "",
        protocol="beacon",
        device_id=subject.device_id,
        site=rules.site,
        consent=subject.consent,
        server=caller.server,
        user_id=identifiers.user_id(said.user_id) if personal else "",
        profile_id=identifiers.user_id(said.profile_id) if personal else "",
        url=said.url or "",
        title=said.title or "",
        referrer=said.referrer or "",
        ip=subject.ip,
        user_agent=caller.user_agent,
        language=said.language or caller.language,
        decision_id=said.decision_id or "",
        variant=said.variant or "",
        engaged_ms=int(min(max(said.engaged_ms, 0), MAX_ENGAGED_MS)),
        notes=notes,
        properties=properties if personal or kind != "identify" else EMPTY_PROPERTIES,
        address_keys=address_keys,
    )
