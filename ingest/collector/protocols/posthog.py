"""PostHog's capture API, as its SDKs speak it: the api key is a write key.

`posthog_messages` has the shapes, `posthog_who` says whose an event is, `posthog_events` what it
is. Consent is what the event's property `consent` says (`posthog.register({consent: "granted"})`;
a boolean will do), else what the site file's mode makes of silence; `$cookieless_mode` is a
refusal. `profile_id` and `decision_id` are taken from the properties of those names.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable

import msgspec

from ingest.collector import addresses, consent, history, identifiers
from ingest.collector.answers import Taken
from ingest.collector.caller import MAX_USER_AGENT, Caller
from ingest.collector.claims import claims_of
from ingest.collector.clock import event_time, skew_of
from ingest.collector.consent import Said
from ingest.collector.errors import RefusedEvent
from ingest.collector.harvest import Harvest, harvest
from ingest.collector.json_text import read_event, read_properties
from ingest.collector.protocols import posthog_events, posthog_who
from ingest.collector.protocols.posthog_messages import (
    CaptureEvent,
    Envelope,
    event_decoder,
    read_capture,
)
from ingest.collector.protocols.posthog_properties import CAMPAIGN, text_of
from ingest.collector.rules import Rules
from ingest.collector.subject import Subject
from schemas.event import Event, Protocol, Rejected
from schemas.ids import USER_DEVICE_PREFIX, event_uuid
from schemas.reasons import Reason

PATHS = ("/batch", "/e", "/capture", "/track", "/i/v0/e", "/i/v0/ai/batch")
"""Each with and without a slash behind it."""
RESULTS_PATH = "/i/v1/analytics/events"

CALL = "posthog"
"""Says of a refused event of history by which protocol it came."""

_SENT_AT = b"posthog-request-timestamp"
_TAKEN = Taken(b'{"status": 1}')


class PostHogParcel:
    """One request, its envelope readable; its key not yet admitted."""

    def __init__(self, envelope: Envelope, *, with_results: bool = False) -> None:
        self.key = envelope.key
        self._envelope = envelope
        self._with_results = with_results
        self._protocol: Protocol = "import" if envelope.historical else "posthog"

    def past_days(self, received_at: int) -> Iterable[int]:
        if not self._envelope.historical:
            return ()
        return history.days_of(self._envelope.events, received_at)

    def gather(self, caller: Caller, rules: Rules) -> Harvest:
        beside: list[Event] = []

        def read(raw: msgspec.Raw, notes: list[str]) -> Event:
            event, companions = self._events(raw, notes, caller, rules)
            beside.extend(companions)
            return event

        gathered = harvest(
            self._envelope.events,
            read,
            self._envelope.text,
            protocol=self._protocol,
            received_at=caller.received_at,
            secret=rules.secret,
            key=caller.key.kind,
            withhold=caller.secret_key,
            call=CALL if self._envelope.historical else "",
        )
        for event in beside:
            gathered.claims += claims_of(event, rules.secret)
        gathered.accepted += beside
        gathered.answer = _results(gathered.refused) if self._with_results else _TAKEN
        return gathered

    def _events(
        self, raw: msgspec.Raw, notes: list[str], caller: Caller, rules: Rules
    ) -> tuple[Event, list[Event]]:
        """The event, and those beside it. Raises RefusedEvent."""
        message = read_event(event_decoder, raw)
        properties, said = read_properties(message.properties, "properties")
        event = self._event(raw, message, properties, said, notes, caller, rules)
        if event.consent != "granted":
            return event, []
        return event, list(posthog_events.companions(event, message, properties, said))

    def _event(
        self,
        raw: msgspec.Raw,
        message: CaptureEvent,
        properties: msgspec.Raw,
        said: dict[str, object],
        notes: list[str],
        caller: Caller,
        rules: Rules,
    ) -> Event:
        event_id, at, received_at = self._arrival(raw, message, said, caller, rules)
        ip, user_agent = _visitor(said, caller)
        seen_at = at if caller.server else received_at
        kind = posthog_events.TYPES.get(message.event or "", "track")
        alias = posthog_who.alias(message, said, caller) if kind == "alias" else None
        who = posthog_who.who(message, said, caller)
        if alias is not None:
            kind = "identify" if alias.device_id else "alias"
            who = posthog_who.Who(alias.device_id, alias.user_id)
        subject = _subject(
            who, message, said, kind, ip, user_agent, received_at, self._protocol, caller, rules
        )
        personal = subject.recognized
        told = posthog_events.meaning(message, properties, said, personal=personal)
        url = text_of(said, "$current_url")
        decision_id = text_of(said, "decision_id")
        return Event(
            event_id=event_id,
            event_time=at,
            received_at=received_at,
            type=kind,
            name=told.name,
            protocol=self._protocol,
            device_id=subject.device_id,
            site=rules.site,
            consent=subject.consent,
            server=caller.server,
            user_id=who.user_id if personal and kind != "group" else "",
            previous_id=alias.previous_id if alias is not None and personal else "",
            profile_id=_profile_id(kind, said) if personal else "",
            url=url,
            title=text_of(said, "title") if kind == "page" else "",
            referrer=posthog_events.referrer_of(said, url),
            ip=subject.ip,
            user_agent=user_agent,
            language=text_of(said, "$browser_language") or caller.language,
            decision_id=decision_id,
            campaign=_campaign(said, url) if caller.server else {},
            engaged_ms=told.engaged_ms,
            notes=notes,
            properties=told.properties,
            address_keys=rules.address_keys.of(ip, user_agent, seen_at),
        )

    def _arrival(
        self,
        raw: msgspec.Raw,
        message: CaptureEvent,
        said: dict[str, object],
        caller: Caller,
        rules: Rules,
    ) -> tuple[str, int, int]:
        """Its id, when it happened and when it arrived (ms). Raises RefusedEvent."""
        own = message.uuid or text_of(said, "$insert_id")
        event_id = event_uuid(own) if own else ""
        received_at = caller.received_at
        if self._envelope.historical:
            history.require_server(caller)
            at = history.moment(message.timestamp, received_at)
            return event_id or history.event_id(rules.site, raw), at, at
        event_id = event_id or str(uuid.uuid4())
        if message.timestamp is None and message.offset is not None:
            return event_id, _ago(message.offset, received_at), received_at
        sent_at = self._envelope.sent_at or caller.headers.get(_SENT_AT, b"").decode("latin-1")
        options = message.options
        as_it_is = options is not None and options.disable_skew_correction is True
        as_it_is = as_it_is or said.get("$ignore_sent_at") is True
        skew = 0 if as_it_is or not sent_at else skew_of(received_at, sent_at)
        return event_id, event_time(message.timestamp, skew, received_at), received_at


def readers() -> dict[str, Callable[[bytes], PostHogParcel]]:
    """Path -> what reads its body. Raises MalformedBody, TooLarge when called."""
    paths = {path: read for base in PATHS for path in (base, base + "/")}
    return {**paths, RESULTS_PATH: _read_for_results}


def read(body: bytes) -> PostHogParcel:
    """Raises MalformedBody, TooLarge."""
    return PostHogParcel(read_capture(body))


def _read_for_results(body: bytes) -> PostHogParcel:
    return PostHogParcel(read_capture(body), with_results=True)


def _results(refused: Iterable[Rejected]) -> Taken:
    """What the newest protocol answers: what is not named was taken."""
    dropped = {
        each.event_id: {"result": "drop", "details": f"{each.reason}: {each.detail}"}
        for each in refused
    }
    return Taken(msgspec.json.encode({"results": dropped}))


def _visitor(said: dict[str, object], caller: Caller) -> tuple[str, str]:
    """Address and user agent: the request's, or what a server says of its visitor."""
    if not caller.server:
        return caller.ip, caller.user_agent
    agent = text_of(said, "$raw_user_agent") or text_of(said, "$user_agent")
    return addresses.readable(text_of(said, "$ip")), agent[:MAX_USER_AGENT]


def _subject(
    who: posthog_who.Who,
    message: CaptureEvent,
    said: dict[str, object],
    kind: str,
    ip: str,
    user_agent: str,
    received_at: int,
    protocol: Protocol,
    caller: Caller,
    rules: Rules,
) -> Subject:
    choice = consent.decide(
        rules.consent,
        False if posthog_who.is_cookieless(message, said) else _consent_said(said),
        gpc=said.get("gpc") is True or caller.gpc,
        dnt=caller.dnt,
        server=caller.server,
    )
    # What a server says of a group is of no person; its distinct id is one of no meaning.
    if choice == "granted" and kind == "group" and caller.server and not who.device_id:
        choice = "unknown"
    if choice != "granted":
        return rules.namer.pseudonymous(
            choice,
            ip=ip,
            user_agent=user_agent,
            time_ms=received_at,
            past=protocol == "import",
            else_from=who.device_id or who.user_id,
        )
    device_id = who.device_id
    if not device_id:
        # A page's key speaks only for its own device, so a user alone is not enough there.
        if not caller.server or not who.user_id:
            raise RefusedEvent(Reason.NO_IDENTIFIER, "$device_id" if who.user_id else "distinct_id")
        device_id = USER_DEVICE_PREFIX + who.user_id
    return rules.namer.recognized(device_id, ip)


def _consent_said(said: dict[str, object]) -> Said:
    word = said.get("consent")
    if isinstance(word, str):
        return consent.of_word(word)
    return word if isinstance(word, bool) else None


def _profile_id(kind: str, said: dict[str, object]) -> str:
    """Raises RefusedEvent where traits name a profile that cannot be read."""
    value = said.get("profile_id")
    if isinstance(value, str | int | float) and not isinstance(value, bool):
        return identifiers.user_id(value)
    if kind == "identify" and value is not None:
        raise RefusedEvent(Reason.WRONG_TYPE, "profile_id is a text or a number")
    return ""


def _campaign(said: dict[str, object], url: str) -> dict[str, str]:
    """What a server says of it beside the URL. posthog-js repeats the last one for months."""
    if "utm_" in url:
        return {}
    return {name: value for name in CAMPAIGN if (value := text_of(said, name))}


def _ago(offset_ms: int | float, received_at: int) -> int:
    try:
        return event_time(received_at - max(int(offset_ms), 0), 0, received_at)
    except (ValueError, OverflowError) as error:
        raise RefusedEvent(Reason.INVALID_TIME, f"offset: {offset_ms!r:.64}") from error
