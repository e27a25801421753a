"""Raw ASGI answers, with the CORS headers a listed page needs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from functools import lru_cache
from typing import Any, NamedTuple

import msgspec

from ingest.collector.errors import RETRY_AFTER_S, STATUS, RefusedRequest, Unavailable

Message = MutableMapping[str, Any]
Send = Callable[[Message], Awaitable[None]]
Headers = list[tuple[bytes, bytes]]
Answer = tuple[Message, Message]

_JSON = (b"content-type", b"application/json")
_ALLOWED_HEADERS = b"authorization, content-type, content-encoding, anonymousid, sp-anonymous"
_PREFLIGHT_LIFE = b"600"
_OK = b'{"success": true}'
_EMPTY: Message = {"type": "http.response.body", "body": b""}
_OK_BODY: Message = {"type": "http.response.body", "body": _OK}
_NEVER_KEPT = (b"cache-control", b"no-store")


class Taken(NamedTuple):
    """What a protocol's clients expect of a 200, where it is not Segment's."""

    content: bytes
    media: bytes = b"application/json"


def cors(origin: bytes) -> Headers:
    """For an origin the site lists, '' for any other. Echoed, because credentials forbid `*`."""
    if not origin:
        return []
    return [
        (b"access-control-allow-origin", origin),
        (b"access-control-allow-credentials", b"true"),
    ]


@lru_cache(maxsize=1024)
def _start(status: int, origin: bytes) -> Message:
    headers = cors(origin)
    if status == 200:
        headers += [_JSON, (b"content-length", str(len(_OK)).encode())]
    return {"type": "http.response.start", "status": status, "headers": headers}


def taken(status: int, origin: bytes, set_cookie: bytes = b"") -> tuple[Message, Message]:
    """All is durable: 200 with the body Segment's clients expect, or 204."""
    start = _start(status, origin)
    if set_cookie:
        start = {**start, "headers": [*start["headers"], (b"set-cookie", set_cookie)]}
    return start, _OK_BODY if status == 200 else _EMPTY


def taken_as(answer: Taken, origin: bytes) -> tuple[Message, Message]:
    """All is durable: 200 with the body that its protocol's clients expect; no cache keeps it."""
    headers = [*cors(origin), (b"content-type", answer.media), _NEVER_KEPT]
    headers.append((b"content-length", str(len(answer.content)).encode()))
    start = {"type": "http.response.start", "status": 200, "headers": headers}
    return start, {"type": "http.response.body", "body": answer.content}


def refusal(error: RefusedRequest, origin: bytes) -> tuple[Message, Message]:
    """`{"code", "message"}`: several SDKs break on any other body."""
    body = msgspec.json.encode({"code": error.code, "message": str(error)})
    headers = [*cors(origin), _JSON, (b"content-length", str(len(body)).encode())]
    if isinstance(error, Unavailable):
        headers.append((b"retry-after", str(RETRY_AFTER_S).encode()))
    start = {"type": "http.response.start", "status": STATUS[type(error)], "headers": headers}
    return start, {"type": "http.response.body", "body": body}


_GIF = bytes.fromhex(
    "47494638396101000100800000000000ffffff21f90401000000002c00000000010001000002024401003b"
)
_NOT_EVEN_BY_OLD_CACHES: Headers = [
    (b"cache-control", b"no-store, no-cache, must-revalidate, private, max-age=0"),
    (b"pragma", b"no-cache"),
    (b"expires", b"Thu, 01 Jan 1970 00:00:00 GMT"),
]


def image(origin: bytes, set_cookie: bytes = b"", refused: str = "") -> Answer:
    """One transparent dot. `refused`: the code of why nothing was taken, for who looks closely."""
    headers = [
        *cors(origin),
        *_NOT_EVEN_BY_OLD_CACHES,
        (b"content-type", b"image/gif"),
        (b"content-length", str(len(_GIF)).encode()),
        (b"x-content-type-options", b"nosniff"),
        (b"cross-origin-resource-policy", b"cross-origin"),
    ]
    if set_cookie:
        headers.append((b"set-cookie", set_cookie))
    if refused:
        headers.append((b"footfall-refused", refused.encode()))
    start = {"type": "http.response.start", "status": 200, "headers": headers}
    return start, {"type": "http.response.body", "body": _GIF}


def redirect(to: str, referrer_policy: bytes, set_cookie: bytes = b"") -> Answer:
    """Onward to `to`, which is plain ASCII without control characters."""
    headers = [
        (b"location", to.encode("ascii")),
        *_NOT_EVEN_BY_OLD_CACHES,
        (b"referrer-policy", referrer_policy),
        (b"x-robots-tag", b"noindex, nofollow"),
        (b"content-length", b"0"),
    ]
    if set_cookie:
        headers.append((b"set-cookie", set_cookie))
    return {"type": "http.response.start", "status": 302, "headers": headers}, _EMPTY


def page(status: int, html: bytes) -> Answer:
    """A page for a person."""
    headers = [
        *_NOT_EVEN_BY_OLD_CACHES,
        (b"content-type", b"text/html; charset=utf-8"),
        (b"content-security-policy", b"default-src 'none'; style-src 'unsafe-inline'"),
        (b"content-length", str(len(html)).encode()),
    ]
    start = {"type": "http.response.start", "status": status, "headers": headers}
    return start, {"type": "http.response.body", "body": html}


async def preflight(send: Send, origin: bytes) -> None:
    headers = cors(origin)
    if origin:
        headers += [
            (b"access-control-allow-methods", b"GET, POST, OPTIONS"),
            (b"access-control-allow-headers", _ALLOWED_HEADERS),
            (b"access-control-max-age", _PREFLIGHT_LIFE),
        ]
    await send({"type": "http.response.start", "status": 204, "headers": headers})
    await send(_EMPTY)


async def file(send: Send, body: bytes, headers: Headers, status: int = 200) -> None:
    length = [(b"content-length", str(len(body)).encode())] if status != 304 else []
    await send({"type": "http.response.start", "status": status, "headers": [*headers, *length]})
    await send({"type": "http.response.body", "body": body})
