"""`/v1/live`: one snapshot a second for all viewers, as Server-Sent Events.

One computation and one encoding serve every viewer; with no viewer nothing is computed. Every
event is the whole state, so whoever comes back after a break has missed nothing once the newest
one is there; that is sent at once. A viewer who reads slower than a snapshot a second gets the
newest when ready for it; nothing is kept waiting for anybody.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable

from personalize_api.metrics import Metrics

logger = logging.getLogger(__name__)

Snapshot = tuple[str, bytes]
"""Name and data (one line) of an event."""

_EVERY_S = 1.0
_HEARTBEAT_S = 10.0
_AT_ONCE = 8  # viewers told in one tick: the homepage is answered between two ticks
_HELLO = b"retry: 2000\n\n"
_HEARTBEAT = b": still here\n\n"


class LiveFeed:
    """Must be made and used in one event loop. `compose` never raises for what may happen."""

    def __init__(self, compose: Callable[[], Awaitable[Snapshot]], metrics: Metrics) -> None:
        self._compose = compose
        self._metrics = metrics
        self._viewers: set[asyncio.Event] = set()
        self._boot = f"{time.time_ns() // 1_000_000:x}"  # a restarted server's ids are others
        self._number = 0
        self._latest = b""
        self._closed = False
        self._task: asyncio.Task[None] | None = None

    async def events(self, last_id: str = "") -> AsyncIterator[bytes]:
        """The stream of one viewer, who has seen the event `last_id`: ends when the feed closes."""
        news = self._enter()
        seen = self._number if last_id == self._id() else 0
        try:
            yield _HELLO
            while not self._closed:
                if self._latest and seen != self._number:
                    seen = self._number
                    yield self._latest
                elif not await _comes(news):
                    yield _HEARTBEAT
        finally:
            self._leave(news)

    def close(self) -> None:
        """Ends every viewer's stream, so that the server can stop."""
        self._closed = True
        for news in self._viewers:
            news.set()
        if self._task is not None:
            self._task.cancel()

    def _enter(self) -> asyncio.Event:
        news = asyncio.Event()
        self._viewers.add(news)
        self._metrics.viewers.set(len(self._viewers))
        if self._task is None and not self._closed:
            self._task = asyncio.create_task(self._run())
            self._task.add_done_callback(self._ended)
        return news

    def _leave(self, news: asyncio.Event) -> None:
        self._viewers.discard(news)
        self._metrics.viewers.set(len(self._viewers))
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
            name, data = await self._compose()
            self._number += 1
            self._latest = b"id: %s\nevent: %s\ndata: %s\n\n" % (
                self._id().encode(),
                name.encode(),
                data,
            )
            await self._tell()
            await asyncio.sleep(max(0.05, _EVERY_S - (time.monotonic() - started)))

    async def _tell(self) -> None:
        for count, news in enumerate(list(self._viewers)):
            news.set()
            if count % _AT_ONCE == _AT_ONCE - 1:
                await asyncio.sleep(0)

    def _id(self) -> str:
        return f"{self._boot}-{self._number}"


async def _comes(news: asyncio.Event) -> bool:
    """Whether there was news before it was time for a heartbeat."""
    try:
        async with asyncio.timeout(_HEARTBEAT_S):
            await news.wait()
    except TimeoutError:
        return False
    news.clear()
    return True
