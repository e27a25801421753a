"""The bytes of a request: read with a bound, unpacked with a bound."""

from __future__ import annotations

import zlib
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any

from ingest.collector.errors import ClientGone, MalformedBody, TooLarge, UnsupportedEncoding
from schemas.event import MAX_REQUEST_BYTES

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]

_GZIP_MAGIC = b"\x1f\x8b"
_GZIP_WINDOW = 31
_FEW_DIGITS = len(str(MAX_REQUEST_BYTES)) - 1
_BOUND = f"a request has at most {MAX_REQUEST_BYTES} bytes"
_PLAIN = (b"", b"identity", b"gzip", b"x-gzip")


async def read(receive: Receive, headers: Mapping[bytes, bytes]) -> bytes:
    """The body as it comes, at most 1 MB of it.

    Raises TooLarge without having buffered more than the bound, ClientGone.
    """
    length = headers.get(b"content-length", b"")
    if len(length) > _FEW_DIGITS and length.isdigit() and int(length) > MAX_REQUEST_BYTES:
        raise TooLarge(_BOUND)
    message = await receive()
    if message["type"] == "http.disconnect":
        raise ClientGone
    body: bytes = message.get("body", b"")
    if message.get("more_body"):
        body = await _rest(receive, body)
    if len(body) > MAX_REQUEST_BYTES:
        raise TooLarge(_BOUND)
    return body


def unpacked(body: bytes, headers: Mapping[bytes, bytes]) -> bytes:
    """The body as the sender meant it, at most 1 MB of it.

    Gzip is recognized by its first two bytes, because several SDKs send it without saying so.
    Raises TooLarge, MalformedBody, UnsupportedEncoding.
    """
    if body[:2] == _GZIP_MAGIC:
        return unzip(body)
    encoding = headers.get(b"content-encoding")
    if encoding and encoding.strip().lower() not in _PLAIN:
        raise UnsupportedEncoding("a body is plain or gzip")
    return body


def unzip(packed: bytes) -> bytes:
    """Raises TooLarge as soon as it unpacks to more than 1 MB, MalformedBody if it is damaged."""
    inflate = zlib.decompressobj(_GZIP_WINDOW)
    try:
        body = inflate.decompress(packed, MAX_REQUEST_BYTES + 1)
    except zlib.error as error:
        raise MalformedBody(f"not a gzip body: {error}") from error
    if len(body) > MAX_REQUEST_BYTES:
        raise TooLarge(f"a request unpacks to at most {MAX_REQUEST_BYTES} bytes")
    if not inflate.eof or inflate.unused_data:
        raise MalformedBody("the gzip body is cut off or has something behind it")
    return body


async def _rest(receive: Receive, body: bytes) -> bytes:
    parts, size = [body], len(body)
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > MAX_REQUEST_BYTES:
            raise TooLarge(_BOUND)
        more = message.get("more_body", False)
    return b"".join(parts)
