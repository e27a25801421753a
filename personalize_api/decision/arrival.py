"""What a caller of the homepage endpoint says about one visit, read strictly and bounded.

A page must not fail because a visitor's browser sent rubbish: an identifier that cannot be one
is ignored and noted. Only a request that cannot be read at all is refused.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from urllib.parse import unquote_plus

import msgspec

from personalize_api.errors import InvalidInput, TooLarge
from schemas.ids import RESERVED_PREFIXES, is_identifier

MAX_BODY_BYTES = 64 * 1024
MAX_QUERY_BYTES = 16 * 1024
MAX_FIELDS = 64
MAX_TEXT = 4096
MAX_LANGUAGE = 256
MAX_USER_AGENT = 1024
MAX_ADDRESS = 64
MAX_USER_ID = 256
_MAX_CACHED = 512

_DEVICE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:@|-]{0,127}")
_YES = frozenset({"1", "true", "yes"})
_CONSENT = {"granted": "granted", "true": "granted", "1": "granted"} | {
    "denied": "denied",
    "false": "denied",
    "0": "denied",
}


class HomepageInput(msgspec.Struct, kw_only=True):
    """Inputs of `/v1/homepage`: query of a GET, JSON body of a POST. All optional."""

    anonymous_id: str | None = None
    user_id: str | int | None = None
    profile_id: str | int | None = None
    referrer: str | None = None
    url: str | None = None
    ip: str | None = None
    user_agent: str | None = None
    language: str | None = None
    consent: str | bool | None = None
    gpc: str | bool | int | None = None
    explain: str | bool | int | None = None
    user_token: str | None = None


class Arrival(msgspec.Struct, kw_only=True):
    """The same, checked. Text that is not there, or is no identifier, is empty."""

    anonymous_id: str = ""
    user_id: str = ""
    profile_id: str = ""
    referrer: str = ""
    url: str = ""
    ip: str = ""
    language: str = ""  # as BCP 47, lower case: 'de-at'
    user_agent: str = ""
    consent: str = ""  # 'granted', 'denied' or ''
    gpc: bool = False
    explain: bool = False
    user_token: str = ""  # as sent: `personalize_api.caller.permitted` reads it
    notes: list[str] = []  # what was ignored and why, for the answer's `reason`


_NO_HEADERS: Mapping[bytes, bytes] = {}

_decode_body = msgspec.json.Decoder(HomepageInput).decode


def read_query(query: bytes, headers: Mapping[bytes, bytes] = _NO_HEADERS) -> Arrival:
    """Raises TooLarge, InvalidInput. Of a repeated name the first counts.

    `headers`: a proxy's, which cannot encode what it hands on for a query; `Footfall-Referrer`
    stands for `referrer` and so on. The query wins.
    """
    if len(query) > MAX_QUERY_BYTES:
        raise TooLarge(f"the query is longer than {MAX_QUERY_BYTES} bytes: use POST")
    parts = query.decode("latin-1").split("&", MAX_FIELDS)
    if len(parts) > MAX_FIELDS:
        raise InvalidInput(f"the query has more than {MAX_FIELDS} fields")
    given: dict[str, str] = {}
    for part in parts:
        name, _, value = part.partition("=")
        if value and name in _FIELDS and name not in given:
            given[name] = _text(value)
    for header, name in _OF_HEADERS.items() if headers else ():
        if value := headers.get(header, b"").decode("latin-1"):
            given.setdefault(name, value)
    return check(HomepageInput(**given))  # all of them may be text


_FIELDS = frozenset(HomepageInput.__struct_fields__)
_OF_HEADERS = {f"footfall-{name.replace('_', '-')}".encode(): name for name in sorted(_FIELDS)}


def _text(value: str) -> str:
    if "%" not in value and "+" not in value:
        return value
    return _unquoted(value) if len(value) <= _MAX_CACHED else unquote_plus(value, errors="replace")


@lru_cache(4096)  # referrers and pages are the same ones again and again
def _unquoted(value: str) -> str:
    return unquote_plus(value, errors="replace")


def read_body(body: bytes) -> Arrival:
    """Raises InvalidInput for what is not a JSON object of these fields."""
    try:
        return check(_decode_body(body))
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise InvalidInput(f"the body is not what the endpoint reads: {error}") from error


def check(given: HomepageInput) -> Arrival:
    """The inputs as they may be used."""
    notes: list[str] = []
    consent = "" if given.consent is None else str(given.consent).lower()
    if consent not in _CONSENT and consent not in ("", "unknown"):
        notes.append("consent ignored: it is granted, denied or unknown")
    return Arrival(
        anonymous_id=device_id(given.anonymous_id or "", notes),
        user_id=_login(given.user_id, "user_id", notes),
        profile_id=_login(given.profile_id, "profile_id", notes),
        referrer=(given.referrer or "")[:MAX_TEXT],
        url=(given.url or "")[:MAX_TEXT],
        user_agent=(given.user_agent or "")[:MAX_USER_AGENT],
        ip=(given.ip or "").strip()[:MAX_ADDRESS],
        language=primary_language(given.language[:MAX_LANGUAGE]) if given.language else "",
        consent=_CONSENT.get(consent, ""),
        gpc=_is_yes(given.gpc),
        explain=_is_yes(given.explain),
        user_token=given.user_token or "",
        notes=notes,
    )


def device_id(value: str, notes: list[str]) -> str:
    """The value as a device id a visitor may have, or '' with a note."""
    if not value or not is_identifier(value):
        return ""
    if _DEVICE_ID.fullmatch(value) and not value.startswith(RESERVED_PREFIXES):
        return value
    notes.append("anonymous_id ignored: not a form that a visitor's id may have")
    return ""


@lru_cache(1024)
def primary_language(accepted: str) -> str:
    """The first language of an Accept-Language header: 'de-AT,de;q=0.9' is 'de-at'."""
    first = accepted.split(",", 1)[0].split(";", 1)[0].strip().lower().replace("_", "-")
    return first if re.fullmatch(r"[a-z]{2,3}(-[a-z0-9]{1,8}){0,3}", first) else ""


def _is_yes(value: str | bool | int | None) -> bool:
    return value is not None and str(value).lower() in _YES


def _login(value: str | int | None, name: str, notes: list[str]) -> str:
    if value is None:
        return ""
    text = str(value).strip()
    if not is_identifier(text):
        return ""
    if len(text) > MAX_USER_ID or not text.isprintable():
        notes.append(f"{name} ignored: longer than {MAX_USER_ID} characters or not printable")
        return ""
    return text
