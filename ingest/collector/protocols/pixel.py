"""`GET /pixel.gif?...`: what a letter tells when it is opened, and a page without script.

    <img src="https://events.shop.example/pixel.gif?key=pk_demo&ff_click=TOKEN&consent=granted
              &utm_source=newsletter&utm_medium=email&utm_campaign=spring" width="1" height="1">
    <noscript><img src="https://events.shop.example/pixel.gif?key=pk_demo&type=page&url=..."></noscript>

`Pixel` lists the parameters; every other one is a property of the event. Whose event it is:

* a page's (`type=page`): the cookie's device, as for the beacon; with consent the cookie is set;
* a letter's with a token (`footfall click-token`): its recipient's, whoever reads it. The event is
  stored under the recipient, so it says nothing of the device and logs nobody in;
* another's: the device of `anonymous_id`, else a pseudonym;
* without consent, or fetched by a mail provider for its reader: a pseudonym.

Anybody may write an image's address into something that somebody else opens. So the cookie counts,
is set and is taken away only where the browser says that a page of the site asks (Origin, Referer),
and nobody is logged in by it: `user_id` needs an `anonymous_id` beside it, which no stranger knows.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Annotated, NamedTuple

import msgspec

from ingest.collector import consent, cookies, identifiers
from ingest.collector.caller import Caller
from ingest.collector.consent import Said
from ingest.collector.errors import RefusedEvent
from ingest.collector.harvest import Harvest, harvest
from ingest.collector.image_proxies import IMAGE_PROXY, image_proxy
from ingest.collector.json_text import Text
from ingest.collector.keys import origin_of
from ingest.collector.rules import Rules
from ingest.collector.subject import Subject
from schemas import click_token
from schemas.event import Event
from schemas.ids import USER_DEVICE_PREFIX, event_uuid, is_identifier, is_pseudonym
from schemas.reasons import Reason
from schemas.referrer import UTM_FIELDS

PATH = "/pixel.gif"
OPENED = "Email Opened"
MAX_REFERER = 2000
TOKEN_NOT_READ = "click_token_not_read"
"""Note of an event whose token is none of ours, or too old."""


def _about(description: str) -> msgspec.Meta:
    return msgspec.Meta(description=description)


class Pixel(msgspec.Struct):
    """The parameters that have a meaning."""

    type: Annotated[str, _about("`page`: a page was viewed; `track`, or left out: `event`")] = ""
    event: Annotated[str, _about("What happened; `Email Opened` where left out")] = ""
    id: Annotated[str, _about("Of the event: one that comes again is the same")] = ""
    url: Annotated[str, _about("Of the page; else the Referer, where the site lists it")] = ""
    title: str = ""
    referrer: Annotated[str, _about("Where the page was reached from")] = ""
    ff_click: Annotated[str, _about("Whose letter it is: a token of `footfall click-token`")] = ""
    user_id: Annotated[str, _about("Who is logged in at that `anonymous_id`")] = ""
    profile_id: str = ""
    anonymous_id: Annotated[str, _about("The device, where the page knows it")] = ""
    decision_id: Annotated[str, _about("Of the homepage that was shown")] = ""
    variant: str = ""
    consent: Annotated[
        str, _about("granted, denied or unknown; where left out the cookie says that it was given")
    ] = ""
    gpc: Annotated[str, _about("1: the visitor's browser asked not to be followed")] = ""


_OWN = frozenset(Pixel.__struct_fields__) | {"key", "writeKey", *UTM_FIELDS}


class _Whose(NamedTuple):
    """Who is told of, the login, what its token was, and the cookie to set."""

    subject: Subject
    user_id: str = ""
    note: str = ""
    set_cookie: bytes = b""


class PixelParcel:
    """One image that was asked for; its key not yet admitted."""

    def __init__(self, parameters: Mapping[str, str]) -> None:
        self.key = parameters.get("key") or parameters.get("writeKey") or ""
        self._parameters = parameters
        self._said = msgspec.convert(parameters, Pixel)

    @property
    def is_page(self) -> bool:
        return self._said.type == "page"

    def gather(self, caller: Caller, rules: Rules) -> Harvest:
        """The event, or what is refused of it: its parameters as a JSON object, without tokens,
        in which an erasure would not find whom they name.
        """
        kept = {n: click_token.without_token(v) for n, v in self._parameters.items()}
        for name in ("key", "writeKey", click_token.PARAMETER):
            kept.pop(name, None)
        text = Text(msgspec.json.encode(kept))
        set_cookie = b""

        def read(_raw: msgspec.Raw, notes: list[str]) -> Event:
            nonlocal set_cookie
            event, set_cookie = self._event(caller, rules, notes)
            return event

        gathered = harvest(
            [msgspec.Raw(text.body)],
            read,
            text,
            protocol="pixel",
            received_at=caller.received_at,
            secret=rules.secret,
        )
        gathered.set_cookie = set_cookie
        return gathered

    def _event(self, caller: Caller, rules: Rules, notes: list[str]) -> tuple[Event, bytes]:
        said = self._said
        if said.type not in ("", "page", "track"):
            raise RefusedEvent(Reason.UNKNOWN_TYPE, f"type: {said.type[:64]!r}")
        is_page = self.is_page
        proxy = "" if is_page else image_proxy(caller.user_agent)
        whose = _whose(said, caller, rules, proxy)
        subject = whose.subject
        personal = not is_pseudonym(subject.device_id)
        of_device = not proxy and subject.device_id != USER_DEVICE_PREFIX + whose.user_id
        notes += [whose.note] if whose.note else []
        properties = {n: v for n, v in self._parameters.items() if n not in _OWN}
        if proxy:
            properties[IMAGE_PROXY] = proxy
            notes.append(IMAGE_PROXY)
        at, agent = caller.received_at, "" if proxy else caller.user_agent
        event = Event(
            event_id=event_uuid(said.id) if said.id else str(uuid.uuid4()),
            event_time=at,
            received_at=at,
            type="page" if is_page else "track",
            name="Page Viewed" if is_page else said.event or OPENED,
            protocol="pixel",
            device_id=subject.device_id,
            site=rules.site,
            consent=subject.consent,
            user_id=whose.user_id,
            profile_id=identifiers.user_id(said.profile_id) if personal else "",
            url=said.url or (_referer(caller) if is_page else ""),
            title=said.title,
            referrer=said.referrer,
            ip=subject.ip,
            user_agent=agent,
            language="" if proxy else caller.language,
            decision_id=said.decision_id,
            variant=said.variant,
            campaign={n: v for n in UTM_FIELDS if (v := self._parameters.get(n))},
            notes=notes,
            properties=msgspec.Raw(msgspec.json.encode(properties)),
            address_keys=rules.address_keys.of(caller.ip, agent, at) if of_device else [],
        )
        return event, whose.set_cookie


def _whose(said: Pixel, caller: Caller, rules: Rules, proxy: str) -> _Whose:
    """Raises RefusedEvent."""
    own_page = is_own_page(caller, rules)
    known = cookies.read(caller.cookie_header, rules.cookie) if own_page else ""
    choice = consent.decide(
        rules.consent,
        _said(said, bool(known)),
        gpc=said.gpc == "1" or caller.gpc,
        dnt=caller.dnt,
    )
    if proxy:  # its address stands for many readers: each letter, or else each request, is one
        seed = said.ff_click or said.id or str(uuid.uuid4())
        unknown = rules.namer.pseudonymous(
            choice, ip="", user_agent="", time_ms=caller.received_at, else_from=seed
        )
        return _Whose(unknown)
    if choice == "granted":
        return _recognized(said, caller, rules, known)
    subject = rules.namer.pseudonymous(
        choice, ip=caller.ip, user_agent=caller.user_agent, time_ms=caller.received_at
    )
    if said.type == "page" and known and choice == "denied":
        gone = cookies.expire(rules.cookie, host=caller.host, https=caller.https)
        return _Whose(subject, set_cookie=gone)
    return _Whose(subject)


def is_own_page(caller: Caller, rules: Rules) -> bool:
    """Whether the browser says that a page of a listed origin asks."""
    origin = caller.headers.get(b"origin", b"") or origin_of(caller.headers.get(b"referer", b""))
    return bool(origin) and rules.keys.allows_origin(origin)


def _said(said: Pixel, has_cookie: bool) -> Said:
    """What was said of consent; a cookie is there only with it, and goes when it is taken back."""
    if said.consent:
        return consent.of_word(said.consent)
    return True if has_cookie else None


def _recognized(said: Pixel, caller: Caller, rules: Rules, known: str) -> _Whose:
    """Raises RefusedEvent."""
    namer, note = rules.namer, ""
    if said.ff_click and said.type != "page":
        if user_id := _recipient(said.ff_click, caller.received_at, rules):
            device_id = USER_DEVICE_PREFIX + user_id
            return _Whose(namer.recognized(device_id, caller.ip), user_id)
        note = TOKEN_NOT_READ
    if device_id := identifiers.device_id(said.anonymous_id):
        user_id = identifiers.user_id(said.user_id)
        return _Whose(namer.recognized(device_id, caller.ip), user_id, note)
    if known:
        return _Whose(namer.recognized(known, caller.ip), note=note)
    if said.type == "page":
        device_id = str(uuid.uuid4())
        cookie = cookies.write(device_id, rules.cookie, host=caller.host, https=caller.https)
        return _Whose(namer.recognized(device_id, caller.ip), set_cookie=cookie)
    # A mail program keeps no cookie: with an id of its own every opening would be a new visitor.
    subject = namer.pseudonymous(
        "granted", ip=caller.ip, user_agent=caller.user_agent, time_ms=caller.received_at
    )
    return _Whose(subject, note=note)


def _recipient(token: str, now_ms: int, rules: Rules) -> str:
    """Whose letter it is; '' where the token is none of ours, or too old."""
    click = click_token.read(token, rules.secret)
    if click is None or now_ms > click.expires * 1000 or not is_identifier(click.user_id):
        return ""
    return click.user_id


def _referer(caller: Caller) -> str:
    return caller.headers.get(b"referer", b"").decode("latin-1")[:MAX_REFERER]
