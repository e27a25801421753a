"""The shapes of PostHog's capture API, and the body in each form that its SDKs give it.

    {"api_key": "pk_demo", "sent_at": "...", "batch": [EVENT, ...]}     the current SDKs
    {"api_key": "pk_demo", "event": "...", "properties": {...}}         one event
    [EVENT, ...]                      older ones; the key is the `token` of the first's properties
    data=<base64 or JSON, percent-encoded>                              any of these, of a beacon

Gzip is unpacked before (`body.read`), told or not. What is not named here is skipped.
"""

from __future__ import annotations

import base64
import binascii
from typing import Any, NamedTuple
from urllib.parse import unquote_plus, unquote_to_bytes

import msgspec

from ingest.collector.body import unzip
from ingest.collector.clock import Time
from ingest.collector.errors import MalformedBody
from ingest.collector.identifiers import Identifier
from ingest.collector.json_text import Text, read_envelope
from schemas.batch import UNREADABLE

_FORM = b"data="
_GZIP_MAGIC = b"\x1f\x8b"
_URL_SAFE = bytes.maketrans(b"-_", b"+/")


def _raw() -> msgspec.Raw:
    return msgspec.Raw()


class Options(msgspec.Struct):
    """What `/i/v1/analytics/events` says beside the properties."""

    process_person_profile: bool | None = None
    cookieless_mode: bool | None = None
    disable_skew_correction: bool | None = None


class CaptureEvent(msgspec.Struct):
    """One event. Every field may be null, and identifiers may be numbers."""

    event: str | None = None
    uuid: str | None = None
    distinct_id: Identifier = None
    timestamp: Time = None
    offset: int | float | None = None  # ms from happening to sending, of older SDKs
    properties: msgspec.Raw = msgspec.field(default_factory=_raw)
    set_: msgspec.Raw = msgspec.field(default_factory=_raw, name="$set")
    set_once: msgspec.Raw = msgspec.field(default_factory=_raw, name="$set_once")
    options: Options | None = None


class Capture(msgspec.Struct):
    """The envelope; without `batch` it is itself the one event."""

    batch: list[msgspec.Raw] | None = None
    api_key: str | None = None
    token: str | None = None
    sent_at: Time = None
    historical_migration: bool | None = None
    data: Any = None  # where it is text: the whole envelope once more, base64
    properties: msgspec.Raw = msgspec.field(default_factory=_raw)


class Envelope(NamedTuple):
    """A request whose events are not read yet."""

    key: str
    events: list[msgspec.Raw]
    text: Text
    sent_at: Time
    historical: bool


class _Token(msgspec.Struct):
    token: str | None = None
    api_key: str | None = None


class _Keyed(_Token):
    properties: _Token | None = None


event_decoder = msgspec.json.Decoder(CaptureEvent)
_capture_decoder = msgspec.json.Decoder(Capture)
_list_decoder = msgspec.json.Decoder(list[msgspec.Raw])
_keyed_decoder = msgspec.json.Decoder(_Keyed)


def read_capture(body: bytes) -> Envelope:
    """Raises MalformedBody."""
    text = unwrapped(body)
    if text.lstrip()[:1] == b"[":
        events, read = read_envelope(_list_decoder, text)
        return Envelope(_key_of(events), events, read, None, False)
    capture, read = read_envelope(_capture_decoder, text)
    if capture.batch is None and isinstance(capture.data, str):
        inner = _unpacked(capture.data.encode())
        capture, read = read_envelope(_capture_decoder, inner)
    events = [msgspec.Raw(read.body)] if capture.batch is None else capture.batch
    key = capture.api_key or capture.token or _key_of(events)
    return Envelope(key, events, read, capture.sent_at, bool(capture.historical_migration))


def unwrapped(body: bytes) -> bytes:
    """The JSON of a body, out of its form where it came in one. Raises MalformedBody, TooLarge."""
    if not body.startswith(_FORM):
        return body
    value = body[len(_FORM) :].partition(b"&")[0]
    plain = unquote_to_bytes(value)
    if plain.lstrip()[:1] in (b"{", b"["):
        return unquote_plus(value.decode("latin-1")).encode()
    return _unpacked(plain.replace(b" ", b"+"))


def _unpacked(packed: bytes) -> bytes:
    """Base64 of either alphabet, padded or not; gzip within. Raises MalformedBody, TooLarge."""
    text = packed.strip().translate(_URL_SAFE).rstrip(b"=")
    try:
        unpacked = base64.b64decode(text + b"=" * (-len(text) % 4), validate=True)
    except binascii.Error as error:
        raise MalformedBody(f"`data` is neither JSON nor base64: {error}") from error
    return unzip(unpacked) if unpacked[:2] == _GZIP_MAGIC else unpacked


def _key_of(events: list[msgspec.Raw]) -> str:
    """The key that the first event names; '' where it names none."""
    if not events:
        return ""
    try:
        first = _keyed_decoder.decode(events[0])
    except UNREADABLE:
        return ""
    within = first.properties or _Token()
    return first.api_key or first.token or within.token or within.api_key or ""
