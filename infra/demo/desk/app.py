"""The desk's pages: the editor, what it asks, and which tables there are."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

import jinja2
import msgspec
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from infra.clickhouse_http import ClickHouseAway, QueryRefused
from infra.demo.desk import answers, questions
from infra.demo.desk.guard import LoopbackOnly, may_run_at_once
from schemas.settings import Ports, Settings

_HERE = Path(__file__).parent
_FILES = ("desk.css", "desk.js", "editor.js", "result.js")
_MAX_QUERY = 64 << 10
_MAX_ADDRESS_QUERY = 8 << 10

Handler = Callable[[Request], Awaitable[Response]]


def create_app(settings: Settings) -> Starlette:
    """The ASGI application. It answers this machine only; ClickHouse may come later than it."""
    template = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_HERE), autoescape=True, undefined=jinja2.StrictUndefined
    ).get_template("desk.html")
    groups = questions.load()

    async def page(request: Request) -> Response:
        asked = request.query_params.get("q", "")[:_MAX_ADDRESS_QUERY].strip()
        html = template.render(
            groups=groups,
            query=asked or groups[0].questions[0].query,
            run=not asked or may_run_at_once(request),
            environment=shell_environment(settings),
            live=f"http://{request.url.hostname}:{settings.ports.personalize}/ops",
            max_rows=f"{answers.MAX_ROWS:,}",
            time_limit_s=answers.TIME_LIMIT_S,
        )
        return HTMLResponse(html)

    async def query(request: Request) -> Response:
        text = await _text(request)
        if text is None:
            return _error(413, "too_large", f"A query may have {_MAX_QUERY >> 10} KB.")
        if not text.strip():
            return _error(400, "empty", "There is no query yet.")
        return _json(await run_in_threadpool(answers.ask, settings, text))

    async def tables(request: Request) -> Response:
        return _json(await run_in_threadpool(answers.tables, settings))

    async def health(request: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def ready(request: Request) -> Response:
        missing = await run_in_threadpool(answers.waits_for, settings)
        body = {"ready": not missing, "waits_for": missing}
        return JSONResponse(body, status_code=503 if missing else 200)

    routes = [
        Route("/", page),
        Route("/query", query, methods=["POST"]),
        Route("/tables", tables),
        Route("/health", health),
        Route("/ready", ready),
        *(Route(f"/{name}", _file(name)) for name in _FILES),
    ]
    return Starlette(
        routes=routes,
        middleware=[Middleware(LoopbackOnly)],
        exception_handlers={QueryRefused: _refused, answers.NotATable: _not_a_table},
    )


def shell_environment(settings: Settings) -> str:
    """What stands before `footfall sql` on a command line so that it asks the same ClickHouse."""
    offset = settings.ports.desk - Ports.with_offset(0).desk
    own = Settings.from_environment({"FOOTFALL_PORT_OFFSET": str(offset)})
    if settings.clickhouse_http_url != own.clickhouse_http_url:
        return f"FOOTFALL_CLICKHOUSE_HTTP_URL={settings.clickhouse_http_url}"
    return f"FOOTFALL_PORT_OFFSET={offset}" if offset else ""


def _file(name: str) -> Handler:
    async def serve(request: Request) -> Response:
        return FileResponse(_HERE / name)

    return serve


async def _text(request: Request) -> str | None:
    """The request's body; None where it is too large."""
    body = b""
    async for piece in request.stream():
        body += piece
        if len(body) > _MAX_QUERY:
            return None
    return body.decode(errors="replace")


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, QueryRefused)
    if isinstance(error, ClickHouseAway):
        return _error(503, "clickhouse_away", answers.in_plain_words(error))
    return _error(400, "query_refused", answers.in_plain_words(error), str(error))


async def _not_a_table(request: Request, error: Exception) -> Response:
    return _error(400, "not_a_table", str(error))


def _error(status: int, code: str, message: str, detail: str = "") -> Response:
    body = {"code": code, "message": message, "detail": detail}
    return JSONResponse(body, status_code=status)


def _json(value: object) -> Response:
    return Response(msgspec.json.encode(value), media_type="application/json")
