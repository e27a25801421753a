"""Between the publisher and the spool: keeps what Kafka does not take, and sends it when it does.

Once a second what waits is tried again, oldest first: a single record while Kafka is away, many
when it is back. All but the disk's work happens on the event loop's thread.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import Protocol, TypeVar

from ingest.collector.metrics import Metrics
from ingest.collector.spool import Frame, Segment, Spool, SpoolError

_log = logging.getLogger(__name__)

_RETRY_S = 1.0
_AT_ONCE = 64  # records

Result = TypeVar("Result")


class Kept(Protocol):
    """What is told when a frame's fate is known."""

    def __call__(self, kept: bool) -> None: ...


Resend = Callable[[Frame], asyncio.Future[bool]]
"""Sends a record to Kafka; True when it was acknowledged. Never comes back to the spool."""


class Overflow:
    """Belongs to one event loop; the spool to its thread."""

    def __init__(self, spool: Spool, metrics: Metrics, kafka_is_away: Callable[[], bool]) -> None:
        self._spool = spool
        self._metrics = metrics
        self._kafka_is_away = kafka_is_away
        self._waiting: list[tuple[Frame, Kept]] = []
        self._news = asyncio.Event()
        self._disk = ThreadPoolExecutor(1, "spool")
        self._tasks: list[asyncio.Task[None]] = []

    def start(self, resend: Resend) -> None:
        self._tasks = [
            asyncio.create_task(self._keep_all(), name="spool keeps"),
            asyncio.create_task(self._resend_all(resend), name="spool sends"),
        ]

    def keep(self, frame: Frame, kept: Kept) -> None:
        """`kept` is called with True when the frame is on the disk, with False if it cannot be."""
        self._waiting.append((frame, kept))
        self._news.set()

    def send_no_more(self) -> None:
        """Before a stop: what waits stays for the next start."""
        self._tasks[1].cancel()

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        await self._on_disk(self._spool.close)
        self._disk.shutdown()

    async def _keep_all(self) -> None:
        """Everything that came while the disk was busy is written, and synced, together."""
        while True:
            await self._news.wait()
            self._news.clear()
            batch, self._waiting = self._waiting, []
            if not batch:
                continue
            kept = await self._write([frame for frame, _ in batch])
            for _, tell in batch:
                tell(kept)

    async def _write(self, frames: Sequence[Frame]) -> bool:
        try:
            await self._on_disk(lambda: self._spool.keep(frames))
            await self._measure()
        except (SpoolError, OSError) as error:
            _log.error("%s", error)
            return False
        self._metrics.spooled.inc(sum(len(frame.lines) for frame in frames))
        return True

    async def _resend_all(self, resend: Resend) -> None:
        while True:
            try:
                while await self._measure() and await self._resend_oldest(resend):
                    pass
            except OSError as error:
                _log.error("the spool cannot be read, it is tried again: %s", error)
            await asyncio.sleep(_RETRY_S)

    async def _resend_oldest(self, resend: Resend) -> bool:
        """Whether a segment was sent and is gone."""
        await self._on_disk(self._spool.seal)
        segment = await self._on_disk(self._spool.oldest)
        if segment is None:
            return False
        try:
            if await self._resend_frames(segment, resend):
                await self._on_disk(segment.delete)
                return True
        finally:
            segment.close()
        return False

    async def _resend_frames(self, segment: Segment, resend: Resend) -> bool:
        frames = segment.frames()
        while chunk := await self._on_disk(lambda: self._next(frames)):
            acknowledged = await asyncio.gather(*map(resend, chunk))
            if not all(acknowledged):
                return False
            self._metrics.resent.inc(sum(len(frame.lines) for frame in chunk))
        return True

    def _next(self, frames: Iterator[Frame]) -> list[Frame]:
        return list(islice(frames, 1 if self._kafka_is_away() else _AT_ONCE))

    async def _measure(self) -> int:
        size = await self._on_disk(self._spool.size)
        self._metrics.spool_bytes.set(size)
        return size

    async def _on_disk(self, work: Callable[[], Result]) -> Result:
        return await asyncio.get_running_loop().run_in_executor(self._disk, work)
