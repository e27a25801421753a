"""A request of the hot paths as it comes: read whole and bounded."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from personalize_api.caller.access import Headers
from personalize_api.decision.arrival import MAX_BODY_BYTES, Arrival, read_body, read_query
from personalize_api.errors import InvalidInput, MethodRefused, TooLarge

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


def read_arrival(scope: Scope, headers: Headers, body: bytes) -> Arrival:
    """Raises TooLarge, InvalidInput."""
    if scope["method"] == "HEAD":
        return read_query(scope["query_string"], headers)
    return read_body(body) if has_text(body) else read_query(scope["query_string"])


def has_text(body: bytes) -> bool:
    """Whether there is anything but space."""
    return bool(body) and not body.isspace()


async def body_of(scope: Scope, receive: Receive) -> bytes:
    """Of a POST; b'' of others, which are not read.

    Raises MethodRefused, TooLarge, InvalidInput.
    """
    if scope["method"] in ("GET", "HEAD"):
        return b""
    if scope["method"] != "POST":
        raise MethodRefused("ask with GET, HEAD or POST")
    body = b""
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise InvalidInput("the request ended before its body did")
        body += message.get("body", b"")
        more = message.get("more_body", False)
        if len(body) > MAX_BODY_BYTES:
            raise TooLarge(f"the body is longer than {MAX_BODY_BYTES} bytes")
    return body
