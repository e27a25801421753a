"""`GET /r?u=TARGET&s=SIGNATURE[&ff_click=TOKEN]`: a click on a signed link, on its way.

The click is an event (`Email Link Clicked` where the link stands in a letter: it has a token, or
`utm_medium=email`; else `Link Clicked`) with the property `link_url`. It is of the device whose
cookie comes with it, else of the pseudonym that the page it leads to will have, too. A target on
the site itself is the event's `url`, and gets the token, by which that page says whose letter
brought its visitor (design.md, section 3b: weak evidence); nobody else's page gets one.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping

import msgspec

from ingest.collector import consent, cookies
from ingest.collector.address_keys import unconsented
from ingest.collector.caller import Caller
from ingest.collector.errors import LinkNotSigned, MalformedBody
from ingest.collector.harvest import Harvest
from ingest.collector.rules import Rules
from schemas import click_link
from schemas.click_token import PARAMETER, with_token
from schemas.event import Event

PATH = click_link.PATH
NO_REFERRER = b"no-referrer"
_AS_USUAL = b"strict-origin-when-cross-origin"
_TOKEN = re.compile(r"[A-Za-z0-9_-]+")
_BY_MAIL = re.compile(r"[?&]utm_medium=e-?mail(?:&|#|$)", re.IGNORECASE)


class Click:
    """One click on a link that somebody with our secret has made."""

    def __init__(self, parameters: Mapping[str, str], rules: Rules) -> None:
        """Raises MalformedBody, LinkNotSigned."""
        self._target = parameters.get("u", "")
        self._token = parameters.get(PARAMETER, "")
        if not self._target:
            raise MalformedBody("u: a link says where it leads")
        if self._token and not _TOKEN.fullmatch(self._token):
            raise LinkNotSigned("ff_click: no token of ours")
        signature = parameters.get("s", "")
        if not click_link.is_signed(self._target, self._token, signature, rules.secret):
            raise LinkNotSigned(
                "this link is damaged, or was not made here: signed ones are made by "
                "`footfall click-link`"
            )
        if not click_link.is_target(self._target):
            raise LinkNotSigned("this link leads to no page of the web")
        self._own = rules.is_own(self._target)
        self._in_letter = bool(self._token) or _BY_MAIL.search(self._target) is not None

    @property
    def location(self) -> str:
        if self._own and self._token:
            return with_token(self._target, self._token)
        return self._target

    @property
    def referrer_policy(self) -> bytes:
        """Where somebody reads letters is nobody's business, unlike an advertisement's place."""
        return NO_REFERRER if self._in_letter else _AS_USUAL

    def gather(self, caller: Caller, rules: Rules) -> Harvest:
        known = cookies.read(caller.cookie_header, rules.cookie)
        choice = consent.decide(
            rules.consent,
            True if known else None,  # the cookie is there only with consent
            gpc=caller.gpc,
            dnt=caller.dnt,
        )
        set_cookie = b""
        if choice == "granted":
            device_id = known or str(uuid.uuid4())
            subject = rules.namer.recognized(device_id, caller.ip)
            if not known:
                set_cookie = cookies.write(
                    device_id, rules.cookie, host=caller.host, https=caller.https
                )
        else:
            subject = rules.namer.pseudonymous(
                choice, ip=caller.ip, user_agent=caller.user_agent, time_ms=caller.received_at
            )
        event = Event(
            event_id=str(uuid.uuid4()),
            event_time=caller.received_at,
            received_at=caller.received_at,
            type="track",
            name="Email Link Clicked" if self._in_letter else "Link Clicked",
            protocol="pixel",
            device_id=subject.device_id,
            site=rules.site,
            consent=subject.consent,
            url=self._arrives_at(recognized=subject.recognized),
            referrer=_referrer(caller) if self._own and not self._in_letter else "",
            ip=subject.ip,
            user_agent=caller.user_agent,
            language=caller.language,
            properties=msgspec.Raw(msgspec.json.encode({"link_url": self._target})),
        )
        event.address_keys = rules.address_keys.of(caller.ip, caller.user_agent, caller.received_at)
        gathered = Harvest([event], [], set_cookie)
        if not subject.recognized:
            gathered.unconsented = unconsented(event)
            event.address_keys = []
        return gathered

    def _arrives_at(self, *, recognized: bool) -> str:
        if not self._own:
            return ""
        return self.location if recognized else self._target


def _referrer(caller: Caller) -> str:
    return caller.headers.get(b"referer", b"").decode("latin-1")[:2000]


def is_going_there(headers: Mapping[bytes, bytes]) -> bool:
    """Whether somebody goes there, as far as the browser says: it does not look ahead, nor is the
    link's address that of an image or script of a page.
    """
    ahead = (headers.get(name, b"") for name in (b"sec-purpose", b"purpose", b"x-moz"))
    if any(b"prefetch" in said.lower() for said in ahead):
        return False
    return headers.get(b"sec-fetch-dest", b"document") == b"document"
