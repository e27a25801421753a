"""What live shoppers did, on its way to the collector: small batches, one at a time, in order."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import msgspec

from infra.simulate.delivery import Collector, encoded
from infra.simulate.messages import Happening
from infra.simulate.truth import Truth, iso

_LINGER_S = 0.2
_MAX_BATCH = 100


class LiveCounts(msgspec.Struct):
    """What has happened so far."""

    visits: int = 0  # begun
    finished: int = 0
    messages: int = 0  # acknowledged by the collector
    orders: int = 0
    homepages: int = 0
    undecided: int = 0  # homepages that fell back to the default


class Outbox:
    """Never waits for the network when something is put in."""

    def __init__(
        self, collector: Collector, on_truth: Callable[[Truth], None], counts: LiveCounts
    ) -> None:
        self._collector = collector
        self._on_truth = on_truth
        self._counts = counts
        self._waiting: list[tuple[Happening, int]] = []
        self._again: list[tuple[Happening, int]] = []
        self._closed = asyncio.Event()

    def put(self, happening: Happening, skew_ms: int) -> None:
        """`skew_ms`: how far the sender's clock is ahead."""
        self._waiting.append((happening, skew_ms))

    def put_again(self, happening: Happening, skew_ms: int) -> None:
        """The same message once more, in a later batch."""
        self._again.append((Happening(happening.message, None), skew_ms))

    def close(self) -> None:
        """What waits is still sent."""
        self._closed.set()

    async def run(self) -> None:
        """Until it is closed and empty. Raises SendingFailed."""
        while self._waiting or self._again or not self._closed.is_set():
            if not self._waiting and not self._again:
                await self._linger()
                continue
            batch = self._waiting[:_MAX_BATCH]
            del self._waiting[: len(batch)]
            if not batch:
                batch, self._again = self._again[:_MAX_BATCH], self._again[_MAX_BATCH:]
            await self._send(batch)
            await self._linger()

    async def _send(self, batch: list[tuple[Happening, int]]) -> None:
        now = time.time_ns() // 1_000_000
        for happening, skew_ms in batch:
            happening.message["sentAt"] = iso(now + skew_ms)
        lines = [encoded(happening.message) for happening, _ in batch]
        await self._collector.take(lines, historical=False)
        self._counts.messages += len(batch)
        for happening, _ in batch:
            if happening.truth is not None:
                self._on_truth(happening.truth)

    async def _linger(self) -> None:
        """A moment, in which a batch gathers."""
        if self._closed.is_set():
            return
        try:
            await asyncio.wait_for(self._closed.wait(), _LINGER_S)
        except TimeoutError:
            return
