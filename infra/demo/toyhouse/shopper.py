"""Who is at the door: consent, cookies, session and login of one request.

Cookies, and when each is set:
* `toyhouse_consent`  once the visitor has agreed; a refusal is kept in the browser's own storage,
  where nothing is sent to anybody, because a cookie would be what was refused.
* `ff_id` (the site file's name)  with consent only: Footfall's device.
* `toyhouse_session`  once something is in the cart or a login happens; strictly necessary.
"""

from __future__ import annotations

import re
import uuid
from dataclasses import replace
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response

from infra.demo.toyhouse.footfall import Consent, Visit
from infra.demo.toyhouse.members import Child, Member
from infra.demo.toyhouse.sessions import LIFE_S, Cart, Session
from infra.demo.toyhouse.shop import Shop

CONSENT_COOKIE = "toyhouse_consent"
SESSION_COOKIE = "toyhouse_session"
CONSENT_LIFE_S = 365 * 86_400

_DEVICE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:@|-]{0,127}")
_HOST = re.compile(r"[A-Za-z0-9.-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\]")
_MAX_HEADER = 2000


class Shopper:
    """One request's visitor. What it sets is written to the answer by `write_cookies`."""

    def __init__(self, request: Request, shop: Shop) -> None:
        self.request = request
        self.shop = shop
        headers = request.headers
        honoured = "gpc" in shop.site.consent.honour
        self.gpc = honoured and headers.get("sec-gpc") == "1"
        self.consent: Consent = "unknown"
        if self.gpc:
            self.consent = "denied"
        elif request.cookies.get(CONSENT_COOKIE) == "granted":
            self.consent = "granted"
        device = request.cookies.get(shop.site.cookie.name, "")
        self._had_device = bool(device)
        known = self.consent == "granted" and _DEVICE.fullmatch(device)
        self.anonymous_id = device if known else ""
        self._had_session = SESSION_COOKIE in request.cookies
        token = request.cookies.get(SESSION_COOKIE, "")
        self.session = shop.sessions.get(token) if token else None
        self.member = self._member()
        self._set: dict[str, tuple[str, int]] = {}

    @property
    def child(self) -> Child | None:
        return self.member.child if self.member else None

    @property
    def cart(self) -> Cart:
        return self.shop.sessions.cart(self.session) if self.session else Cart()

    @property
    def host(self) -> str:
        """The name under which the browser knows us, without the port."""
        name = self.request.headers.get("host", "").rpartition(":")
        host = name[0] if name[1] and name[2].isdigit() else name[2]
        return host if _HOST.fullmatch(host) else "127.0.0.1"

    @property
    def collector(self) -> str:
        """Under the page's own host name: so Footfall's cookie is first-party."""
        return f"{self.request.url.scheme}://{self.host}:{self.shop.ports.collect}"

    def visit(self, url: str = "") -> Visit:
        """What Footfall may know of this request. `url`: where it happened; '' : this page."""
        headers = self.request.headers
        return Visit(
            url=url or str(self.request.url),
            referrer=headers.get("referer", "")[:_MAX_HEADER],
            ip=self.request.client.host if self.request.client else "",
            user_agent=headers.get("user-agent", "")[:_MAX_HEADER],
            language=headers.get("accept-language", "")[:_MAX_HEADER],
            consent=self.consent,
            gpc=self.gpc,
            anonymous_id=self.anonymous_id,
            user_id=self.member.id if self.member else "",
            profile_id=self.child.id if self.child else "",
        )

    def deed(self) -> Visit:
        """The same for a form that was sent: it happened on the page that holds the form."""
        self.keep_device()
        page = self.request.headers.get("referer", "")[:_MAX_HEADER]
        ours = urlsplit(page).netloc == self.request.headers.get("host", "")
        return self.visit(page if ours else "")

    def keep_device(self, anonymous_id: str = "") -> None:
        """Where the visitor agreed and has no id yet: this one, or a new one, as a cookie."""
        if self.consent == "granted" and not self.anonymous_id:
            self.anonymous_id = anonymous_id or str(uuid.uuid4())
            cookie = self.shop.site.cookie
            self._set[cookie.name] = (self.anonymous_id, cookie.max_age_s)

    def agree(self) -> None:
        """Consent is given, unless the browser's signal says otherwise."""
        if self.gpc:
            return
        self.consent = "granted"
        self._set[CONSENT_COOKIE] = ("granted", CONSENT_LIFE_S)
        self.keep_device()

    def refuse(self) -> None:
        """Consent is refused or taken back: what it allowed goes."""
        if self.anonymous_id:
            self.shop.sessions.forget(self.anonymous_id)
        if CONSENT_COOKIE in self.request.cookies:
            self._set[CONSENT_COOKIE] = ("", 0)
        if self._had_device:
            self._set[self.shop.site.cookie.name] = ("", 0)
        self.consent, self.anonymous_id = "denied", ""

    def keep_session(self) -> Session:
        """The session, begun now where there was none."""
        if self.session is None:
            self._use(self.shop.sessions.begin())
        assert self.session is not None
        return self.session

    def log_in(self, member: Member) -> None:
        self._use(self.shop.sessions.log_in(self.keep_session(), member.id))

    def log_out(self) -> None:
        if self.session is not None:
            self.shop.sessions.end(self.session.token)
        self.session = self.member = None
        self._set[SESSION_COOKIE] = ("", 0)

    def refresh(self) -> None:
        """Reads the member again, after a change."""
        self.member = self._member()

    def write_cookies(self, response: Response) -> None:
        if self._had_session and self.session is None:
            self._set.setdefault(SESSION_COOKIE, ("", 0))
        for name, (value, life_s) in self._set.items():
            response.set_cookie(
                name,
                value,
                max_age=life_s,
                path="/",
                domain=self._domain() if name == self.shop.site.cookie.name else None,
                httponly=True,
                samesite="lax",
                secure=self.request.url.scheme == "https",
            )

    def _domain(self) -> str | None:
        """Of Footfall's cookie: the collector's, lest there be two of one name."""
        domain = self.shop.site.cookie.domain
        return domain if domain and f".{self.host}".endswith(f".{domain}") else None

    def _use(self, session: Session) -> None:
        self.session = session
        self._set[SESSION_COOKIE] = (session.token, LIFE_S)
        self.member = self._member()

    def _member(self) -> Member | None:
        if self.session is None or not self.session.member_id:
            return None
        return self.shop.members.get(self.session.member_id)


def as_child(visit: Visit, child_id: str) -> Visit:
    """The visit with another profile chosen; '' : the member's own."""
    return replace(visit, profile_id=child_id)
