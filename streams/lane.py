"""A lane: one partition's batches, one in flight, in order, exactly once in effect.

    records ─▶ read fence and states ─▶ fold ─▶ publish, wait for acks ─▶ apply behind the fence
                                                                            │
               acknowledge to Kafka  ◀──────────────────────────────────────┘

The order is the protocol (design.md section 3a): published first, applied second, acknowledged
last. What dies in between is done again, and gives the same emissions.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Collection, Iterator, Sequence
from typing import Any, Protocol

from schemas.begun import Begun, begun_decoder, counting, encode_begun
from schemas.faults import FaultPoint
from schemas.forget import FORGOTTEN, memory_decoder
from schemas.layouts import Layouts, encode_layouts, layouts_decoder, with_layout
from schemas.redis_keys import REBUILDING, begun_key, forgotten_key, layouts_key
from schemas.topics import FOLDED, Position, Topic
from streams import metrics
from streams.errors import LostPartition, TryAgain
from streams.known_layouts import KnownLayouts
from streams.lag import Standing
from streams.publish import Publisher
from streams.records import Effects, Record, StateWrite
from streams.store import Start, Store

log = logging.getLogger(__name__)

MAX_BATCH_LINES = 2000
QUEUED_RECORDS = 64
_CACHED_STATES = 50_000
_IN_STEP_S = 120.0  # behind the backlog of other partitions it may take its time
_BEGUN_TTL_MS = 10 * 365 * 86_400_000
_FOLDED = frozenset(topic.name for topic in FOLDED)


class Stage(Protocol):
    """A pure fold over batches of one topic; `Any` is the stage's own line and state type."""

    @property
    def topic(self) -> Topic: ...
    @property
    def counts(self) -> Sequence[str]: ...  # by which live funnels' keys; see `schemas.begun`
    @property
    def layouts(self) -> KnownLayouts | None: ...  # that its states name; None: they name none
    def decode(self, record: Record) -> Sequence[Any]: ...
    def state_keys(
        self, lines: Sequence[Any], known: Collection[str] = ()
    ) -> Iterator[tuple[str, str]]: ...
    def decode_state(self, blob: bytes) -> Any: ...
    def fold(
        self,
        states: dict[str, Any],
        batch: Sequence[tuple[Record, Sequence[Any]]],
        epoch: int,
    ) -> Effects: ...


class Lane:
    """Feed it with `put`; run `run` as a task. What it raises must end the process."""

    def __init__(
        self,
        stage: Stage,
        partition: int,
        start: Start,
        store: Store,
        publisher: Publisher,
        fault_point: FaultPoint,
    ) -> None:
        self._stage = stage
        self._partition = partition
        self._position = start.position
        self._quiet_below = start.quiet_below
        self._fence: bytes | None = None  # as last seen in Redis; None: not read yet
        self._store = store
        self._publisher = publisher
        self._fault_point = fault_point
        self._in_step = False  # the record at the fence has come
        self._in_step_by: float | None = None  # loop time; set by a record that is ahead
        self._taken: Record | None = None  # the first of the batch in hand
        self._taken_count = 0
        self._queue: asyncio.Queue[Record] = asyncio.Queue(QUEUED_RECORDS)
        self._states: dict[str, Any] = {}
        self._begun: Begun | None = None
        self._layouts: Layouts = {}  # as they stand in Redis

    async def put(self, record: Record) -> None:
        """Waits while the lane is full: back-pressure."""
        await self._queue.put(record)

    def close(self) -> None:
        """Let go of what is queued, and of who waits in `put`; `run` must have ended."""
        while not self._queue.empty():
            self._queue.get_nowait()

    @property
    def standing(self) -> Standing:
        in_hand = self._taken_count + self._queue.qsize()
        oldest = self._taken.time if self._taken is not None else 0
        return Standing(self._position.offset, in_hand, oldest)

    async def run(self) -> None:
        """Raises LostPartition, RebuildNeeded, or what a bug raises."""
        while True:
            batch = await self._next_batch()
            if batch:
                self._taken, self._taken_count = batch[0][0], len(batch)
                await self._process(batch)
                self._taken, self._taken_count = None, 0

    async def _next_batch(self) -> list[tuple[Record, Sequence[Any]]]:
        """What is queued, up to a bound; records already applied are acknowledged and left out."""
        batch: list[tuple[Record, Sequence[Any]]] = []
        lines = 0
        record = await self._next_record()
        while True:
            expected = self._position.offset + len(batch)
            if record.offset < expected:
                record.acknowledge()
            elif record.offset > expected:
                self._refuse_gap(record, expected)
            else:
                self._in_step = True
                batch.append((record, self._stage.decode(record)))
                lines += len(batch[-1][1])
            is_last_quiet = record.offset + 1 == self._quiet_below
            if lines >= MAX_BATCH_LINES or self._queue.empty() or is_last_quiet:
                return batch
            record = self._queue.get_nowait()

    async def _next_record(self) -> Record:
        try:
            async with asyncio.timeout_at(None if self._in_step else self._in_step_by):
                return await self._queue.get()
        except TimeoutError as error:
            name = f"{self._stage.topic.name}[{self._partition}]"
            raise LostPartition(f"{name}: what stands at the fence does not come") from error

    def _refuse_gap(self, record: Record, expected: int) -> None:
        """Of a new lane the first records may be ahead: Faust had them before the rebalance.

        It hands them out although it then begins to read at the fence; they come again.
        """
        if self._in_step:
            raise LostPartition(
                f"{self._stage.topic.name}[{self._partition}]: read offset {record.offset}, "
                f"but the fence stands at {expected}"
            )
        if self._in_step_by is None:
            self._in_step_by = asyncio.get_running_loop().time() + _IN_STEP_S

    async def _process(self, batch: list[tuple[Record, Sequence[Any]]]) -> None:
        started = time.perf_counter()
        topic = self._stage.topic
        await self._load([line for _, lines in batch for line in lines])
        self._passed("loaded")
        effects = self._stage.fold(self._states, batch, self._position.epoch)
        effects.states += [*self._begins(batch[0][0].time), *self._names()]
        self._passed("folded")
        new = Position(self._position.epoch, batch[-1][0].offset + 1)
        if new.offset <= self._quiet_below:
            effects.emissions = effects.emissions.only(_FOLDED)
        await self._insist(lambda: self._publisher.publish(effects.emissions))
        self._passed("published")
        await self._apply(effects, new, batch[-1][0].time)
        self._passed("applied")
        self._position, self._fence = new, new.encode()
        for record, _ in batch:
            record.acknowledge()
        self._passed("acknowledged")
        metrics.LINES.labels(topic.name).inc(sum(len(lines) for _, lines in batch))
        metrics.RECORDS.labels(topic.name).inc(len(batch))
        metrics.EMITTED.labels(topic.name).inc(len(effects.emissions))
        age_s = time.time() - batch[0][0].time / 1000
        metrics.FRESHNESS_SECONDS.labels(topic.name).observe(max(0.0, age_s))
        metrics.POSITION.labels(topic.name, self._partition).set(new.offset)
        metrics.BATCH_SECONDS.labels(topic.name).observe(time.perf_counter() - started)

    def _begins(self, at: int) -> list[StateWrite]:
        """Since when the stage counts by what it counts by, to be written where that is news."""
        if not self._stage.counts:
            return []
        before, self._begun = self._begun, counting(self._begun, self._stage.counts, at)
        if self._begun is before:
            return []
        key = begun_key(self._stage.topic, self._partition)
        return [StateWrite(key, encode_begun(self._begun), _BEGUN_TTL_MS)]

    def _names(self) -> list[StateWrite]:
        """What the ids of layouts in states stand for, to be written where that is news."""
        if self._stage.layouts is None:
            return []
        before, self._layouts = (
            self._layouts,
            with_layout(self._layouts, self._stage.layouts.own),
        )
        if self._layouts is before:
            return []
        key = layouts_key(self._stage.topic, self._partition)
        return [StateWrite(key, encode_layouts(self._layouts), _BEGUN_TTL_MS)]

    def _passed(self, step: str) -> None:
        self._fault_point(f"{self._stage.topic.name}.{step}")

    async def _load(self, lines: Sequence[Any]) -> None:
        """Bring the states that the lines need into memory; the fence proves that they hold."""
        if len(self._states) > _CACHED_STATES:
            self._states = {n: self._states[n] for n in self._states.keys() & {FORGOTTEN}}
        wanted = list(self._stage.state_keys(lines, self._states))
        if not wanted and self._fence is not None:
            return
        keys = [key for _, key in wanted]
        if self._fence is None:
            keys.append(begun_key(self._stage.topic, self._partition))
            keys.append(forgotten_key(self._stage.topic, self._partition))
            keys.append(layouts_key(self._stage.topic, self._partition))
        fence, blobs = await self._insist(
            lambda: self._store.read(self._stage.topic, self._partition, keys)
        )
        if self._fence is None:
            self._check(fence)
            self._fence = fence
            if (layouts := blobs.pop()) is not None and self._stage.layouts is not None:
                self._layouts = layouts_decoder.decode(layouts)
                self._stage.layouts.learn(self._layouts)
            if (memory := blobs.pop()) is not None:
                self._states[FORGOTTEN] = memory_decoder.decode(memory)
            if (begun := blobs.pop()) is not None:
                self._begun = begun_decoder.decode(begun)
        elif fence != self._fence:
            raise LostPartition(f"{self._stage.topic.name}[{self._partition}]: fence {fence!r}")
        for (name, _), blob in zip(wanted, blobs, strict=True):
            self._states[name] = self._stage.decode_state(blob) if blob is not None else None

    def _check(self, fence: bytes) -> None:
        """The first fence read must be the position that this lane was started with."""
        if fence == REBUILDING:
            raise LostPartition(f"{self._stage.topic.name}[{self._partition}]: it is rebuilt")
        at = Position.decode(fence) if fence else None
        fresh = self._position.offset == 0 and (at is None or at.epoch < self._position.epoch)
        if not fresh and at != self._position:
            raise LostPartition(
                f"{self._stage.topic.name}[{self._partition}]: the fence is {fence!r}, "
                f"not {self._position.encode()!r}"
            )

    async def _apply(self, effects: Effects, new: Position, newest_ms: int) -> None:
        fence = self._fence or b""
        waited_ms = max(0, int(time.time() * 1000) - newest_ms)
        while True:
            try:
                await self._store.apply(
                    self._stage.topic,
                    self._partition,
                    fence,
                    new,
                    effects.states,
                    effects.counters,
                    waited_ms,
                )
                return
            except TryAgain as error:
                await self._pause(error)
                # the lost answer may have been a yes; the fence tells, and then it is done
                if await self._insist(
                    lambda: self._store.is_applied(self._stage.topic, self._partition, new)
                ):
                    return

    async def _insist(self, attempt: Any) -> Any:
        """Try until the infrastructure is back; the process may be stopped meanwhile."""
        while True:
            try:
                return await attempt()
            except TryAgain as error:
                await self._pause(error)

    async def _pause(self, error: TryAgain) -> None:
        metrics.RETRIES.labels(self._stage.topic.name).inc()
        log.warning("%s[%d] waits: %s", self._stage.topic.name, self._partition, error)
        await asyncio.sleep(0.5)
