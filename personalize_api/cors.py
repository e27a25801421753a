"""Which pages of other origins may read an answer: those of `origins` in the site file."""

from __future__ import annotations

from personalize_api.access import ALLOWED_HEADERS, Headers
from schemas.site import Site

HeaderList = list[tuple[bytes, bytes]]


def cors(
    site: Site, headers: Headers, *, preflight: bool = False, methods: bytes = b"GET, POST"
) -> HeaderList:
    """A page of a listed origin may read the answer, with its cookie sent along."""
    origin = headers.get(b"origin")
    if origin is None:
        return []
    vary = [(b"vary", b"origin")]
    if not site.allows_origin(origin.decode("latin-1")):
        return vary
    allowed = [
        *vary,
        (b"access-control-allow-origin", origin),
        (b"access-control-allow-credentials", b"true"),
        (b"access-control-expose-headers", b"etag, retry-after"),
    ]
    if preflight:
        allowed += [
            (b"access-control-allow-methods", methods),
            (b"access-control-allow-headers", ALLOWED_HEADERS),
            (b"access-control-max-age", b"600"),
        ]
    return allowed
