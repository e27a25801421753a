"""Routes that pages of listed origins may call: their preflight, and errors that they may read."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from fastapi import Request, Response

from personalize_api.caller.cors import HeaderList, cors
from personalize_api.decision.arrival import MAX_BODY_BYTES
from personalize_api.errors import PersonalizeError, TooLarge
from schemas.site import Site


async def answer(request: Request, site: Site, make: Callable[[], Awaitable[Response]]) -> Response:
    """What `make` answers or raises, readable for the page that asked."""
    try:
        made = await make()
    except PersonalizeError as error:
        made = Response(error.body(), error.status, dict(error.headers), "application/json")
    made.headers.setdefault("Cache-Control", "no-store")
    return _with(made, cors(site, dict(request.headers.raw)))


def preflight(request: Request, site: Site, methods: bytes) -> Response:
    headers = cors(site, dict(request.headers.raw), preflight=True, methods=methods)
    return _with(Response(status_code=204), headers)


async def body_of(request: Request) -> bytes:
    """Raises TooLarge."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            raise TooLarge(f"the body is longer than {MAX_BODY_BYTES} bytes")
    return body


def _with(response: Response, headers: HeaderList) -> Response:
    response.raw_headers.extend(headers)
    return response
