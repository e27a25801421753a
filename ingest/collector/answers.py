"""Answers of the collecting paths, with the CORS headers a listed page needs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from functools import lru_cache
from typing import Any, NamedTuple

import msgspec

from ingest.collector.errors import STATUS, RefusedRequest
from schemas.hot_http import Answer

Message = MutableMapping[str, Any]
Send = Callable[[Message], Awaitable[None]]
Headers = list[tuple[bytes, bytes]]

_JSON = (b"content-type", b"application/json")
_ALLOWED_HEADERS = b"authorization, content-type, content-encoding, anonymousid, sp-anonymous"
_PREFLIGHT_LIFE = b"600"
_OK = b'{"success": true}'
_EMPTY: Message = {"type": "http.response.body", "body": b""}
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
def _taken(status: int, origin: bytes) -> Answer:
    if status == 200:
        return Answer(200, (*cors(origin), _JSON), _OK)
    return Answer(status, tuple(cors(origin)))


def taken(status: int, origin: bytes, set_cookie: bytes = b"") -> Answer:
    """All is durable: 200 with the body Segment's clients expect, or 204."""
    answer = _taken(status, origin)
    if not set_cookie:
        return answer
    return answer._replace(headers=(*answer.headers, (b"set-cookie", set_cookie)))


def taken_as(answer: Taken, origin: bytes) -> Answer:
    """All is durable: 200 with the body that its protocol's clients expect; no cache keeps it."""
    headers = (*cors(origin), (b"content-type", answer.media), _NEVER_KEPT)
    return Answer(200, headers, answer.content)


def refusal(error: RefusedRequest, origin: bytes) -> Answer:
    """`{"code", "message"}`: several SDKs break on any other body."""
    body = msgspec.json.encode({"code": error.code, "message": str(error)})
    headers = [*cors(origin), _JSON]
    if error.retry_after_s:
        headers.append((b"retry-after", str(error.retry_after_s).encode()))
    return Answer(STATUS[type(error)], tuple(headers), body)


DOT = bytes.fromhex(
    "47494638396101000100800000000000ffffff21f90401000000002c00000000010001000002024401003b"
)
"""A transparent GIF of one by one."""
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
        (b"x-content-type-options", b"nosniff"),
        (b"cross-origin-resource-policy", b"cross-origin"),
    ]
    if set_cookie:
        headers.append((b"set-cookie", set_cookie))
    if refused:
        headers.append((b"footfall-refused", refused.encode()))
    return Answer(200, tuple(headers), DOT)


def redirect(to: str, referrer_policy: bytes, set_cookie: bytes = b"") -> Answer:
    """Onward to `to`, which is plain ASCII without control characters."""
    headers = [
        (b"location", to.encode("ascii")),
        *_NOT_EVEN_BY_OLD_CACHES,
        (b"referrer-policy", referrer_policy),
        (b"x-robots-tag", b"noindex, nofollow"),
    ]
    if set_cookie:
        headers.append((b"set-cookie", set_cookie))
    return Answer(302, tuple(headers))


def page(status: int, html: bytes) -> Answer:
    """A page for a person."""
    headers = (
        *_NOT_EVEN_BY_OLD_CACHES,
        (b"content-type", b"text/html; charset=utf-8"),
        (b"content-security-policy", b"default-src 'none'; style-src 'unsafe-inline'"),
    )
    return Answer(status, headers, html)


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
