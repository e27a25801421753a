"""The pages: `/ops`, the live page for ops, its login, and `/docs`. All they load is ours."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from urllib.parse import parse_qs

from fastapi import APIRouter, Request, Response

from personalize_api.caller.ops_access import LOG_OUT, require_own_form
from personalize_api.errors import AccessDenied, AdminOnly, InvalidInput, NotThere, TooLarge
from personalize_api.routes.room import OpenRoom, client_of

router = APIRouter()

_FILES = Path(__file__).parent.parent / "ops"
_TYPES = {
    ".html": "text/html",
    ".css": "text/css",
    ".js": "text/javascript",
    ".woff2": "font/woff2",
}
_SECURITY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; "
    "connect-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'"
)
_HEADERS = {
    "Content-Security-Policy": _SECURITY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",  # with none, browsers do not say where a form comes from
    "Cache-Control": "no-cache",
}
_MAX_FORM_BYTES = 4096
_SAID = b"<!-- said -->"


@router.get("/ops", summary="The live page for ops", tags=["live"])
async def ops(request: Request, room: OpenRoom) -> Response:
    """A browser that may not see it is led to the login."""
    headers = request.headers.raw
    try:
        room.ops.require(headers, client_of(request))
    except AdminOnly:
        if "text/html" not in request.headers.get("accept", ""):
            raise
        return _see("/ops/login")
    page = _page("ops.html")
    if renewed := room.ops.renewal(headers):
        page.headers["Set-Cookie"] = renewed
    return page


@router.get("/docs", include_in_schema=False)
async def docs() -> Response:
    return _page("docs.html")


@router.get("/ops/login", include_in_schema=False)
async def login_page(request: Request, room: OpenRoom) -> Response:
    if room.ops.is_let_in(request.headers.raw, client_of(request)):
        return _see("/ops")
    if not room.settings.admin_token:
        return _login("This server has no admin token yet: set FOOTFALL_ADMIN_TOKEN.", 200)
    return _login("", 200)


@router.post("/ops/login", include_in_schema=False)
async def log_in(request: Request, room: OpenRoom) -> Response:
    token = (await _form(request)).get("token", [""])[0]
    try:
        cookie = room.ops.log_in(request.headers.raw, client_of(request), token)
    except AdminOnly:
        return _login("This is not the admin token.", 401)
    except AccessDenied as error:
        return _login(f"Not let in: {error.message}.", error.status)
    answer = _see("/ops")
    answer.headers["Set-Cookie"] = cookie
    return answer


@router.post("/ops/logout", include_in_schema=False)
async def log_out(request: Request) -> Response:
    require_own_form(request.headers.raw)
    answer = _see("/ops/login")
    answer.headers["Set-Cookie"] = LOG_OUT
    return answer


@router.get("/ops/{path:path}", include_in_schema=False)
async def page_file(path: str) -> Response:
    """Styles, scripts and the typeface, which say nothing about anybody."""
    if not path:
        return _see("/ops")
    if path not in _assets():
        raise NotThere(f"there is nothing at /ops/{path[:100]}")
    return _page(path)


async def _form(request: Request) -> dict[str, list[str]]:
    """Raises TooLarge, InvalidInput."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > _MAX_FORM_BYTES:
            raise TooLarge("this form holds one token")
    try:
        return parse_qs(body.decode(), max_num_fields=4)
    except ValueError as error:
        raise InvalidInput("not a form") from error


def _see(path: str) -> Response:
    headers = {"Location": path, "Cache-Control": "no-store"}
    return Response(status_code=303, headers=headers)


def _login(said: str, status: int) -> Response:
    """`said` is ours: it becomes markup as it is."""
    line = f'<p class="said" role="alert">{said}</p>' if said else ""
    body = _content("login.html").replace(_SAID, line.encode())
    headers = {**_HEADERS, "Cache-Control": "no-store"}
    return Response(body, status, headers=headers, media_type="text/html")


@cache
def _assets() -> frozenset[str]:
    return frozenset(
        path.relative_to(_FILES).as_posix()
        for path in _FILES.rglob("*")
        if path.suffix in _TYPES and path.suffix != ".html"
    )


@cache
def _content(name: str) -> bytes:
    return (_FILES / name).read_bytes()


def _page(name: str) -> Response:
    return Response(_content(name), headers=_HEADERS, media_type=_TYPES[Path(name).suffix])
