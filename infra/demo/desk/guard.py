"""Who may use the desk: a browser or a program on this machine, and no other site's page."""

from __future__ import annotations

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from personalize_api.caller.access import is_direct_loopback

_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
        "img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}


class LoopbackOnly:
    """ASGI middleware: 403 for what is not this machine, strict headers for the rest."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_strictly(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(_HEADERS)
            await send(message)

        refusal = _refusal(scope)
        app = self._app if not refusal else JSONResponse(refusal, status_code=403)
        await app(scope, receive, send_strictly)


def _refusal(scope: Scope) -> dict[str, str]:
    client = scope.get("client")
    if not is_direct_loopback(scope["headers"], client[0] if client else None):
        return {
            "code": "loopback_only",
            "message": "the desk is for this machine only: open it as http://localhost",
        }
    if scope["method"] not in ("GET", "HEAD"):
        headers = Headers(scope=scope)
        if headers.get("origin") != f"{scope['scheme']}://{headers.get('host')}":
            return {"code": "other_origin", "message": "only the desk's own page may ask"}
    return {}


def may_run_at_once(request: Request) -> bool:
    """Whether a query in the address was brought by somebody here: typed, or opened from a shell.

    A link on another site's page can name a query too; that one waits for a click.
    """
    return request.headers.get("sec-fetch-site") in ("none", "same-origin")
