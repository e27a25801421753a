"""The hot routes of a service, answered below ASGI (infra/decisions/0026).

uvicorn makes of each request a scope, a cycle, a task and two awaits, and writes the head and the
body of the answer by a system call each. Here a plain request of a hot route goes from the parser
to its handler at once, and its answer to the socket in one piece. Whatever is not plain (`_plain`)
goes uvicorn's own way to the application, which must answer the same: a body in chunks, a long one,
`Expect`, a request that came before the last one was answered, HEAD, HTTP/1.0, a slow reader.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping, MutableMapping
from functools import lru_cache, partial
from typing import Any, ClassVar, NamedTuple

from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import (
    HEADER_RE,
    HEADER_VALUE_RE,
    STATUS_LINE,
    HttpToolsProtocol,
)
from uvicorn.server import ServerState

MAX_BODY_BYTES = 64 * 1024
"""Longer bodies go uvicorn's way, which stops reading while nobody takes what came."""

MAX_HEAD_BYTES = 64 * 1024
"""Of a request line and headers that come in several reads; uvicorn would keep them without end."""

_BODILESS = (204, 304)

Scope = MutableMapping[str, Any]
Headers = dict[bytes, bytes]
HeaderList = tuple[tuple[bytes, bytes], ...]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


class Answer(NamedTuple):
    """A whole response. `content-length` is not among the headers: it is the body's.

    204 and 304 have no body.
    """

    status: int
    headers: HeaderList = ()
    body: bytes = b""


class Waiting(NamedTuple):
    """The answer is `then(future)` as soon as the future is done."""

    future: asyncio.Future[Any]
    then: Callable[[asyncio.Future[Any]], Answer]


Handled = Answer | Waiting | Coroutine[Any, Any, Answer]
Handler = Callable[[Scope, Headers, bytes], Handled]
"""Answers a request: its scope, its headers (of repeated ones the last), its whole body.

The scope is an ASGI scope with `method`, `path`, `query_string`, `headers`, `client` and `scheme`.
"""
Routes = Mapping[bytes, Handler]
"""By method and path as they stand in the request: b'GET /v1/homepage'. May change at any time."""


async def finish(handled: Handled) -> Answer:
    """What a handler has begun, for a request that came by ASGI."""
    if isinstance(handled, Answer):
        return handled
    if isinstance(handled, Waiting):
        await asyncio.wait((handled.future,))
        return handled.then(handled.future)
    return await handled


async def send_answer(send: Send, answer: Answer) -> None:
    """The same bytes by ASGI."""
    status, headers, body = answer
    head = list(headers)
    if status not in _BODILESS:
        head.append((b"content-length", b"%d" % len(body)))
    await send({"type": "http.response.start", "status": status, "headers": head})
    await send({"type": "http.response.body", "body": body})


def hot_protocol(routes: Routes) -> type[asyncio.Protocol]:
    """For `uvicorn.Config(http=...)`: uvicorn's own protocol, with these routes taken out."""
    return type("HotProtocol", (_HotProtocol,), {"routes": routes})


_NOBODY_WAITS = asyncio.Event()


class _Exchange:
    """A plain request and its answer; uvicorn's part of a connection sees it as its cycle."""

    __slots__ = (
        *("body", "disconnected", "handler", "headers", "keep_alive"),
        *("message_event", "response_complete", "scope"),
    )

    def __init__(self, scope: Scope, headers: Headers, handler: Handler, *, keep_alive: bool):
        self.scope = scope
        self.headers = headers
        self.handler = handler
        self.keep_alive = keep_alive
        self.body = bytearray()
        self.response_complete = False
        self.disconnected = False
        self.message_event = _NOBODY_WAITS


class _HotProtocol(HttpToolsProtocol):
    """One connection."""

    routes: ClassVar[Routes] = {}

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._routes = self.routes
        self._in_head, self._head_bytes = False, 0
        self._exchange: _Exchange | None = None  # the one whose request is coming in
        if self.limit_concurrency or self.root_path or config.access_log:
            self._routes = {}  # what is not done here
        self._defaults: tuple[list[tuple[bytes, bytes]], bytes] = ([], b"")

    def data_received(self, data: bytes) -> None:
        if self._in_head:
            self._head_bytes += len(data)
            if self._head_bytes > MAX_HEAD_BYTES:
                self.transport.write(_HEAD_TOO_LARGE)
                self.transport.close()
                return
        super().data_received(data)

    def on_message_begin(self) -> None:
        self._in_head, self._head_bytes = True, 0
        self._exchange = None
        self.url = b""
        self.headers = []
        self.expect_100_continue = False

    def on_headers_complete(self) -> None:
        self._in_head = False
        self._exchange = self._plain()
        if self._exchange is not None:
            self.cycle = self._exchange  # type: ignore[assignment]
            return
        url, headers, expects = self.url, self.headers, self.expect_100_continue
        super().on_message_begin()
        self.url, self.expect_100_continue = url, expects
        self.headers = self.scope["headers"] = headers
        super().on_headers_complete()

    def _plain(self) -> _Exchange | None:
        """The request, where it is one that may be answered here."""
        method, (path, _, query) = self.parser.get_method(), self.url.partition(b"?")
        handler = self._routes.get(method + b" " + path)
        if handler is None or (self.cycle is not None and not self.cycle.response_complete):
            return None
        headers = dict(self.headers)
        length = headers.get(b"content-length")
        if length is not None and (method == b"GET" or not _is_short(length)):
            return None
        if b"transfer-encoding" in headers or b"upgrade" in headers or self.expect_100_continue:
            return None
        if b"#" in query or self.parser.get_http_version() != "1.1":
            return None
        if self.flow.write_paused:
            return None
        scope: Scope = {
            "type": "http",
            "method": method.decode(),
            "path": path.decode(),
            "query_string": query,
            "headers": self.headers,
            "client": self.client,
            "scheme": self.scheme,
        }
        return _Exchange(scope, headers, handler, keep_alive=self.parser.should_keep_alive())

    def on_body(self, body: bytes) -> None:
        if self._exchange is None:
            super().on_body(body)
        else:
            self._exchange.body += body

    def on_message_complete(self) -> None:
        exchange = self._exchange
        if exchange is None:
            super().on_message_complete()
            return
        self._exchange = None
        try:
            handled = exchange.handler(exchange.scope, exchange.headers, bytes(exchange.body))
            if isinstance(handled, Answer):
                self._answer(exchange, handled)
            elif isinstance(handled, Waiting):
                handled.future.add_done_callback(partial(self._land, exchange, handled.then))
            else:
                task = self.loop.create_task(self._await(exchange, handled))
                task.add_done_callback(self.tasks.discard)
                self.tasks.add(task)  # a server that stops waits for these
        except Exception as error:  # noqa: BLE001 - it is logged there
            self._fail(exchange, error)

    def _land(
        self,
        exchange: _Exchange,
        then: Callable[[asyncio.Future[Any]], Answer],
        future: asyncio.Future[Any],
    ) -> None:
        try:
            self._answer(exchange, then(future))
        except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001
            self._fail(exchange, error)

    async def _await(self, exchange: _Exchange, handled: Awaitable[Answer]) -> None:
        try:
            self._answer(exchange, await handled)
        except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001
            self._fail(exchange, error)

    def _fail(self, exchange: _Exchange, error: BaseException) -> None:
        """As uvicorn answers where an application raises."""
        self.logger.error("Exception in a hot route\n", exc_info=error)
        exchange.keep_alive = False
        self._answer(exchange, _FAILED)

    def _answer(self, exchange: _Exchange, answer: Answer) -> None:
        """In one write, which is one system call and one packet."""
        status, headers, body = answer
        length = b"" if status in _BODILESS else b"content-length: %d\r\n" % len(body)
        end = b"\r\n" if exchange.keep_alive else b"connection: close\r\n\r\n"
        start, lines = STATUS_LINE[status], _lines(headers)
        written = b"".join((start, self._default_lines(), lines, length, end, body))
        exchange.response_complete = True
        if not self.transport.is_closing():
            self.transport.write(written)
            if not exchange.keep_alive:
                self.transport.close()
        self.on_response_complete()

    def _default_lines(self) -> bytes:
        """The date, which the server writes anew every second."""
        given, lines = self._defaults
        if given is not self.server_state.default_headers:
            given = self.server_state.default_headers
            lines = b"".join(b"%b: %b\r\n" % header for header in given)
            self._defaults = given, lines
        return lines


_HEAD_TOO_LARGE = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-type: application/json\r\n"
    b"content-length: 63\r\nconnection: close\r\n\r\n"
    b'{"code": "too_large", "message": "the headers are above 64 KB"}'
)
_FAILED = Answer(500, ((b"content-type", b"text/plain; charset=utf-8"),), b"Internal Server Error")


@lru_cache(1024)
def _lines(headers: HeaderList) -> bytes:
    """Raises ValueError for what would end the line, or the head."""
    for name, value in headers:
        if HEADER_RE.search(name) or HEADER_VALUE_RE.search(value):
            raise ValueError(f"not a header: {name!r}: {value!r}")
    return b"".join(b"%b: %b\r\n" % header for header in headers)


def _is_short(length: bytes) -> bool:
    return length.isdigit() and len(length) <= 5 and int(length) <= MAX_BODY_BYTES
