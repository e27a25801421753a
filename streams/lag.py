"""How far each lane is behind: records up to the end of its partition, and how old the oldest is.

The end is what the last fetch told. Of what lies between there and what the lane has in hand the
age is not known; it counts from when it was first noticed.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

import msgspec
from faust.types import TP

from schemas.heartbeat import StageBeat, Told
from streams import metrics


class Standing(msgspec.Struct, frozen=True):
    """Where a lane stands."""

    offset: int  # the next one to be applied
    in_hand: int  # records that it has taken
    oldest_ms: int  # Kafka's timestamp of the first of those; 0 without any


Standings = Callable[[], Mapping[TP, Standing]]
EndOf = Callable[[TP], int | None]
"""The offset behind a partition's last record, None while it is not known."""


class Lag:
    """Measured whenever `told` is called, in the event loop; kept in the metrics too."""

    def __init__(self, standings: Standings, end_of: EndOf) -> None:
        self._standings = standings
        self._end_of = end_of
        self._told: set[TP] = set()
        self._noticed: dict[TP, float] = {}  # monotonic: since when something waits unseen

    def told(self) -> Told:
        now_ms, now_s = time.time() * 1000, time.monotonic()
        stages, noticed = [], {}
        standings = self._standings()
        for tp in self._told - standings.keys():
            metrics.LAG.remove(tp.topic, tp.partition)
            metrics.LAG_SECONDS.remove(tp.topic, tp.partition)
        self._told = set(standings)
        for tp, standing in standings.items():
            behind = max((self._end_of(tp) or 0) - standing.offset, standing.in_hand)
            behind_s = 0.0
            if standing.oldest_ms:
                behind_s = max(0.0, (now_ms - standing.oldest_ms) / 1000)
            elif behind > 0:
                noticed[tp] = self._noticed.get(tp, now_s)
                behind_s = now_s - noticed[tp]
            metrics.LAG.labels(tp.topic, tp.partition).set(behind)
            metrics.LAG_SECONDS.labels(tp.topic, tp.partition).set(behind_s)
            name = f"stream.{tp.topic.removeprefix('footfall.')}"
            stages.append(StageBeat(name, tp.partition, behind, round(behind_s, 3)))
        self._noticed = noticed
        return Told(stages=stages)
