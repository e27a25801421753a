"""Which pages of other origins may read an answer: those of `origins` in the site file."""

from __future__ import annotations

from personalize_api.caller.access import ALLOWED_HEADERS, Headers
from schemas.site import Site

HeaderList = list[tuple[bytes, bytes]]

VARY = (
    b"vary",
    b"origin, authorization, footfall-user-token, cookie, user-agent, sec-gpc, dnt",
)
"""Everything in a request's head that a decision may depend on."""

_READABLE = b", ".join(
    (
        *(b"etag", b"retry-after", b"footfall-variant", b"footfall-cache-key"),
        *(b"footfall-decision", b"footfall-anonymous-id"),
    )
)


def cors(
    site: Site, headers: Headers, *, preflight: bool = False, methods: bytes = b"GET, POST"
) -> HeaderList:
    """A page of a listed origin may read the answer, with its cookie sent along.

    The answer varies by origin, which is the caller's to say (`VARY`).
    """
    origin = headers.get(b"origin")
    if origin is None or not site.allows_origin(origin.decode("latin-1")):
        return []
    allowed = [
        (b"access-control-allow-origin", origin),
        (b"access-control-allow-credentials", b"true"),
        (b"access-control-expose-headers", _READABLE),
    ]
    if preflight:
        allowed += [
            (b"access-control-allow-methods", methods),
            (b"access-control-allow-headers", ALLOWED_HEADERS),
            (b"access-control-max-age", b"600"),
        ]
    return allowed
