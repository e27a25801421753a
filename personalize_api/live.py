"""`/v1/live`: what the ops page shows, as Server-Sent Events once a second.

One computation and one encoding serve every viewer; with no viewer nothing is computed.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator

import msgspec

from personalize_api.errors import StateUnavailable
from personalize_api.funnels import LiveFunnel, LiveFunnels
from personalize_api.metrics import Metrics
from schemas.current_site import CurrentSite
from schemas.funnel_result import iso_time

logger = logging.getLogger(__name__)

_EVERY_S = 1.0
_HELLO = b"retry: 2000\n\n"


class LiveView(msgspec.Struct, kw_only=True):
    """Data of an event `live`."""

    at: str  # ISO 8601, UTC
    site: str
    funnels: list[LiveFunnel]


class LiveTrouble(msgspec.Struct, kw_only=True):
    """Data of an event `trouble`: what was last seen is stale."""

    at: str
    message: str


class LiveFeed:
    """Must be made and used in one event loop."""

    def __init__(self, site: CurrentSite, funnels: LiveFunnels, metrics: Metrics) -> None:
        self._site = site
        self._funnels = funnels
        self._metrics = metrics
        self._viewers = 0
        self._latest = b""
        self._news = asyncio.Event()
        self._closed = False
        self._task: asyncio.Task[None] | None = None

    async def events(self) -> AsyncIterator[bytes]:
        """The stream of one viewer: ends when the feed is closed."""
        self._enter()
        try:
            yield _HELLO + self._latest
            while not self._closed:
                await self._news.wait()
                if not self._closed:
                    yield self._latest
        finally:
            self._leave()

    def close(self) -> None:
        """Ends every viewer's stream, so that the server can stop."""
        self._closed = True
        self._news.set()
        if self._task is not None:
            self._task.cancel()

    def _enter(self) -> None:
        self._viewers += 1
        self._metrics.viewers.set(self._viewers)
        if self._task is None and not self._closed:
            self._task = asyncio.create_task(self._run())
            self._task.add_done_callback(self._ended)

    def _leave(self) -> None:
        self._viewers -= 1
        self._metrics.viewers.set(self._viewers)
        if not self._viewers and self._task is not None:
            self._task.cancel()
            self._task = None
            self._latest = b""  # the next viewer is not to see old news

    def _ended(self, task: asyncio.Task[None]) -> None:
        """A fault must not leave viewers waiting: their streams end, and they come again."""
        if task.cancelled():
            return
        logger.error("the live feed failed", exc_info=task.exception())
        self._task = None
        self.close()
        self._closed = False

    async def _run(self) -> None:
        while True:
            started = time.monotonic()
            self._latest = await self._compose()
            news, self._news = self._news, asyncio.Event()
            news.set()
            await asyncio.sleep(max(0.05, _EVERY_S - (time.monotonic() - started)))

    async def _compose(self) -> bytes:
        at = iso_time(time.time_ns() // 1_000_000)
        try:
            funnels = await self._funnels.all()
        except StateUnavailable as error:
            return _event("trouble", LiveTrouble(at=at, message=error.message))
        return _event("live", LiveView(at=at, site=self._site.site.name, funnels=funnels))


def _event(name: str, data: msgspec.Struct) -> bytes:
    return b"event: %s\ndata: %s\n\n" % (name.encode(), msgspec.json.encode(data))
