"""A way to a server that can be made slow, cut, or led elsewhere, as networks and failovers do."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager


class SlowProxy:
    """Passes bytes on to `target`; `delay_s` is added to what comes back."""

    def __init__(self, target: int) -> None:
        self.target = target
        self.delay_s = 0.0
        self.port = 0
        self._loop = asyncio.new_event_loop()
        self._writers: set[asyncio.StreamWriter] = set()

    def lead_to(self, target: int) -> None:
        """New connections go there; those that are open are cut."""
        asyncio.run_coroutine_threadsafe(self._lead_to(target), self._loop).result(10)

    async def serve(self, ready: threading.Event) -> None:
        server = await asyncio.start_server(self._pass_on, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        ready.set()
        await server.serve_forever()

    async def _lead_to(self, target: int) -> None:
        self.target = target
        for writer in self._writers:
            writer.transport.abort()

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        target = self.target
        try:
            back, out = await asyncio.open_connection("127.0.0.1", target)
        except OSError:
            writer.transport.abort()
            return
        self._writers |= {writer, out}
        if target != self.target:  # led elsewhere meanwhile
            await self._lead_to(self.target)
        try:
            await asyncio.gather(self._copy(reader, out, False), self._copy(back, writer, True))
        except (OSError, asyncio.CancelledError):
            return  # asyncio's server would report a cancelled one as a fault
        finally:
            self._writers -= {writer, out}
            for each in (writer, out):
                each.transport.abort()

    async def _copy(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, delayed: bool
    ) -> None:
        while chunk := await reader.read(1 << 16):
            if delayed and self.delay_s:
                await asyncio.sleep(self.delay_s)
            writer.write(chunk)
            await writer.drain()
        writer.close()


@contextmanager
def slow_proxy(target: int) -> Iterator[SlowProxy]:
    """In a thread of its own, for the length of the block."""
    proxy, ready = SlowProxy(target), threading.Event()
    loop = proxy._loop

    def run() -> None:
        asyncio.set_event_loop(loop)
        with contextlib.suppress(asyncio.CancelledError):
            loop.run_until_complete(proxy.serve(ready))
        pending = asyncio.all_tasks(loop)
        for task in pending:
            task.cancel()
        loop.run_until_complete(asyncio.gather(*pending, return_exceptions=True))
        loop.run_until_complete(asyncio.sleep(0.01))  # sockets are closed in a later turn
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()

    thread = threading.Thread(target=run, name="slow proxy")
    thread.start()
    assert ready.wait(10)
    try:
        yield proxy
    finally:
        loop.call_soon_threadsafe(lambda: [task.cancel() for task in asyncio.all_tasks(loop)])
        thread.join(10)
