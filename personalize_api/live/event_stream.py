"""Server-Sent Events to one client who may read slowly, or not at all.

What a client does not read is never more than one event here, what the server's transport holds
(64 KB) and what the kernel holds, which is kept small (`limit_unread`). Who takes nothing for
PATIENCE_S is let go.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import AsyncIterator, Iterable

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from personalize_api.metrics import Metrics
from personalize_api.seldom import SeldomLogger

PATIENCE_S = 20.0
_UNSENT_BYTES = 128 * 1024

logger = SeldomLogger(logging.getLogger(__name__))


class EventStream(Response):
    media_type = "text/event-stream"

    def __init__(self, events: AsyncIterator[bytes], metrics: Metrics) -> None:
        super().__init__(headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"})
        del self.headers["content-length"]
        self._events = events
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        sending = asyncio.create_task(self._send(send))
        gone = asyncio.create_task(_is_gone(receive))
        try:
            await asyncio.wait((sending, gone), return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (sending, gone):
                task.cancel()
            results = await asyncio.gather(sending, gone, return_exceptions=True)
        if isinstance(results[0], Exception) and not isinstance(results[0], OSError):
            raise results[0]

    async def _send(self, send: Send) -> None:
        start = {"type": "http.response.start", "status": self.status_code}
        await send({**start, "headers": self.raw_headers})
        events = self._events
        try:
            async for event in events:
                async with asyncio.timeout(PATIENCE_S):
                    await send({"type": "http.response.body", "body": event, "more_body": True})
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        except TimeoutError:
            self._metrics.viewers_dropped.inc()
            logger.warning("a viewer who reads nothing is let go")
        finally:
            if hasattr(events, "aclose"):
                await events.aclose()


async def _is_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def limit_unread(sockets: Iterable[socket.socket]) -> None:
    """Of listening sockets, for every connection they will take: little waits in the kernel unsent,
    and a peer who takes nothing is given up. Where the system cannot, it is left out (macOS: the
    latter).
    """
    options = [("TCP_NOTSENT_LOWAT", _UNSENT_BYTES), ("TCP_USER_TIMEOUT", int(PATIENCE_S * 1000))]
    for listening in sockets:
        if listening.family not in (socket.AF_INET, socket.AF_INET6):
            continue
        for name, value in options:
            if hasattr(socket, name):
                listening.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
