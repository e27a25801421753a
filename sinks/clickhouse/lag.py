"""How far the sink is behind in each partition: records up to its end, and how old the oldest is.

A record counts until its block is delivered. Of what was not even fetched the age is not known; it
counts from when it was first noticed.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Mapping

from schemas.heartbeat import StageBeat, Told
from sinks.clickhouse import metrics
from sinks.clickhouse.blocks import Block, Place


class Lag:
    """Measured by the writer's thread, told in any."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._behind: dict[Place, int] = {}
        self._since: dict[Place, float] = {}  # Unix time, s: of the oldest record that waits

    def measure(self, unfetched: Mapping[Place, int], blocks: Iterable[Block]) -> None:
        """`unfetched`: of the partitions that this sink owns. `blocks`: those not delivered yet."""
        now = time.time()
        behind, since = dict(unfetched), dict[Place, float]()
        for block in blocks:
            for place, (offset, oldest_ms) in block.firsts.items():
                if place in behind:
                    behind[place] += block.positions[place] - offset
                    since[place] = min(since.get(place, now), oldest_ms / 1000)
        with self._lock:
            for place, records in behind.items():
                if records and place not in since:
                    since[place] = self._since.get(place, now)
            gone = self._behind.keys() - behind.keys()
            self._behind, self._since = behind, since
        self._tell_metrics(gone)

    def told(self) -> Told:
        now = time.time()
        with self._lock:
            return Told(
                stages=[
                    StageBeat(
                        f"sink.{topic.removeprefix('footfall.')}",
                        partition,
                        records,
                        round(max(0.0, now - self._since.get((topic, partition), now)), 3),
                    )
                    for (topic, partition), records in self._behind.items()
                ]
            )

    def _tell_metrics(self, gone: Iterable[Place]) -> None:
        for place in gone:
            metrics.LAG.remove(*place)
            metrics.LAG_SECONDS.remove(*place)
        now = time.time()
        for place, records in self._behind.items():
            metrics.LAG.labels(*place).set(records)
            metrics.LAG_SECONDS.labels(*place).set(max(0.0, now - self._since.get(place, now)))
