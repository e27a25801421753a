"""Write keys: who may send, and from where."""

from __future__ import annotations

import base64
import binascii
from functools import lru_cache
from urllib.parse import parse_qs

from ingest.collector.errors import OriginNotAllowed, UnknownWriteKey
from schemas.site import Site, WriteKey

_MAX_ORIGIN = 300
_MAX_CACHED = 1024  # characters; longer ones may be anything but usual


class WriteKeys:
    """The site's write keys and the origins its browser keys are bound to."""

    def __init__(self, site: Site) -> None:
        self._site = site
        # Few combinations are good, and those that are not raise, which is never cached.
        self._admitted = lru_cache(maxsize=1024)(self._admit)
        self._known_origins = lru_cache(maxsize=1024)(self._allows_origin)

    def admit(self, authorization: bytes, in_body: str, query: bytes, origin: bytes) -> WriteKey:
        """The key of a request: from the Authorization header, else its body, else its query.

        Raises UnknownWriteKey, and OriginNotAllowed for a browser key from an unlisted page.
        """
        if len(authorization) + len(in_body) + len(query) + len(origin) > _MAX_CACHED:
            return self._admit(authorization, in_body, query, origin)
        return self._admitted(authorization, in_body, query, origin)

    def allows_origin(self, origin: bytes) -> bool:
        """Whether the site lists this page's origin."""
        return len(origin) <= _MAX_ORIGIN and self._known_origins(origin)

    def is_key(self, text: str) -> bool:
        """Whether it is a write key, which no event shall hold."""
        return self._site.write_key(text) is not None

    def known(self, authorization: bytes, in_body: str, query: bytes) -> WriteKey:
        """The key, wherever it comes from and whoever sends it. Raises UnknownWriteKey."""
        key = self._of_header(authorization) if authorization else None
        if key is None and in_body:
            key = self._site.write_key(in_body) or self._site.key_of_app(in_body)
        if key is None:
            key = self._site.write_key(_of_query(query))
        if key is None:
            raise UnknownWriteKey(
                "no such write key: send one of the site file's `write_keys` by Basic or Bearer "
                "authorization or in the body"
            )
        return key

    def _admit(self, authorization: bytes, in_body: str, query: bytes, origin: bytes) -> WriteKey:
        key = self.known(authorization, in_body, query)
        if key.kind == "browser" and not self.allows_origin(origin):
            raise OriginNotAllowed(
                "a browser key is taken only from the site file's `origins`, not from "
                f"{origin.decode('latin-1')[:200] or 'a request without Origin'}"
            )
        return key

    def _of_header(self, authorization: bytes) -> WriteKey | None:
        scheme, _, credentials = authorization.strip().partition(b" ")
        if scheme.lower() == b"bearer":
            return self._site.write_key(credentials.strip().decode("latin-1"))
        if scheme.lower() != b"basic":
            return None
        try:
            user = base64.b64decode(credentials.strip(), validate=True).partition(b":")[0]
        except binascii.Error:
            return None
        return self._site.write_key(user.decode("latin-1"))

    def _allows_origin(self, origin: bytes) -> bool:
        return self._site.allows_origin(origin.decode("latin-1"))


def origin_of(address: bytes) -> bytes:
    """scheme://host[:port] of an address; empty for what is none."""
    scheme, colon, rest = address.partition(b"://")
    host = rest.partition(b"/")[0].partition(b"?")[0]
    return scheme + colon + host if colon and host else b""


def _of_query(query: bytes) -> str:
    if b"writeKey=" not in query:
        return ""
    return parse_qs(query.decode("latin-1")).get("writeKey", [""])[0]
