"""Delivers one block: rows into ClickHouse, then refused lines to `footfall.rejected`."""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable

from schemas.faults import FaultPoint, no_fault
from sinks.clickhouse import metrics
from sinks.clickhouse.blocks import Block
from sinks.clickhouse.errors import Abandoned, SinkError, Unavailable
from sinks.clickhouse.forgotten import Forgotten
from sinks.clickhouse.insert import Inserter
from sinks.clickhouse.rejections import RejectionPublisher
from sinks.clickhouse.rows import REJECTED, TABLES
from sinks.clickhouse.status import Server, Status

_log = logging.getLogger(__name__)

_BACKOFF_S = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0)


class Delivery:
    """Retries in place while a server is away, until `stop` is set."""

    def __init__(
        self,
        inserter: Inserter,
        publisher: RejectionPublisher,
        status: Status,
        stop: threading.Event,
        forgotten: Forgotten,
        fault_point: FaultPoint = no_fault,
    ) -> None:
        self._inserter = inserter
        self._publisher = publisher
        self._status = status
        self._stop = stop
        self._forgotten = forgotten
        self._fault_point = fault_point

    def await_clickhouse(self) -> None:
        """Returns when the tables are there. Raises Abandoned."""
        self._persist("clickhouse", self._inserter.check_tables)

    def deliver(self, block: Block) -> None:
        """When this returns, every line of the block is in ClickHouse or in `footfall.rejected`.

        Raises Abandoned; then part of them may be, and all have to be delivered again.
        """
        began = time.monotonic()
        self._fault_point("sink.taken")
        self._persist("clickhouse", lambda: self._insert(block))
        self._fault_point("sink.inserted")
        self._persist("kafka", lambda: self._publisher.publish(block.rejected))
        self._fault_point("sink.published")
        metrics.BLOCK_SECONDS.observe(time.monotonic() - began)
        metrics.FRESHNESS_SECONDS.observe(max(0.0, time.time() - block.oldest_ms / 1000))
        metrics.BLOCKS.inc()
        for reason, count in Counter(rejected.reason for rejected in block.rejected).items():
            metrics.REJECTED.labels(reason).inc(count)

    def _insert(self, block: Block) -> None:
        self._forgotten.refresh(self._inserter)
        metrics.FORGOTTEN.inc(self._forgotten.take_out(block))
        # footfall.rejected comes once more: what replaces its bad lines
        for table in (*TABLES, REJECTED):
            if rows := block.rows.get(table.name):
                refused = self._inserter.insert(table, rows.lines)
                metrics.ROWS.labels(table.name).inc(len(rows.lines) - len(refused))
                block.stored(table, refused)
                self._fault_point(f"sink.{table.name}")
        if block.rows:
            raise SinkError("ClickHouse does not even store the refusal of a refusal")

    def _persist(self, server: Server, action: Callable[[], None]) -> None:
        attempt = 0
        while True:
            try:
                action()
            except Unavailable as error:
                self._status.fails(server, str(error))
                wait_s = _BACKOFF_S[min(attempt, len(_BACKOFF_S) - 1)]
                _log.warning("%s, again in %.1f s: %s", server, wait_s, error)
                if self._stop.wait(wait_s):
                    raise Abandoned(str(error)) from error
                attempt += 1
            else:
                self._status.works(server)
                return
