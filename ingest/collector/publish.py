"""Micro-batches on their way to Kafka.

`offer` puts a request's lines into one open batch a partition and gives the request one future,
which is resolved when all records that hold its lines are acknowledged with acks=all. A tick every
few milliseconds takes Kafka's reports, and every second tick (under load every fourth) sends the
open batches; while a partition's batch is on its way the next one keeps collecting, so under load
records become larger instead of more. Memory is bounded: over the limit `offer` refuses at once.
All of it happens on the event loop's thread.

What Kafka does not acknowledge goes to the spool where there is one, and while Kafka is known to be
away at once: to be on the disk is durable too.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections import deque
from collections.abc import Sequence

from ingest.collector.errors import Unavailable
from ingest.collector.metrics import Metrics
from ingest.collector.overflow import Overflow
from ingest.collector.producer import Producer
from ingest.collector.spool import Frame, Spool
from schemas.batch import MAX_BATCH_EVENTS, MAX_RECORD_BYTES, encode_line
from schemas.event import RawLine, Rejected
from schemas.topics import RAW, REJECTED, Topic, partition_of

_log = logging.getLogger(__name__)

TICK_S = 0.0025
TICKS_TO_SEND = 2
TICKS_TO_SEND_MANY = 4  # from MANY_EVENTS waiting on: larger records cost every stage less
MANY_EVENTS = 1024
IDLE_TICK_S = 1.0  # what the client reports while nothing is sent must not pile up
MAX_BUFFERED_EVENTS = 100_000
MAX_BUFFERED_BYTES = 64 * 1024 * 1024
MAX_IN_FLIGHT = 4  # records a partition
_STOP_WAIT_S = 10.0


class Receipt:
    """What one request waits for: `future` becomes True when every record is durable.

    False where one was not; the others may stand in Kafka, a resend of the request repairs that.
    """

    __slots__ = ("durable", "future", "waiting")

    def __init__(self, future: asyncio.Future[bool]) -> None:
        self.future = future
        self.waiting = 0
        self.durable = True

    def settle(self, acknowledged: bool) -> None:
        self.waiting -= 1
        self.durable = self.durable and acknowledged
        if not self.waiting and not self.future.done():
            self.future.set_result(self.durable)


class Batch:
    """The lines of one Kafka record, and who waits for it; `from_spool`: it is there already."""

    __slots__ = ("begun_at", "from_spool", "lane", "lines", "receipts", "sent_at", "size")

    def __init__(self, lane: Lane, *, from_spool: bool = False) -> None:
        self.lane = lane
        self.lines: list[bytes] = []
        self.size = 0
        self.receipts: list[Receipt] = []
        self.begun_at = time.monotonic()
        self.sent_at = 0.0
        self.from_spool = from_spool

    def add(self, line: bytes, receipt: Receipt) -> None:
        self.lines.append(line)
        self.size += len(line) + 1
        if not self.receipts or self.receipts[-1] is not receipt:
            self.receipts.append(receipt)
            receipt.waiting += 1


class Lane:
    """One partition of one topic."""

    __slots__ = ("full", "in_flight", "open", "partition", "topic")

    def __init__(self, topic: Topic, partition: int) -> None:
        self.topic = topic
        self.partition = partition
        self.open: Batch | None = None
        self.full: deque[Batch] = deque()
        self.in_flight = 0

    def add(self, line: bytes, receipt: Receipt) -> None:
        batch = self.open
        if batch is None:
            batch = self.open = Batch(self)
        elif len(batch.lines) >= MAX_BATCH_EVENTS or batch.size + len(line) > MAX_RECORD_BYTES:
            self.full.append(batch)
            batch = self.open = Batch(self)
        batch.add(line, receipt)

    def unsent(self) -> Batch | None:
        """The oldest batch that is not on its way."""
        return self.full[0] if self.full else self.open

    def is_empty(self) -> bool:
        return not (self.open or self.full or self.in_flight)

    def next(self) -> Batch | None:
        """The batch to send now: a full one at once, the open one when nothing is on its way."""
        if self.full:
            return self.full.popleft() if self.in_flight < MAX_IN_FLIGHT else None
        if self.in_flight:
            return None
        batch, self.open = self.open, None
        return batch


class Publisher:
    """Publishes lines to `footfall.raw` and `footfall.rejected`; belongs to one event loop."""

    def __init__(
        self, producer: Producer[Batch], metrics: Metrics, spool: Spool | None = None
    ) -> None:
        self._producer = producer
        self._overflow = Overflow(spool, metrics, lambda: producer.is_away) if spool else None
        self._metrics = metrics
        self._raw = [Lane(RAW, partition) for partition in range(RAW.partitions)]
        self._rejected = [Lane(REJECTED, partition) for partition in range(REJECTED.partitions)]
        self._busy: set[Lane] = set()
        self._sent: dict[Batch, None] = {}  # on its way, oldest first
        self._ticks = 0  # since batches were sent
        self._timer: asyncio.TimerHandle | None = None
        self._idle = True
        self._closed = True
        self._events = 0
        self._bytes = 0
        self._empty = asyncio.Event()  # set whenever the last buffered event is settled
        metrics.buffered_events.set_function(lambda: self._events)
        metrics.oldest_seconds.set_function(self.oldest_s)

    async def start(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._producer.start()
        self._closed = False
        self._tick()
        if self._overflow is not None:
            self._overflow.start(self._resend)

    async def stop(self) -> None:
        """Takes nothing more, and waits until all is acknowledged or given up."""
        self._closed = True
        if self._overflow is not None:
            self._overflow.send_no_more()
        self._empty.clear()
        if self._events:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._empty.wait(), _STOP_WAIT_S)
        if self._events:
            _log.error("stopping with %d events that Kafka did not acknowledge", self._events)
        if self._timer is not None:
            self._timer.cancel()
        if self._overflow is not None:
            await self._overflow.stop()
        self._producer.stop()

    @property
    def waiting(self) -> int:
        """Events that Kafka has not acknowledged."""
        return self._events

    def oldest_s(self) -> float:
        """How long the oldest of them has waited; 0 without any."""
        waiting = [*self._sent][:1] + [b for lane in self._busy if (b := lane.unsent())]
        now = time.monotonic()
        return max((now - batch.begun_at for batch in waiting), default=0.0)

    def offer(
        self, lines: Sequence[RawLine], rejected: Sequence[Rejected]
    ) -> asyncio.Future[bool] | None:
        """True in the future means durable; None where there was nothing to publish.

        Raises Unavailable, and has then taken nothing, when stopping or over the memory bound.
        """
        if self._closed:
            raise Unavailable("the collector is stopping")
        if self._events >= MAX_BUFFERED_EVENTS or self._bytes >= MAX_BUFFERED_BYTES:
            raise Unavailable("Kafka is behind: too many events wait for it")
        if not lines and not rejected:
            return None
        receipt = Receipt(self._loop.create_future())
        for line in lines:
            lane = self._raw[partition_of(line.device_id, RAW)]
            self._put(lane, encode_line(line), receipt)
        for record in rejected:
            lane = self._rejected[partition_of(record.rejected_id, REJECTED)]
            self._put(lane, encode_line(record), receipt)
        self._wake()
        return receipt.future

    def _resend(self, frame: Frame) -> asyncio.Future[bool]:
        """A record of the spool, sent as it was."""
        lanes = self._raw if frame.topic == RAW.name else self._rejected
        lane = lanes[frame.partition]
        batch = Batch(lane, from_spool=True)
        receipt = Receipt(self._loop.create_future())
        for line in frame.lines:
            batch.add(line, receipt)
        self._events += len(batch.lines)
        self._bytes += batch.size
        lane.full.append(batch)
        self._busy.add(lane)
        self._wake()
        return receipt.future

    def _wake(self) -> None:
        if self._idle:
            self._tick_in(TICK_S, idle=False)

    def _put(self, lane: Lane, line: bytes, receipt: Receipt) -> None:
        self._events += 1
        self._bytes += len(line) + 1
        lane.add(line, receipt)
        self._busy.add(lane)

    def _tick_in(self, seconds: float, *, idle: bool) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._idle = idle
        self._timer = self._loop.call_later(seconds, self._tick)

    def _tick(self) -> None:
        """Takes reports and sends what is ready; fast until every lane is empty, then slowly."""
        try:
            for batch, acknowledged in self._producer.poll():
                self._settle(batch, acknowledged)
            self._ticks += 1
            if self._ticks >= (TICKS_TO_SEND if self._events < MANY_EVENTS else TICKS_TO_SEND_MANY):
                self._ticks = 0
                self._send_ready()
        finally:
            idle = not self._busy
            self._tick_in(IDLE_TICK_S if idle else TICK_S, idle=idle)

    def _send_ready(self) -> None:
        for lane in list(self._busy):
            while (batch := lane.next()) is not None:
                self._send(batch)
            if lane.is_empty():
                self._busy.discard(lane)

    def _send(self, batch: Batch) -> None:
        if self._overflow is not None and self._producer.is_away and not batch.from_spool:
            self._keep(batch, self._overflow)
            return
        batch.lane.in_flight += 1
        batch.sent_at = time.monotonic()
        self._sent[batch] = None
        self._metrics.record_events.observe(len(batch.lines))
        lane = batch.lane
        if not self._producer.send(
            lane.topic.name, lane.partition, b"\n".join(batch.lines), len(batch.lines), batch
        ):
            self._loop.call_soon(self._settle, batch, False)

    def _settle(self, batch: Batch, acknowledged: bool) -> None:
        batch.lane.in_flight -= 1
        self._sent.pop(batch, None)
        self._metrics.publish_seconds.observe(time.monotonic() - batch.sent_at)
        if acknowledged or batch.from_spool or self._overflow is None:
            self._end(batch, acknowledged)
        else:
            self._keep(batch, self._overflow)

    def _keep(self, batch: Batch, overflow: Overflow) -> None:
        frame = Frame(batch.lane.topic.name, batch.lane.partition, batch.lines)
        overflow.keep(frame, lambda kept: self._end(batch, kept))

    def _end(self, batch: Batch, durable: bool) -> None:
        self._events -= len(batch.lines)
        self._bytes -= batch.size
        if not self._events:
            self._empty.set()
        if not durable:
            self._metrics.unacknowledged.inc(len(batch.lines))
        for receipt in batch.receipts:
            receipt.settle(durable)
