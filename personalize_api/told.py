"""What this service says of itself in its heartbeat: decisions a minute, what waits for Kafka."""

from __future__ import annotations

import time

from personalize_api.decision.decisions import DecisionLog
from personalize_api.metrics import Metrics
from schemas.heartbeat import ALONE, MINUTES, StageBeat, Told

STAGE = "personalize.decisions"


class Telling:
    """Called every two seconds; what was counted since the last call is of the minute of now."""

    def __init__(self, metrics: Metrics, decisions: DecisionLog) -> None:
        self._metrics = metrics
        self._log = decisions
        self._before = metrics.decided_so_far()
        self._decisions: dict[int, int] = {}
        self._degraded: dict[int, int] = {}

    def told(self) -> Told:
        minute = int(time.time() // 60)
        before, self._before = self._before, self._metrics.decided_so_far()
        self._decisions = _with(self._decisions, minute, self._before[0] - before[0])
        self._degraded = _with(self._degraded, minute, self._before[1] - before[1])
        waiting = StageBeat(STAGE, ALONE, self._log.waiting, round(self._log.oldest_s(), 3))
        return Told(stages=[waiting], decisions=self._decisions, degraded=self._degraded)


def _with(minutes: dict[int, int], minute: int, count: int) -> dict[int, int]:
    """With more in a minute; what is an hour old is let go."""
    kept = {each: n for each, n in minutes.items() if each > minute - MINUTES}
    if count > 0:
        kept[minute] = kept.get(minute, 0) + count
    return kept
