"""The shapes of Snowplow's tracker protocol v2: fields are text, and JSON within is text too.

    POST  {"schema": "iglu:...payload_data/...", "data": [{"e": "pv", "url": ...}, ...]}
    GET   ?e=pv&url=...                                    one event

An event's own data and its contexts (entities) are self-describing: a schema, and an object. They
come as JSON (`ue_pr`, `co`) or as its base64 (`ue_px`, `cx`).
"""

from __future__ import annotations

import base64
import binascii
import re
from typing import NamedTuple, TypeVar
from urllib.parse import parse_qsl

import msgspec

from ingest.collector.errors import MalformedBody, RefusedEvent, TooLarge
from ingest.collector.identifiers import Identifier
from ingest.collector.json_text import Text, read_envelope
from schemas.batch import UNREADABLE
from schemas.event import MAX_EVENT_BYTES
from schemas.reasons import Reason

_MAX_PARAMETERS = 200
_URL_SAFE = str.maketrans("-_", "+/")
_SCHEMA = re.compile(r"iglu:([^/\s]{1,200})/([^/\s]{1,200})/[^/\s]{1,64}/[^/\s]{1,64}")

Field = str | int | float | None
_Shape = TypeVar("_Shape")


class SnowplowEvent(msgspec.Struct):
    """One event, under the protocol's names; `snowplow_events` says what they become."""

    e: str | None = None
    eid: str | None = None
    aid: str | None = None
    p: str | None = None
    uid: Identifier = None
    duid: Identifier = None
    tnuid: Identifier = None
    nuid: Identifier = None
    url: str | None = None
    page: str | None = None
    refr: str | None = None
    dtm: Field = None
    stm: Field = None
    ttm: Field = None
    ip: str | None = None
    ua: str | None = None
    lang: str | None = None
    tz: str | None = None
    ue_pr: str | None = None
    ue_px: str | None = None
    co: str | None = None
    cx: str | None = None
    se_ca: Field = None
    se_ac: Field = None
    se_la: Field = None
    se_pr: Field = None
    se_va: Field = None
    tr_id: Field = None
    tr_af: Field = None
    tr_tt: Field = None
    tr_tx: Field = None
    tr_sh: Field = None
    tr_ci: Field = None
    tr_st: Field = None
    tr_co: Field = None
    tr_cu: Field = None
    ti_id: Field = None
    ti_sk: Field = None
    ti_nm: Field = None
    ti_ca: Field = None
    ti_pr: Field = None
    ti_qu: Field = None
    ti_cu: Field = None
    pp_mix: Field = None
    pp_max: Field = None
    pp_miy: Field = None
    pp_may: Field = None


class Payload(msgspec.Struct):
    """`payload_data`: the envelope."""

    data: list[msgspec.Raw]
    schema: str | None = None


class SelfDescribing(msgspec.Struct):
    """What was said, and by which schema."""

    schema: str = ""
    data: msgspec.Raw = msgspec.field(default_factory=msgspec.Raw)

    @property
    def vendor(self) -> str:
        found = _SCHEMA.fullmatch(self.schema)
        return found[1] if found else ""

    @property
    def name(self) -> str:
        """The schema's name without vendor and version; '' where it is none of Iglu's form."""
        found = _SCHEMA.fullmatch(self.schema)
        return found[2] if found else ""


class Packed(NamedTuple):
    """A request whose events are not read yet."""

    key: str  # the first event's application id
    events: list[msgspec.Raw]
    text: Text


class _Application(msgspec.Struct):
    aid: str | None = None


class _Unstructured(msgspec.Struct):
    data: SelfDescribing | None = None


class _Contexts(msgspec.Struct):
    data: list[SelfDescribing] | None = None


event_decoder = msgspec.json.Decoder(SnowplowEvent)
_payload_decoder = msgspec.json.Decoder(Payload)
_application_decoder = msgspec.json.Decoder(_Application)
_unstructured_decoder = msgspec.json.Decoder(_Unstructured)
_contexts_decoder = msgspec.json.Decoder(_Contexts)


def read_payload(body: bytes) -> Packed:
    """Raises MalformedBody."""
    payload, text = read_envelope(_payload_decoder, body)
    return Packed(_key_of(payload.data), payload.data, text)


def read_query(query: bytes) -> Packed:
    """A query as one event, which is read, and refused, as JSON. Raises MalformedBody, TooLarge."""
    if len(query) > MAX_EVENT_BYTES:
        raise TooLarge(f"an event has at most {MAX_EVENT_BYTES} bytes, not {len(query)}")
    try:
        pairs = parse_qsl(query.decode("latin-1"), max_num_fields=_MAX_PARAMETERS)
    except ValueError as error:
        raise MalformedBody(f"parameters: {error}") from error
    if not pairs:
        raise MalformedBody("an event has parameters, of which `e` says what it is")
    body = msgspec.json.encode(dict(pairs))
    events = [msgspec.Raw(body)]
    return Packed(_key_of(events), events, Text(body))


def own_data(event: SnowplowEvent, notes: list[str]) -> SelfDescribing:
    """Of a self-describing event. Raises RefusedEvent."""
    text = _json(event.ue_pr, event.ue_px, "ue_px")
    if not text:
        raise RefusedEvent(Reason.MISSING_FIELD, "a self-describing event has ue_pr or ue_px")
    inner = _read(_unstructured_decoder, text, "ue_pr", notes).data
    if inner is None or not inner.name:
        raise RefusedEvent(Reason.MISSING_FIELD, "ue_pr has data with a schema, iglu:...")
    return inner


def contexts(event: SnowplowEvent, notes: list[str]) -> list[SelfDescribing]:
    """The entities beside an event. Raises RefusedEvent."""
    text = _json(event.co, event.cx, "cx")
    return (_read(_contexts_decoder, text, "co", notes).data or []) if text else []


def text_of(field: Field) -> str:
    return "" if field is None else str(field)


def _key_of(events: list[msgspec.Raw]) -> str:
    try:
        return (events and _application_decoder.decode(events[0]).aid) or ""
    except UNREADABLE:
        return ""


def _json(plain: str | None, packed: str | None, field: str) -> bytes:
    if plain:
        return plain.encode(errors="replace")
    if not packed:
        return b""
    text = packed.strip().replace(" ", "+").translate(_URL_SAFE).rstrip("=")
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError) as error:
        raise RefusedEvent(Reason.WRONG_TYPE, f"{field} is no base64: {error}") from error


def _read(
    decoder: msgspec.json.Decoder[_Shape], text: bytes, field: str, notes: list[str]
) -> _Shape:
    try:
        read, mended = read_envelope(decoder, text)
    except MalformedBody as error:
        raise RefusedEvent(Reason.MALFORMED_JSON, f"{field}: {error}") from error
    notes += [note for note in mended.notes if note not in notes]
    return read
