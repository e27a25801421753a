"""Segment's HTTP Tracking API, as Segment's and RudderStack's SDKs speak it.

The shapes are in `segment_messages`; this module makes events of them. What the SDKs do
differently from the specification is named where it is dealt with.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable

import msgspec

from ingest.collector import addresses, claims, consent, history, identifiers
from ingest.collector.caller import MAX_USER_AGENT, Caller
from ingest.collector.clock import event_time, skew_of
from ingest.collector.errors import MalformedBody, RefusedEvent, TooLarge
from ingest.collector.harvest import Harvest, harvest
from ingest.collector.json_text import (
    Text,
    read_envelope,
    read_event,
    read_properties,
    with_members,
)
from ingest.collector.protocols.segment_messages import (
    NO_CONTEXT,
    NO_PAGE,
    Batch,
    Context,
    Message,
    Single,
    batch_decoder,
    context_decoder,
    message_decoder,
    single_decoder,
)
from ingest.collector.rules import Rules
from ingest.collector.subject import Subject
from schemas.event import EMPTY_PROPERTIES, MAX_EVENT_BYTES, Event, EventType, Protocol
from schemas.ids import USER_DEVICE_PREFIX, event_uuid
from schemas.reasons import Reason

TYPES: dict[str, EventType] = {
    "track": "track",
    "page": "page",
    "screen": "screen",
    "identify": "identify",
    "group": "group",
    "alias": "alias",
}

_ABOUT_THE_PERSON = frozenset({"identify", "group", "alias"})


class _Arrival(msgspec.Struct, frozen=True, gc=False):
    """Which event it is, and when (ms)."""

    event_id: str
    event_time: int
    received_at: int
    protocol: Protocol


class SegmentParcel:
    """One request: the messages of a batch, or the single one of a `/v1/<type>` call."""

    def __init__(self, envelope: Batch, text: Text, kind: EventType | None) -> None:
        self.key = envelope.writeKey or ""
        self._envelope = envelope
        self._text = text
        self._kind = kind
        self._protocol: Protocol = "import" if envelope.historical_migration else "segment"

    def past_days(self, received_at: int) -> Iterable[int]:
        if not self._envelope.historical_migration:
            return ()
        return history.days_of(self._envelope.batch, received_at)

    def gather(self, caller: Caller, rules: Rules) -> Harvest:
        shared = self._shared_context()

        def read(raw: msgspec.Raw, notes: list[str]) -> Event:
            message = read_event(message_decoder, raw)
            context = message.context or shared
            if context is not shared and shared is not NO_CONTEXT:
                context = context.over(shared)
            kind = self._kind or TYPES.get(message.type or "")
            if kind is None:
                raise RefusedEvent(Reason.UNKNOWN_TYPE, f"type: {(message.type or '')[:64]!r}")
            arrival = self._arrival(raw, message, caller, rules)
            return _event(kind, message, context, notes, caller, rules, arrival)

        return harvest(
            self._envelope.batch,
            read,
            self._text,
            protocol=self._protocol,
            received_at=caller.received_at,
            secret=rules.secret,
            key=caller.key.kind,
            withhold=caller.secret_key,
            call=self._kind or "",
        )

    def _arrival(
        self, raw: msgspec.Raw, message: Message, caller: Caller, rules: Rules
    ) -> _Arrival:
        time = message.timestamp or message.originalTimestamp
        event_id = event_uuid(str(message.messageId)) if message.messageId else ""
        if self._envelope.historical_migration:
            history.require_server(caller)
            at = history.moment(time, caller.received_at)
            event_id = event_id or history.event_id(rules.site, raw)
            return _Arrival(event_id, at, at, self._protocol)
        received_at = caller.received_at
        skew = skew_of(received_at, self._envelope.sentAt or message.sentAt)
        at = event_time(time, skew, received_at)
        return _Arrival(event_id or str(uuid.uuid4()), at, received_at, self._protocol)

    def _shared_context(self) -> Context:
        if not bytes(self._envelope.context):
            return NO_CONTEXT
        try:
            return read_event(context_decoder, self._envelope.context) or NO_CONTEXT
        except RefusedEvent as refusal:
            raise MalformedBody(f"context: {refusal.detail}") from refusal


def read_batch(body: bytes) -> SegmentParcel:
    """`/v1/batch`. Raises MalformedBody."""
    envelope, text = read_envelope(batch_decoder, body)
    return SegmentParcel(envelope, text, None)


def read_single(body: bytes, kind: EventType) -> SegmentParcel:
    """`/v1/<kind>`. Raises MalformedBody, TooLarge."""
    if len(body) > MAX_EVENT_BYTES:
        raise TooLarge(f"an event has at most {MAX_EVENT_BYTES} bytes, not {len(body)}")
    single, text = _single(body)
    envelope = Batch(batch=[msgspec.Raw(text.body)], writeKey=single.writeKey)
    return SegmentParcel(envelope, text, kind)


def _single(body: bytes) -> tuple[Single, Text]:
    if not body.isascii():
        try:
            body.decode()
        except UnicodeDecodeError as error:
            raise MalformedBody(str(error)) from error
    return read_envelope(single_decoder, body)


def _event(
    kind: EventType,
    message: Message,
    context: Context,
    notes: list[str],
    caller: Caller,
    rules: Rules,
    arrival: _Arrival,
) -> Event:
    user_id = identifiers.user_id(message.userId)
    previous_id = _previous_id(kind, message, user_id, caller)
    revoke = _revoke(kind, context, caller)
    ip, user_agent = caller.ip, caller.user_agent
    if caller.server:  # the visitor's, which only the backend knows
        ip = addresses.readable(context.ip or "")
        user_agent = (context.userAgent or "")[:MAX_USER_AGENT]
    properties, decoded = _properties(kind, message, context)
    subject = _subject(message, context, user_id, decoded, ip, user_agent, caller, rules, arrival)
    seen_at = arrival.event_time if caller.server else arrival.received_at
    event = Event(  # what most messages leave empty is set below: each name here costs a search
        event_id=arrival.event_id,
        event_time=arrival.event_time,
        received_at=arrival.received_at,
        type=kind,
        name=_name(kind, message),
        protocol=arrival.protocol,
        device_id=subject.device_id,
        site=rules.site,
        consent=subject.consent,
        server=caller.server,
        ip=subject.ip,
        user_agent=user_agent,
        language=context.locale or caller.language,
        notes=notes,
        properties=properties,
        address_keys=rules.address_keys.of(ip, user_agent, seen_at),
    )
    if subject.recognized:
        event.user_id, event.previous_id = user_id, previous_id
        event.profile_id = _profile_id(kind, context, decoded)
    elif kind in _ABOUT_THE_PERSON:
        event.properties = EMPTY_PROPERTIES
    if revoke:
        event.revoke = True
    _say_where(event, context, decoded)
    return event


def _say_where(event: Event, context: Context, properties: dict[str, object]) -> None:
    """Page, campaign and decision: of the context, else of the properties."""
    page = context.page or NO_PAGE
    event.url = page.url or _text(properties, "url")
    event.title = page.title or _text(properties, "title")
    event.referrer = _referrer(page.referrer or _text(properties, "referrer"))
    event.decision_id = context.decision_id or _text(properties, "decision_id")
    if context.variant:
        event.variant = context.variant
    if context.campaign:
        event.campaign = context.utm()


def _subject(
    message: Message,
    context: Context,
    user_id: str,
    named: dict[str, object],
    ip: str,
    user_agent: str,
    caller: Caller,
    rules: Rules,
    arrival: _Arrival,
) -> Subject:
    said, gpc = context.consent_said()
    choice = consent.decide(
        rules.consent, said, gpc=gpc or caller.gpc, dnt=caller.dnt, server=caller.server
    )
    device_id = identifiers.device_id(message.anonymousId)
    if choice != "granted":
        return rules.namer.pseudonymous(
            choice,
            ip=ip,
            user_agent=user_agent,
            time_ms=arrival.received_at,
            past=arrival.protocol == "import",
            else_from=device_id or user_id,
        )
    if not device_id:
        # A page's key speaks only for its own device, so a user alone is not enough there.
        if not caller.server:
            raise RefusedEvent(Reason.NO_IDENTIFIER, "anonymousId" if user_id else "no identifier")
        device_id = USER_DEVICE_PREFIX + user_id if user_id else _node(context, named, rules)
    return rules.namer.recognized(device_id, ip)


def _node(context: Context, named: dict[str, object], rules: Rules) -> str:
    """Raises RefusedEvent."""
    _, decoded = read_properties(context.traits, "context.traits")
    node = claims.node_in(rules.secret, named, decoded)
    if not node:
        raise RefusedEvent(
            Reason.NO_IDENTIFIER, "userId, anonymousId, or an email, phone or order_id"
        )
    return node


def _previous_id(kind: EventType, message: Message, user_id: str, caller: Caller) -> str:
    if kind != "alias":
        return ""
    if not caller.server:
        raise RefusedEvent(Reason.NEEDS_SERVER_KEY, "alias joins two identifiers for good")
    previous_id = identifiers.user_id(message.previousId)
    if not previous_id or not user_id:
        raise RefusedEvent(Reason.MISSING_FIELD, "alias has previousId and userId")
    return previous_id


def _revoke(kind: EventType, context: Context, caller: Caller) -> bool:
    """Whether the message takes back what one like it said. Raises RefusedEvent."""
    if not context.revoke:
        return False
    if not caller.server:
        raise RefusedEvent(Reason.NEEDS_SERVER_KEY, "context.revoke takes back a link")
    if kind not in ("alias", "identify"):
        raise RefusedEvent(Reason.WRONG_TYPE, f"context.revoke: of alias and identify, not {kind}")
    return True


def _name(kind: EventType, message: Message) -> str:
    if kind == "track":
        if not message.event:
            raise RefusedEvent(Reason.MISSING_FIELD, "track has an event")
        return message.event
    if kind == "page":
        return "Page Viewed"
    if kind == "screen":  # RudderStack's mobile SDKs name a screen by `event`
        return message.name or message.event or "Screen Viewed"
    return ""


def _properties(
    kind: EventType, message: Message, context: Context
) -> tuple[msgspec.Raw, dict[str, object]]:
    if kind in _ABOUT_THE_PERSON:
        # RudderStack's SDKs put the traits of identify into the context.
        field = message.traits if len(bytes(message.traits)) > len(b"null") else context.traits
        traits, decoded = read_properties(field, "traits")
        if kind != "group":
            return traits, decoded
        group_id = identifiers.user_id(message.groupId)
        if not group_id:
            raise RefusedEvent(Reason.MISSING_FIELD, "group has a groupId")
        return with_members(traits, {"group_id": group_id}), decoded
    properties, decoded = read_properties(message.properties, "properties")
    if kind == "track":
        return properties, decoded
    said = {"name": message.name if kind == "page" else None, "category": message.category}
    missing = {name: value for name, value in said.items() if value and name not in decoded}
    return with_members(properties, missing), decoded


def _profile_id(kind: EventType, context: Context, properties: dict[str, object]) -> str:
    """Raises RefusedEvent where traits name a profile that cannot be read: without its name they
    would be the account's own.
    """
    said = properties.get("profile_id") if context.profile_id is None else context.profile_id
    if isinstance(said, str | int | float) and not isinstance(said, bool):
        return identifiers.user_id(said)
    if kind == "identify" and said is not None:
        raise RefusedEvent(Reason.WRONG_TYPE, "profile_id is a text or a number")
    return ""


def _referrer(referrer: str) -> str:
    return "" if referrer == "$direct" else referrer  # RudderStack's word for none


def _text(properties: dict[str, object], name: str) -> str:
    value = properties.get(name)
    return value if isinstance(value, str) else ""
