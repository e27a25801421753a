"""The personalization service: the homepage's hot path beside a FastAPI application."""

from __future__ import annotations

import asyncio
import gc
import logging
import signal
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from types import FrameType

import uvicorn
from fastapi import FastAPI

from personalize_api.decision.homepage import PATH
from personalize_api.decision.request import Receive, Scope, Send
from personalize_api.live.event_stream import limit_unread
from personalize_api.openapi import describe
from personalize_api.picks.endpoint import PATH as PICKS_PATH
from personalize_api.room import Room, open_room
from personalize_api.routes import alerts, errors, funnels, me, ofrep, ops, service, visitors
from personalize_api.told import Telling
from personalize_api.worker import Worker
from schemas.current_site import CurrentSite
from schemas.heartbeat import Listen, nobody_listens
from schemas.hot_http import Handler, hot_protocol
from schemas.settings import Settings

_GRACE_S = 10
_COLLECT_AFTER = 10_000  # more objects made than freed

logger = logging.getLogger(__name__)


Erase = Callable[[str], Awaitable[bytes]]
"""Forgets whom an identifier leads to; its report as JSON. Raises NotThere, StateUnavailable."""


class App:
    """An ASGI application; its lifespan opens and closes the room."""

    def __init__(
        self,
        settings: Settings,
        site: CurrentSite,
        erase: Erase | None = None,
        worker: Worker | None = None,
        listen: Listen = nobody_listens,
    ) -> None:
        """`listen` gets what tells of the service."""
        self._worker = worker
        self._settings = settings
        self._site = site
        self._listen = listen
        self._room: Room | None = None
        self.routes: dict[bytes, Handler] = {}  # the hot ones, while the room is open
        self._rest = FastAPI(
            title="Footfall personalization",
            version="1",
            docs_url=None,
            redoc_url=None,
            lifespan=self._lifespan,
        )
        self._rest.state.erase = erase
        errors.install(self._rest)
        for module in (alerts, funnels, me, ofrep, ops, service, visitors):
            self._rest.include_router(module.router)
        describe(self._rest)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] == PATH and self._room is not None:
            await self._room.homepage(scope, receive, send)
        elif scope["type"] == "http" and scope["path"] == PICKS_PATH and self._room is not None:
            await self._room.picks(scope, receive, send)
        else:
            await self._rest(scope, receive, send)

    def end_streams(self) -> None:
        """Ends open event streams; without it a server that stops gracefully waits for them."""
        if self._room is not None:
            self._room.feed.close()

    @asynccontextmanager
    async def _lifespan(self, rest: FastAPI) -> AsyncIterator[None]:
        async with open_room(self._settings, self._site, self._worker) as room:
            self._room = rest.state.room = room
            for path, endpoint in ((PATH, room.homepage), (PICKS_PATH, room.picks)):
                for method in ("GET", "POST"):
                    self.routes[f"{method} {path}".encode()] = endpoint.answer
            telling = Telling(room.metrics, room.decisions)
            self._listen(telling.told, asyncio.get_running_loop())
            yield


class Server(uvicorn.Server):
    """uvicorn that ends event streams before it waits for requests to finish."""

    def __init__(
        self,
        settings: Settings,
        site: CurrentSite,
        erase: Erase | None = None,
        worker: Worker | None = None,
        listen: Listen = nobody_listens,
    ) -> None:
        self._app = App(settings, site, erase, worker, listen)
        super().__init__(_configuration(self._app, settings))

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            limit_unread(found for server in self.servers for found in server.sockets)
            logger.info("personalize listens on http://%s:%d", self.config.host, self.config.port)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Stops in order, and `run` returns: uvicorn's own would then raise the signal again and
        make a clean stop look like a death.
        """
        self.force_exit = self.should_exit and sig == signal.SIGINT
        self.should_exit = True

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._app.end_streams()
        await super().shutdown(sockets)


def serve(
    settings: Settings,
    site: CurrentSite,
    erase: Erase | None = None,
    worker: Worker | None = None,
    listen: Listen = nobody_listens,
) -> None:
    """Runs until SIGINT or SIGTERM. Raises SystemExit where the port is taken.

    `worker`: one of several processes on the port, each with a socket of its own.
    """
    server = Server(settings, site, erase, worker, listen)
    _spare_the_collector()
    server.run([_shared(settings)] if worker else None)


def _shared(settings: Settings) -> socket.socket:
    """Bound to a port that other workers are bound to."""
    family = socket.AF_INET6 if ":" in settings.bind else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    for option in (socket.SO_REUSEADDR, socket.SO_REUSEPORT):
        listener.setsockopt(socket.SOL_SOCKET, option, 1)
    listener.bind((settings.bind, settings.ports.personalize))
    return listener


def _spare_the_collector() -> None:
    """Takes what was loaded at start out of garbage collection: walking it stalled every request
    for 50 ms, once a second under load.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_COLLECT_AFTER)


def _configuration(app: App, settings: Settings) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        host=settings.bind,
        port=settings.ports.personalize,
        loop="uvloop",
        http=hot_protocol(app.routes),
        lifespan="on",
        access_log=False,
        log_config=None,
        log_level="warning",
        proxy_headers=False,  # a forwarding header is a reason to refuse, never an address
        server_header=False,
        timeout_graceful_shutdown=_GRACE_S,
    )
