"""Snowplow's tracker protocol v2, as its trackers speak it: the application id is a write key.

`newTracker("sp", URL, {appId: "pk_demo"})`; where the id is taken by something else, the key may
stand in the path's query (`?writeKey=pk_demo`) or in Authorization, or a browser key of the site
file names it in `app_ids`. `duid` is the device, `uid` the user.

Consent is what our entity (`iglu:org.footfall/visit/jsonschema/1-0-0`, as a global context) says,
else an event `consent_preferences`, else a `gdpr` entity whose basis is consent, else what the site
file's mode makes of silence. A tracker in server anonymisation (`SP-Anonymous`) says no.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Sequence

import msgspec

from ingest.collector import addresses, consent, identifiers
from ingest.collector.answers import DOT, Taken
from ingest.collector.caller import MAX_USER_AGENT, Caller
from ingest.collector.clock import event_time, skew_of
from ingest.collector.consent import Said
from ingest.collector.errors import RefusedEvent
from ingest.collector.harvest import Harvest, harvest
from ingest.collector.json_text import read_event
from ingest.collector.protocols import snowplow_events
from ingest.collector.protocols.snowplow_events import Visit, decoded
from ingest.collector.protocols.snowplow_messages import (
    Field,
    Packed,
    SelfDescribing,
    SnowplowEvent,
    contexts,
    event_decoder,
    read_payload,
    read_query,
)
from ingest.collector.rules import Rules
from ingest.collector.subject import Subject
from schemas.event import Event
from schemas.ids import USER_DEVICE_PREFIX, event_uuid
from schemas.reasons import Reason

POST_PATH = "/com.snowplowanalytics.snowplow/tp2"
GET_PATH = "/i"

_OK = Taken(b"ok", b"text/plain")
_DOT = Taken(DOT, b"image/gif")
_ANONYMOUS = b"sp-anonymous"
_ALLOWED = ("allow_all", "implicit_consent")
_REFUSED = ("deny_all", "expired", "withdrawn")


class SnowplowParcel:
    """One request, its envelope readable; its key not yet admitted."""

    def __init__(self, packed: Packed, answer: Taken) -> None:
        self.key = packed.key
        self._packed = packed
        self._answer = answer

    def past_days(self, received_at: int) -> Iterable[int]:
        return ()

    def gather(self, caller: Caller, rules: Rules) -> Harvest:
        def read(raw: msgspec.Raw, notes: list[str]) -> Event:
            return _event(read_event(event_decoder, raw), notes, caller, rules)

        gathered = harvest(
            self._packed.events,
            read,
            self._packed.text,
            protocol="snowplow",
            received_at=caller.received_at,
            secret=rules.secret,
            key=caller.key.kind,
            withhold=caller.secret_key,
        )
        gathered.answer = self._answer
        return gathered


def readers() -> dict[str, Callable[[bytes], SnowplowParcel]]:
    """Path -> what reads its body, or of GET_PATH the query. Raises MalformedBody, TooLarge."""
    return {POST_PATH: read_post, GET_PATH: read_get}


def read_post(body: bytes) -> SnowplowParcel:
    return SnowplowParcel(read_payload(body), _OK)


def read_get(query: bytes) -> SnowplowParcel:
    return SnowplowParcel(read_query(query), _DOT)


def _event(said: SnowplowEvent, notes: list[str], caller: Caller, rules: Rules) -> Event:
    around = contexts(said, notes)
    visit = snowplow_events.visit_of(around)
    own = snowplow_events.own_of(said, notes)
    told = snowplow_events.meaning(said, own, visit, around)
    ip, user_agent = caller.ip, caller.user_agent
    if caller.server:  # the visitor's, which only the backend knows
        ip = addresses.readable(said.ip or "")
        user_agent = (said.ua or "")[:MAX_USER_AGENT]
    user_id = identifiers.user_id(said.uid)
    subject = _subject(
        said,
        user_id,
        _consent_said(visit, own, around),
        visit,
        around,
        ip,
        user_agent,
        caller,
        rules,
    )
    personal = subject.recognized
    at = _time(said, caller.received_at)
    app_id = said.aid if said.aid and not rules.keys.is_key(said.aid) else ""
    properties = snowplow_events.properties_of(told, said, around, app_id, personal=personal)
    return Event(
        event_id=event_uuid(said.eid) if said.eid else str(uuid.uuid4()),
        event_time=at,
        received_at=caller.received_at,
        type=told.type,
        name=told.name,
        protocol="snowplow",
        device_id=subject.device_id,
        site=rules.site,
        consent=subject.consent,
        server=caller.server,
        user_id=user_id if personal else "",
        profile_id=identifiers.user_id(visit.profile_id) if personal else "",
        url=said.url or "",
        title=said.page or "",
        referrer=said.refr or "",
        ip=subject.ip,
        user_agent=user_agent,
        language=said.lang or caller.language,
        decision_id=visit.decision_id or "",
        variant=visit.variant or "",
        engaged_ms=told.engaged_ms,
        notes=notes,
        properties=properties,
        address_keys=rules.address_keys.of(
            ip, user_agent, at if caller.server else caller.received_at
        ),
    )


def _subject(
    said: SnowplowEvent,
    user_id: str,
    word: Said,
    visit: Visit,
    around: Sequence[SelfDescribing],
    ip: str,
    user_agent: str,
    caller: Caller,
    rules: Rules,
) -> Subject:
    choice = consent.decide(
        rules.consent,
        False if _ANONYMOUS in caller.headers else word,
        gpc=bool(visit.gpc) or caller.gpc,
        dnt=caller.dnt,
        server=caller.server,
    )
    named = (said.duid, said.tnuid, said.nuid, _session_user(around))
    device_id = next((found for each in named if (found := identifiers.device_id(each))), "")
    if choice != "granted":
        return rules.namer.pseudonymous(
            choice,
            ip=ip,
            user_agent=user_agent,
            time_ms=caller.received_at,
            else_from=device_id or user_id,
        )
    if not device_id:
        # A page's key speaks only for its own device, so a user alone is not enough there.
        if not caller.server or not user_id:
            raise RefusedEvent(Reason.NO_IDENTIFIER, "duid" if user_id else "duid or uid")
        device_id = USER_DEVICE_PREFIX + user_id
    return rules.namer.recognized(device_id, ip)


def _session_user(around: Sequence[SelfDescribing]) -> str:
    """The device's id as apps send it, which have no `duid`."""
    for entity in around:
        if entity.name == "client_session":
            value = decoded(entity, "co").get("userId")
            return value if isinstance(value, str) else ""
    return ""


def _consent_said(
    visit: Visit, own: SelfDescribing | None, around: Sequence[SelfDescribing]
) -> Said:
    if visit.consent is not None:
        return visit.consent if isinstance(visit.consent, bool) else consent.of_word(visit.consent)
    if own is not None and own.name == "consent_preferences":
        said = decoded(own, "ue_pr")
        word = said.get("eventType")
        if word == "allow_selected":
            scopes = said.get("consentScopes")
            chosen = scopes if isinstance(scopes, list) else []
            return any(str(scope).lower() in consent.ANALYTICS for scope in chosen)
        return True if word in _ALLOWED else False if word in _REFUSED else None
    for entity in around:
        if entity.name == "gdpr":
            return True if decoded(entity, "co").get("basisForProcessing") == "consent" else None
    return None


def _time(said: SnowplowEvent, received_at: int) -> int:
    """When it happened (ms). The true timestamp is right by its own word. Raises RefusedEvent."""
    if (true := _ms(said.ttm)) is not None:
        return event_time(true, 0, received_at)
    return event_time(_ms(said.dtm), skew_of(received_at, _ms(said.stm)), received_at)


def _ms(field: Field) -> int | float | str | None:
    """A number of milliseconds, which trackers send as text; other text as it is."""
    if not isinstance(field, str):
        return field
    text = field.strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) < 18 else text or None
