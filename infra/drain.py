"""Waiting until every event accepted so far is where it belongs.

The way of an event, stage by stage: what stood in a topic when its turn came must have been taken
from it, and only then is the next topic looked at, since the stage may have written to it. Where a
topic ends is found by writing to it: an empty micro-batch in every partition, a barrier. (Asking
for the latest offset is not enough: the embedded broker answers with one that lags behind what it
has acknowledged.)
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence

import httpx
import msgspec

from infra.positions import Offsets, Positions, behind
from schemas.settings import Settings
from schemas.topics import (
    CORRECTIONS,
    DECISIONS,
    EVENTS,
    FLOW,
    IDENTITY,
    READ,
    REJECTED,
    RESOLUTIONS,
    Topic,
)

_POLL_S = 0.05
_DECISION_LINGER_S = 0.2
_DECISIONS_WAITING = re.compile(r"^footfall_decisions_waiting (\S+)$", re.MULTILINE)
_SPOOLED = re.compile(r"^footfall_collector_spool_bytes (\S+)$", re.MULTILINE)

SUNK = (EVENTS, IDENTITY, CORRECTIONS, DECISIONS, RESOLUTIONS, REJECTED)


class Missing(msgspec.Struct):
    """What had not gone on when time was up."""

    topic: str
    by: str  # the stage that has not taken it
    amount: int
    unit: str = "records"

    def __str__(self) -> str:
        return f"{self.amount:,} {self.unit} of {self.topic}, not yet taken by {self.by}"


class Lag(msgspec.Struct):
    """How far a stage is behind in one topic, in records."""

    topic: str
    by: str
    records: int


def drain(settings: Settings, timeout_s: float = 60.0) -> list[Missing]:
    """What is missing when time is up: empty where everything has arrived."""
    deadline = time.monotonic() + timeout_s
    with Positions(settings) as positions:
        _await_decisions(settings, deadline)
        if spooled := _await_spool(settings, deadline):
            return [Missing("the collector's spool", "Kafka", spooled, "bytes")]
        for topic in FLOW:
            missing = _await([topic], "stream", positions, positions.fences, deadline)
            if missing:
                return missing
        return _await(SUNK, "sink", positions, positions.committed, deadline)


def await_sunk(positions: Positions, topics: Sequence[Topic], timeout_s: float) -> list[Missing]:
    """What the sink has not taken in time of what stands in these topics now."""
    deadline = time.monotonic() + timeout_s
    return _await(topics, "sink", positions, positions.committed, deadline)


def _await_decisions(settings: Settings, deadline: float) -> None:
    """Until the service that decides has published what it decided; where it is away, at once."""
    time.sleep(_DECISION_LINGER_S)  # it says how many wait when it sends them
    _await_none(settings.url(settings.ports.personalize), _DECISIONS_WAITING, deadline)


def _await_spool(settings: Settings, deadline: float) -> int:
    """Until Kafka has what the collector kept meanwhile; bytes that still wait."""
    return _await_none(settings.url(settings.ports.collect), _SPOOLED, deadline)


def _await_none(url: str, waiting: re.Pattern[str], deadline: float) -> int:
    """What a service's metric still says when time is up; 0 where the service is away."""
    while True:
        try:
            answer = httpx.get(f"{url}/metrics", timeout=2, trust_env=False)
        except httpx.HTTPError:
            return 0
        found = waiting.search(answer.text)
        left = 0 if found is None else int(float(found[1]))
        if not left or time.monotonic() > deadline:
            return left
        time.sleep(_POLL_S)


def lags(settings: Settings) -> list[Lag]:
    """How far each stage is behind in each topic it reads."""
    with Positions(settings) as positions:
        rows = []
        for by, topics, reached in (
            ("stream", READ, positions.fences),
            ("sink", SUNK, positions.committed),
        ):
            for topic in topics:
                records = behind(positions.ends(topic), reached(topic))
                rows.append(Lag(topic.name, by, records))
        return rows


def _await(
    topics: Sequence[Topic],
    by: str,
    positions: Positions,
    reached: Callable[[Topic], Offsets],
    deadline: float,
) -> list[Missing]:
    ends = {topic: positions.barrier(topic) for topic in topics}
    while True:
        missing = [
            Missing(topic.name, by, left)
            for topic in topics
            if (left := behind(ends[topic], reached(topic)))
        ]
        if not missing or time.monotonic() > deadline:
            return missing
        time.sleep(_POLL_S)
