"""Who is calling, and what that caller may ask (contract.md section 4, "Who may ask")."""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Iterable, Mapping
from typing import Literal

import msgspec

from personalize_api.errors import AdminOnly, OriginRefused, UnknownKey
from schemas.settings import Settings
from schemas.site import Site

LOOPBACK = frozenset({"127.0.0.1", "::1", "::ffff:127.0.0.1"})
_LOOPBACK_NAMES = LOOPBACK | {"localhost"}

_FORWARDING_HEADERS = frozenset(
    {b"forwarded", b"via", b"x-real-ip", b"x-client-ip", b"x-cluster-client-ip"}
    | {b"cf-connecting-ip", b"true-client-ip", b"fastly-client-ip", b"x-envoy-external-address"}
)

ALLOWED_HEADERS = b"authorization, content-type, footfall-user-token, if-none-match"
"""What a page of a listed origin may send beside its cookie."""

Headers = Mapping[bytes, bytes]
"""Names in lower case, as ASGI gives them; of a repeated header the last."""


class Caller(msgspec.Struct, frozen=True):
    """`server` may speak for any visitor, `browser` for its own device, `none` is anonymous."""

    kind: Literal["server", "browser", "none"]
    origin: str = ""  # the listed origin of the calling page


_ANONYMOUS = Caller("none")
_SERVER = Caller("server")


def identify(headers: Headers, site: Site) -> Caller:
    """Raises UnknownKey, OriginRefused."""
    origin = headers.get(b"origin", b"").decode("latin-1")
    listed = origin if origin and site.allows_origin(origin) else ""
    given = bearer(headers)
    if not given:
        return Caller("none", listed) if listed else _ANONYMOUS
    key = site.write_key(given)
    if key is None:
        raise UnknownKey("this key is not among `write_keys` of the site file")
    if key.kind == "server":
        return _SERVER
    if not listed:
        raise OriginRefused(
            f"a browser key is taken only from `origins` of the site file, not from "
            f"{origin[:200] or 'a request without Origin (use POST)'!r}"
        )
    return Caller("browser", listed)


def bearer(headers: Headers) -> str:
    """The token of `Authorization: Bearer`, '' where there is none."""
    scheme, _, token = headers.get(b"authorization", b"").decode("latin-1").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def require_admin(headers: Headers, settings: Settings) -> None:
    """Raises AdminOnly unless the caller shows FOOTFALL_ADMIN_TOKEN as Bearer."""
    _require(bearer(headers), settings)


def require_operator(
    headers: Iterable[tuple[bytes, bytes]], client: str | None, settings: Settings
) -> None:
    """Raises AdminOnly unless the caller is direct on loopback, or shows the admin token.

    Here the token may also be the password of Basic, since that is what a browser can send with
    a page and its event stream; these pages only read, so a forged request changes nothing.
    """
    pairs = list(headers)
    if is_direct_loopback(pairs, client):
        return
    mapping = dict(pairs)
    _require(bearer(mapping) or _basic_password(mapping), settings)


def is_direct_loopback(headers: Iterable[tuple[bytes, bytes]], client: str | None) -> bool:
    """Whether the caller is this machine itself and not a proxy on it.

    The Host must name loopback too: else a page whose name was rebound to 127.0.0.1 could read.
    """
    if client not in LOOPBACK:
        return False
    host = b""
    for name, value in headers:
        if name in _FORWARDING_HEADERS or name.startswith(b"x-forwarded"):
            return False
        if name == b"host":
            host = value
    return _host_name(host.decode("latin-1")) in _LOOPBACK_NAMES


def _host_name(host: str) -> str:
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0].lower()


def _require(token: str, settings: Settings) -> None:
    if not settings.admin_token:
        raise AdminOnly("set FOOTFALL_ADMIN_TOKEN and send it as Authorization: Bearer")
    if not hmac.compare_digest(token.encode(), settings.admin_token.encode()):
        raise AdminOnly("send FOOTFALL_ADMIN_TOKEN as Authorization: Bearer")


def _basic_password(headers: Headers) -> str:
    scheme, _, coded = headers.get(b"authorization", b"").decode("latin-1").partition(" ")
    if scheme.lower() != "basic":
        return ""
    try:
        return base64.b64decode(coded, validate=True).decode().partition(":")[2]
    except (binascii.Error, ValueError):
        return ""
