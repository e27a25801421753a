"""The sink: Kafka's enriched topics into ClickHouse, each event exactly once for its readers.

    fetch ─▶ check ─▶ insert ─▶ publish rejections ─▶ commit
             bad: footfall.rejected   away: retry in place

Offsets are committed last, so a killed sink delivers a block again; ClickHouse collapses rows
that were there already. One block is on its way while the next one is collected.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor, wait

from schemas.faults import FaultPoint, no_fault
from schemas.heartbeat import Listen, nobody_listens
from schemas.settings import Settings
from sinks.clickhouse.blocks import Block, Place
from sinks.clickhouse.consumer import SinkConsumer, TopicsChanged
from sinks.clickhouse.delivery import Delivery
from sinks.clickhouse.errors import Abandoned, Unavailable
from sinks.clickhouse.forgotten import Forgotten
from sinks.clickhouse.insert import Inserter
from sinks.clickhouse.lag import Lag
from sinks.clickhouse.rejections import RejectionPublisher
from sinks.clickhouse.status import Status

__all__ = ["Status", "run"]

_log = logging.getLogger(__name__)

MAX_ROWS = 50_000
MAX_BYTES = 32 * 1024 * 1024
MAX_AGE_S = 0.5
_FETCH_S = 0.1
_CHECK_S = 1.0  # how often an idle sink looks after its topics and lags
_REOPEN_S = 0.5


def run(
    settings: Settings,
    stop: threading.Event,
    status: Status | None = None,
    fault_point: FaultPoint = no_fault,
    listen: Listen = nobody_listens,
) -> None:
    """Work until `stop` is set; then deliver and commit what was taken, and return.

    `listen` gets what tells how far it is behind.

    Waits for servers and topics that are not there, and for those that come back.
    """
    status = status or Status()
    lag = Lag()
    listen(lag.told, None)
    inserter = Inserter(settings.clickhouse)
    publisher = RejectionPublisher(settings.kafka)
    forgotten = Forgotten(settings.secret_key)
    delivery = Delivery(inserter, publisher, status, stop, forgotten, fault_point)
    try:
        delivery.await_clickhouse()
        with ThreadPoolExecutor(1, thread_name_prefix="delivery") as pool:
            _run_memberships(settings.kafka, stop, status, delivery, pool, fault_point, lag)
    except Abandoned as error:
        _log.warning("stopped with a block undelivered; the next run delivers it: %s", error)
    finally:
        inserter.close()
        publisher.close()


def _run_memberships(
    bootstrap_servers: str,
    stop: threading.Event,
    status: Status,
    delivery: Delivery,
    pool: ThreadPoolExecutor,
    fault_point: FaultPoint,
    lag: Lag,
) -> None:
    """One membership in the group after the other; a new one whenever topics have changed."""
    distrusted: frozenset[Place] = frozenset()
    while not stop.is_set():
        try:
            consumer = SinkConsumer(bootstrap_servers, distrusted)
            with contextlib.closing(consumer):
                try:
                    _Membership(consumer, stop, status, delivery, pool, fault_point, lag).work()
                except TopicsChanged:
                    distrusted = _await_topics(consumer, stop, status)
        except Unavailable as error:
            _log.warning("Kafka: %s", error)
            status.fails("kafka", str(error))
            stop.wait(_REOPEN_S)


def _await_topics(
    consumer: SinkConsumer, stop: threading.Event, status: Status
) -> frozenset[Place]:
    """Until all topics are there again: which partitions the next membership distrusts."""
    while not stop.is_set():
        try:
            return consumer.distrusted_from_now()
        except Unavailable as error:
            status.fails("kafka", str(error))
            stop.wait(_REOPEN_S)
    return frozenset()


class _Membership:
    """The loop of one membership. Kafka is touched by its thread, ClickHouse by the pool's."""

    def __init__(
        self,
        consumer: SinkConsumer,
        stop: threading.Event,
        status: Status,
        delivery: Delivery,
        pool: ThreadPoolExecutor,
        fault_point: FaultPoint,
        lag: Lag,
    ) -> None:
        self._consumer = consumer
        self._lag = lag
        self._stop = stop
        self._status = status
        self._delivery = delivery
        self._pool = pool
        self._fault_point = fault_point
        self._block = Block()
        self._on_its_way: tuple[Block, Future[None]] | None = None
        self._uncommitted: dict[Place, int] = {}
        self._checked = 0.0

    def work(self) -> None:
        """Until stopped. Raises TopicsChanged, Unavailable, Abandoned."""
        try:
            while not self._stop.is_set():
                self._take()
                self._hand_over()
                self._commit_delivered()
                self._look_after()
        finally:
            self._finish()

    def _take(self) -> None:
        """Fill the block; while a full one waits for ClickHouse, only stay in the group."""
        if self._on_its_way and self._is_full():
            wait([self._on_its_way[1]], timeout=_CHECK_S)
            if not self._on_its_way[1].done():
                self._consumer.keep_alive()
            return
        for record in self._consumer.fetch(_FETCH_S):
            self._block.add(record)

    def _is_full(self) -> bool:
        return self._block.count >= MAX_ROWS or self._block.size >= MAX_BYTES

    def _hand_over(self) -> None:
        """Send the block on its way when it is due and the one before has arrived."""
        is_free = self._on_its_way is None or self._on_its_way[1].done()
        if is_free and (self._is_full() or self._block.age >= MAX_AGE_S):
            self._collect_delivered()
            self._send()

    def _send(self) -> None:
        block, self._block = self._block, Block()
        self._on_its_way = (block, self._pool.submit(self._delivery.deliver, block))

    def _collect_delivered(self) -> None:
        """Note the offsets of the block on its way once it arrived. Raises Abandoned."""
        if self._on_its_way is not None:
            block, future = self._on_its_way
            future.result()
            self._on_its_way = None
            self._uncommitted.update(block.positions)

    def _commit_delivered(self) -> None:
        if self._on_its_way is not None and self._on_its_way[1].done():
            self._collect_delivered()
        if self._uncommitted:
            try:
                self._consumer.commit(self._uncommitted)
            except TopicsChanged:
                raise
            except Unavailable as error:  # committed with the next block, or read again
                self._status.fails("kafka", str(error))
                _log.warning("Kafka: %s", error)
                self._stop.wait(_FETCH_S)
            else:
                self._uncommitted = {}
                self._fault_point("sink.acknowledged")

    def _look_after(self) -> None:
        if time.monotonic() - self._checked < _CHECK_S:
            return
        self._checked = time.monotonic()
        self._consumer.check_topics()
        if self._consumer.is_assigned:
            self._status.works("kafka")
        undelivered = [self._block]
        if self._on_its_way is not None and not self._on_its_way[1].done():
            undelivered.append(self._on_its_way[0])
        self._lag.measure(dict(self._consumer.lags()), undelivered)

    def _finish(self) -> None:
        """Deliver and commit what was taken, as far as servers are there."""
        self._collect_delivered()
        if self._block.positions:
            self._send()
            self._collect_delivered()
        self._commit_delivered()
