"""One application behind uvicorn's own protocol and behind the hot one, and a client of raw bytes.

Real sockets and a real event loop, both ways on it. What the application answers says all that it
was told of the request, so equal bytes mean equal requests as well as equal answers.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Coroutine, Sequence
from functools import partial
from typing import Any, Self, TypeVar

import uvicorn
import uvloop
from uvicorn.server import ServerState

from schemas.hot_http import (
    Answer,
    Handled,
    Headers,
    Scope,
    Waiting,
    finish,
    hot_protocol,
    send_answer,
)

T = TypeVar("T")

_PATIENCE_S = 10
KEEP_ALIVE_S = 1


def echo(scope: Scope, headers: Headers, body: bytes) -> Answer:
    told = {
        "method": scope["method"],
        "path": scope["path"],
        "query": scope["query_string"],
        "headers": scope["headers"],
        "by_name": headers,
        "client": scope["client"][0],
        "scheme": scope["scheme"],
        "body": (len(body), hashlib.md5(body).hexdigest()),
    }
    return Answer(200, ((b"content-type", b"text/plain"), (b"x-a", b"b")), repr(told).encode())


class World:
    """What the handlers share with the test."""

    def __init__(self) -> None:
        self.loop = uvloop.new_event_loop()
        self.asked: list[str] = []
        self.below = 0  # requests that came below ASGI
        self.gates: list[asyncio.Future[None]] = []

    def handlers(self) -> dict[str, Any]:
        return {
            "/now": echo,
            "/soon": self._soon,
            "/task": self._task,
            "/gate": self._gate,
            "/empty": lambda *_: Answer(204),
            "/kept": lambda *_: Answer(304, ((b"etag", b'"1"'),)),
            "/large": lambda *_: Answer(200, (), b"x" * 60_000),
            "/fails": self._fails,
            "/fails-later": self._fails_later,
            "/splits": lambda *_: Answer(200, ((b"x-bad", b"a\r\nb: c"),), b"?"),
        }

    def _soon(self, *request: Any) -> Handled:
        future = self.loop.create_future()
        self.loop.call_soon(future.set_result, None)
        return Waiting(future, lambda _: echo(*request))

    async def _task(self, *request: Any) -> Answer:
        await asyncio.sleep(0)
        return echo(*request)

    def _gate(self, *request: Any) -> Handled:
        """Opened by the test."""
        self.gates.append(gate := self.loop.create_future())
        return Waiting(gate, lambda _: echo(*request))

    def _fails(self, *_: Any) -> Answer:
        raise RuntimeError("on purpose")

    def _fails_later(self, *_: Any) -> Handled:
        future = self.loop.create_future()
        self.loop.call_soon(future.set_result, None)
        return Waiting(future, self._fails)

    def handle(self, scope: Scope, headers: Headers, body: bytes) -> Handled:
        self.asked.append(scope["query_string"].decode("latin-1"))
        handled: Handled = self.handlers().get(scope["path"], echo)(scope, headers, body)
        return handled

    def handle_below(self, scope: Scope, headers: Headers, body: bytes) -> Handled:
        self.below += 1
        return self.handle(scope, headers, body)

    async def application(self, scope: Any, receive: Any, send: Any) -> None:
        """As the services do: a body is read of a POST only."""
        body = b""
        while scope["method"] == "POST":
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            body += message["body"]
            if not message["more_body"]:
                break
        await send_answer(send, await finish(self.handle(scope, dict(scope["headers"]), body)))


class HttpPair(World):
    """`stock` and `hot` are the ports; call `close` at the end."""

    def __init__(self) -> None:
        super().__init__()
        paths = [*self.handlers(), "/plain"]
        routes = {f"{m} {p}".encode(): self.handle_below for m in ("GET", "POST") for p in paths}
        self.states: list[ServerState] = []
        self.servers: list[Any] = []
        self.stock = self.run(self._listen("httptools"))
        self.hot = self.run(self._listen(hot_protocol(routes)))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for server in self.servers:
            server.close()
        for connection in [each for state in self.states for each in state.connections]:
            connection.transport.abort()
        self.run(asyncio.sleep(0.01))
        self.loop.close()

    def run(self, what: Coroutine[Any, Any, T]) -> T:
        return self.loop.run_until_complete(asyncio.wait_for(what, _PATIENCE_S * 3))

    async def _listen(self, http: Any) -> int:
        config = uvicorn.Config(
            self.application,
            http=http,
            ws="none",
            interface="asgi3",
            lifespan="off",
            access_log=False,
            log_config=None,
            log_level="critical",
            proxy_headers=False,
            timeout_keep_alive=KEEP_ALIVE_S,
        )
        config.load()
        state = ServerState()
        state.default_headers = [(b"date", b"today")]

        made: Any = config.http_protocol_class
        connect = partial(made, config=config, server_state=state, app_state={})
        server: Any = await self.loop.create_server(connect, "127.0.0.1", 0)
        self.states.append(state)
        self.servers.append(server)
        port: int = server.sockets[0].getsockname()[1]
        return port

    async def open(self, port: int) -> RawClient:
        _, client = await self.loop.create_connection(RawClient, "127.0.0.1", port)
        return client

    async def ask(self, port: int, parts: Sequence[bytes]) -> bytes:
        """Everything that is answered to these parts, sent one by one, until the server closes."""
        client = await self.open(port)
        for part in parts:
            client.send(part)
            await turns(3)
        return await client.until_closed()


async def turns(count: int) -> None:
    """Of the loop: on loopback what was sent has come by the next one."""
    for _ in range(count):
        await asyncio.sleep(0)


class RawClient(asyncio.Protocol):
    """Sends bytes, keeps those that come; does not read while `transport.pause_reading` holds."""

    def __init__(self) -> None:
        self.received = bytearray()
        self._closed = asyncio.Event()
        self._came = asyncio.Event()

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.received += data
        self._came.set()

    def connection_lost(self, exc: Exception | None) -> None:
        self._closed.set()

    @property
    def closed(self) -> bool:
        return self._closed.is_set()

    def send(self, data: bytes) -> None:
        if not self.transport.is_closing():
            self.transport.write(data)

    async def until_closed(self) -> bytes:
        await asyncio.wait_for(self._closed.wait(), _PATIENCE_S)
        return bytes(self.received)

    async def until(self, wanted: bytes) -> None:
        while wanted not in self.received:
            self._came.clear()
            await asyncio.wait_for(self._came.wait(), _PATIENCE_S)
