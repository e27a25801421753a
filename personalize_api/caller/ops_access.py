"""Who may see the live page: `/ops`, `/v1/live`, live funnels, experiments and alerts.

A direct caller on this machine; whoever shows the admin token, as Bearer or as Basic's password;
a browser that has logged in with it (a wall screen must survive a restart, and no token belongs
into a URL); everybody where FOOTFALL_OPS_ACCESS=open says so.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import ipaddress
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from http.cookies import CookieError, SimpleCookie
from urllib.parse import urlsplit

from personalize_api.caller.access import (
    Headers,
    bearer,
    is_direct_loopback,
    require_admin,
    require_operator,
)
from personalize_api.errors import AdminOnly, ForeignForm, TooManyAttempts
from schemas.settings import Settings

COOKIE = "ff_ops"
SESSION_S = 90 * 86_400
_RENEW_S = 86_400  # a page loaded on another day starts the time anew

_BURST = 20
_ONE_MORE_EVERY_S = 3.0
_MAX_ADDRESSES = 10_000

Pairs = Iterable[tuple[bytes, bytes]]


class Attempts:
    """Wrong tokens an address may still show: a bucket that fills slowly.

    While it is empty no token of that address is looked at, the right one neither: else guessing
    would go on at full speed. A session that is there goes on.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()  # (left, at)

    def require(self, client: str | None) -> None:
        """Raises TooManyAttempts."""
        if self._now(_group(client)) < 1:
            raise TooManyAttempts("too many wrong tokens from this address; wait some seconds")

    def failed(self, client: str | None) -> None:
        group = _group(client)
        self._left[group] = (self._now(group) - 1, self._clock())
        self._left.move_to_end(group)
        if len(self._left) > _MAX_ADDRESSES:
            self._left.popitem(last=False)

    def _now(self, group: str) -> float:
        left, at = self._left.get(group, (float(_BURST), self._clock()))
        return min(_BURST, left + (self._clock() - at) / _ONE_MORE_EVERY_S)


class OpsAccess:
    """Must be used in one event loop."""

    def __init__(
        self,
        settings: Settings,
        now: Callable[[], float] = time.time,
        attempts: Attempts | None = None,
    ) -> None:
        self._settings = settings
        self._now = now
        self._attempts = attempts or Attempts()

    def require(self, headers: Pairs, client: str | None) -> None:
        """Raises AdminOnly, TooManyAttempts."""
        pairs = list(headers)
        if self.is_let_in(pairs, client):
            return
        self._try(pairs, client)

    def require_admin(self, headers: Pairs, client: str | None) -> None:
        """For administration: the token itself, as Bearer, from wherever and whoever else it is.

        Raises AdminOnly, TooManyAttempts.
        """
        mapping = dict(headers)
        shown = b"authorization" in mapping
        if shown:
            self._attempts.require(client)
        try:
            require_admin(mapping, self._settings)
        except AdminOnly:
            if shown:
                self._attempts.failed(client)
            raise

    def is_let_in(self, headers: Pairs, client: str | None) -> bool:
        """Whether the caller is in without a token: by setting, from this machine, or logged in."""
        pairs = list(headers)
        return (
            self._settings.ops_access == "open"
            or is_direct_loopback(pairs, client)
            or self._session_ends(pairs) > self._now()
        )

    def log_in(self, headers: Pairs, client: str | None, token: str) -> str:
        """The cookie of a new session, as Set-Cookie has it. The form must be of our own page.

        Raises ForeignForm, AdminOnly, TooManyAttempts.
        """
        mapping = dict(headers)
        require_own_form(mapping.items())
        shown = b"Bearer " + token.encode("latin-1", "replace")  # as a header would have it
        self._try([(b"authorization", shown)], client)
        return self._cookie(mapping)

    def renewal(self, headers: Pairs) -> str | None:
        """The cookie anew, for a session that is older than a day."""
        pairs = list(headers)
        left = self._session_ends(pairs) - self._now()
        return self._cookie(dict(pairs)) if 0 < left < SESSION_S - _RENEW_S else None

    def _try(self, pairs: list[tuple[bytes, bytes]], client: str | None) -> None:
        mapping = dict(pairs)
        shown = bool(bearer(mapping)) or b"authorization" in mapping
        if shown:
            self._attempts.require(client)
        try:
            require_operator(pairs, None, self._settings)
        except AdminOnly:
            if shown:
                self._attempts.failed(client)
            raise

    def _cookie(self, headers: Headers) -> str:
        ends = str(int(self._now()) + SESSION_S)
        parts = [f"{COOKIE}={ends}.{self._signature(ends)}", "Path=/", f"Max-Age={SESSION_S}"]
        parts += ["HttpOnly", "SameSite=Strict"]
        if headers.get(b"origin", headers.get(b"referer", b"")).startswith(b"https://"):
            parts.append("Secure")
        return "; ".join(parts)

    def _session_ends(self, pairs: Pairs) -> float:
        """Seconds since 1970; 0 where there is no session of ours."""
        if not self._settings.admin_token:
            return 0
        for name, value in pairs:
            if name != b"cookie":
                continue
            for shown in _cookies(value):
                ends, _, signature = shown.partition(".")
                if hmac.compare_digest(signature.encode(), self._signature(ends).encode()):
                    return int(ends)
        return 0

    def _signature(self, ends: str) -> str:
        """Another secret or admin token ends every session."""
        secrets = f"{self._settings.secret_key}\0{self._settings.admin_token}".encode()
        key = hashlib.sha256(b"footfall ops session\0" + secrets).digest()
        signature = hmac.digest(key, ends.encode(), "sha256")
        return base64.urlsafe_b64encode(signature).decode().rstrip("=")


LOG_OUT = f"{COOKIE}=; Path=/; Max-Age=0; HttpOnly; SameSite=Strict"


def _cookies(header: bytes) -> list[str]:
    try:
        cookies = SimpleCookie(header.decode("latin-1"))
    except CookieError:
        return []
    return [cookies[COOKIE].value] if COOKIE in cookies else []


def require_own_form(pairs: Pairs) -> None:
    """A page of another site must log nobody in or out. Browsers say where a form was sent from;
    `Sec-Fetch-Site` holds also where a proxy has changed Host. Raises ForeignForm.
    """
    headers = dict(pairs)
    site = headers.get(b"sec-fetch-site")
    if site is not None:
        own = site == b"same-origin"
    else:
        origin = urlsplit(headers.get(b"origin", b"").decode("latin-1"))
        own = bool(origin.netloc) and origin.netloc == headers.get(b"host", b"").decode("latin-1")
    if not own:
        raise ForeignForm("use the page /ops/login of this server itself")


def _group(client: str | None) -> str:
    """An IPv6 network of 64 bits is one caller: whoever has one address there has them all."""
    try:
        address = ipaddress.ip_address(client or "")
    except ValueError:
        return ""
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is None:
        return str(ipaddress.ip_network((address, 64), strict=False))
    return str(address)
