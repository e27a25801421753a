"""The Faust worker: which topic goes through which stage, and how partitions come and go.

    footfall.raw ───────▶ device stage ──▶ footfall.events, .identity, .corrections, .decisions
                               │                  ▲    │   ▲
                               ├──────────────────┤    └───┴── person stage ──▶ live funnels
                               ├▶ footfall.aliases ──▶ alias stage
                               ├▶ footfall.sightings ──▶ join stage ──▶ .corrections, .identity
                               └▶ footfall.rejected ───▶ rejected stage ──▶ live counts

Faust owns membership, assignment and commits. Each assigned partition gets a lane; lanes keep
their own order and acknowledge. On assignment the fences, not Kafka's committed offsets, say
where to begin (design.md section 3a).
"""

from __future__ import annotations

import asyncio
import logging
import os
import traceback
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, cast

import faust
from faust.streams import Stream
from faust.transport.consumer import Consumer
from faust.types import TP, AppT

from schemas.faults import FaultPoint, fault_point_from
from schemas.heartbeat import Listen, nobody_listens
from schemas.settings import Settings
from schemas.site import Site
from schemas.topics import STREAM_GROUP
from streams.alias_stage import AliasStage
from streams.device_stage import DeviceStage
from streams.errors import RebuildNeeded, StreamError, TryAgain
from streams.join_stage import JoinStage
from streams.lag import Lag, Standing
from streams.lane import Lane, Stage
from streams.person_stage import PersonStage
from streams.publish import Publisher
from streams.records import Record
from streams.rejected_stage import RejectedStage
from streams.store import Start, Store
from streams.worker import FencedConsumer, Worker

log = logging.getLogger(__name__)

_STOP_S = 10


class Lanes:
    """The lanes of the partitions that this worker owns now."""

    def __init__(
        self, settings: Settings, stages: Iterable[Stage], fault_point: FaultPoint
    ) -> None:
        self._stages = {stage.topic.name: stage for stage in stages}
        self._store = Store(settings.redis_url)
        self._publisher = Publisher(settings.kafka)
        self._fault_point = fault_point
        self._lanes: dict[TP, tuple[Lane, asyncio.Task[None]]] = {}

    async def open(self, assigned: Iterable[TP]) -> dict[TP, int]:
        """Close what was open, start a lane for each partition; offset to begin at, for each."""
        await self.close_lanes()
        begin: dict[TP, int] = {}
        for tp in assigned:
            stage = self._stages.get(tp.topic)
            if stage is not None:
                start = await self._start_of(stage, tp.partition)
                begin[tp] = start.position.offset
                self._start(tp, stage, start)
        return begin

    async def put(self, tp: TP, record: Record) -> None:
        """A record of a partition that was taken away meanwhile is its new owner's."""
        entry = self._lanes.get(tp)
        if entry is not None:
            await entry[0].put(record)

    async def close_lanes(self) -> None:
        lanes, self._lanes = self._lanes, {}
        pending = {task for _, task in lanes.values()}
        while pending:
            for task in pending:
                task.cancel()
            # again and again: where a time-out and the cancellation meet, the latter may get lost
            _, pending = await asyncio.wait(pending, timeout=0.5)
        for lane, _ in lanes.values():
            lane.close()

    async def close(self) -> None:
        await self.close_lanes()
        self._publisher.close()
        await self._store.close()

    def standings(self) -> dict[TP, Standing]:
        return {tp: lane.standing for tp, (lane, _) in self._lanes.items()}

    @property
    def count(self) -> int:
        return len(self._lanes)

    async def _start_of(self, stage: Stage, partition: int) -> Start:
        while True:
            try:
                return await self._store.start(stage.topic, partition)
            except TryAgain as error:
                log.warning("%s[%d] waits: %s", stage.topic.name, partition, error)
                await asyncio.sleep(0.5)

    def _start(self, tp: TP, stage: Stage, start: Start) -> None:
        lane = Lane(stage, tp.partition, start, self._store, self._publisher, self._fault_point)
        task = asyncio.create_task(lane.run(), name=f"{tp.topic}[{tp.partition}]")
        task.add_done_callback(_end_process_on_failure)
        self._lanes[tp] = (lane, task)


def _end_process_on_failure(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        _end_process(error, task.get_name())


def _end_process(error: BaseException, where: str) -> None:
    """End at once, so that Faust commits nothing of what was not done."""
    if isinstance(error, StreamError):
        log.error("%s: %s", type(error).__name__, error)
    else:
        log.error("%s failed:\n%s", where, "".join(traceback.format_exception(error)))
    logging.shutdown()
    os._exit(3 if isinstance(error, RebuildNeeded) else 1)


def create_app(
    settings: Settings, lanes: Lanes, topics: Iterable[str], fault_point: FaultPoint
) -> faust.App:
    """The Faust application: one agent a topic that hands records to their lanes."""
    app = Worker(
        STREAM_GROUP,
        broker=[f"kafka://{address}" for address in settings.kafka.split(",")],
        store="memory://",
        web_enabled=False,
        topic_disable_leader=True,
        topic_allow_declare=False,
        consumer_auto_offset_reset="earliest",
        broker_commit_interval=1.0,
        broker_session_timeout=6.0,
        broker_heartbeat_interval=1.5,
        broker_request_timeout=30.0,
        stream_buffer_maxsize=16,
        stream_wait_empty=False,
        stream_processing_timeout=3600.0,
    )
    app.fault_point = fault_point
    for name in topics:
        _add_agent(app, name, lanes)

    async def begin_at_the_fences(sender: AppT, *_: Any, **__: Any) -> None:
        """Runs before Faust seeks: commit the fences, and have it seek there."""
        consumer = cast(FencedConsumer, sender.consumer)
        try:
            begin = await lanes.open(consumer.assignment())
            await _refuse_expired(consumer, begin)
            consumer.fences = begin
            if begin and not await consumer._commit(begin):
                log.warning("a rebalance came between; its successor begins at the fences")
        except Exception as error:  # noqa: BLE001  Faust would log it and go on without a seek
            _end_process(error, "assignment")

    async def let_go(*_: Any, **__: Any) -> None:
        """Before others are given the partitions: what they read as the fence should stay it."""
        await lanes.close_lanes()

    app.on_partitions_revoked.connect(let_go)
    app.on_rebalance_complete.connect(begin_at_the_fences)  # type: ignore[arg-type]
    return app


def _add_agent(app: faust.App, name: str, lanes: Lanes) -> None:
    topic = app.topic(name, key_serializer="raw", value_serializer="raw", value_type=bytes)

    async def hand_to_lane(stream: Stream[Any]) -> None:
        async for event in stream.noack().events():
            message = event.message
            record = Record(
                partition=message.partition,
                offset=message.offset,
                time=int(message.timestamp * 1000),
                value=event.value or b"",
                acknowledge=event.ack,
            )
            await lanes.put(message.tp, record)

    app.agent(topic, name=f"lane:{name}")(hand_to_lane)  # type: ignore[arg-type]


async def _refuse_expired(consumer: Consumer, begin: Mapping[TP, int]) -> None:
    """Raises RebuildNeeded where Kafka no longer has what a fence needs next."""
    earliest = await consumer.earliest_offsets(*begin)
    for tp, offset in begin.items():
        if earliest.get(tp, 0) > offset:
            raise RebuildNeeded(
                f"{tp.topic}[{tp.partition}]: live state stands at {offset}, Kafka begins at "
                f"{earliest[tp]}; run: footfall rebuild"
            )


def stages(settings: Settings, site: Site) -> list[Stage]:
    """All stages, as one worker runs them."""
    if site.geo is None:
        log.info("the site file names no geo database: countries stay empty")
    return [
        DeviceStage(site, settings.secret_key),
        AliasStage(settings.secret_key),
        PersonStage(site, settings.secret_key),
        JoinStage(site, settings.secret_key),
        RejectedStage(),
    ]


async def run(
    settings: Settings,
    stages: Sequence[Stage],
    stop: asyncio.Event,
    on_ready: Callable[[Lanes], None],
    listen: Listen = nobody_listens,
) -> None:
    """Work until `stop` is set; then finish the batches in flight and leave the group.

    `listen` gets what tells how far the lanes are behind.
    """
    fault_point = fault_point_from(os.environ)
    lanes = Lanes(settings, stages, fault_point)
    app = create_app(settings, lanes, [stage.topic.name for stage in stages], fault_point)
    await app.start()
    on_ready(lanes)
    lag = Lag(lanes.standings, lambda tp: cast(FencedConsumer, app.consumer).end_of(tp))
    listen(lag.told, asyncio.get_running_loop())
    log.info("folding %s", ", ".join(stage.topic.name for stage in stages))
    await stop.wait()
    try:
        async with asyncio.timeout(_STOP_S):
            await app.stop()
            await lanes.close()
    except TimeoutError:
        # what was not acknowledged is folded again by whoever comes next; the fences know
        log.warning("Kafka does not answer; leaving without a word")
        logging.shutdown()
        os._exit(0)
