"""Live outcomes of experiments: sums of the stream's counters in Redis, for people to read.

In a window those persons count who were first shown an arm within it; `total` is the experiment's
whole life. `footfall report experiments` asks ClickHouse the same (sinks/clickhouse/views,
report_experiments); it also remembers whom live state has forgotten (`retention.visitors`) and who
is then first shown an arm again.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Mapping
from typing import Literal

import msgspec
import redis.asyncio
from redis.exceptions import RedisError

from personalize_api.errors import StateUnavailable
from personalize_api.experiments.arm_weights import ArmWeights
from personalize_api.experiments.outcomes import Outcome, by_arm, read_since, read_totals
from personalize_api.seldom import SeldomLogger
from schemas.current_site import CurrentSite
from schemas.funnel_result import iso_time
from schemas.site import Experiment

_AT_MOST_EVERY_S = 0.95
_SOCKET_TIMEOUT_S = 2.0


class LiveArm(msgspec.Struct, frozen=True, kw_only=True):
    name: str  # 'holdout' got the homepage's default
    exposed: int  # persons
    converted: int
    rate: float | None  # None: nobody was exposed


class LiveExperiment(msgspec.Struct, frozen=True, kw_only=True):
    """Times are ISO 8601, UTC. Arms by name."""

    name: str
    goal: str
    allocation: Literal["fixed", "thompson"]
    from_: str = msgspec.field(name="from")
    to: str
    arms: list[LiveArm]  # of persons first shown an arm from `from` on
    total: list[LiveArm]  # of all
    media: dict[str, list[LiveArm]]  # of all, by the referrer medium they came by
    weights: dict[str, dict[str, float]]  # medium -> arm -> its share of newcomers; {}: by the file


class _Computed(msgspec.Struct):
    at: float  # monotonic, s
    experiments: list[LiveExperiment]


class LiveExperiments:
    """Must be made and used in one event loop."""

    def __init__(self, redis_url: str, site: CurrentSite, weights: ArmWeights) -> None:
        self._redis = redis.asyncio.Redis.from_url(
            redis_url, socket_timeout=_SOCKET_TIMEOUT_S, socket_connect_timeout=_SOCKET_TIMEOUT_S
        )
        self._site = site
        self._weights = weights
        self._log = SeldomLogger(logging.getLogger(__name__))
        self._computed: dict[int, _Computed] = {}
        self._computing = asyncio.Lock()

    async def all(self, minutes: int) -> list[LiveExperiment]:
        """Every experiment of the site file. Raises StateUnavailable."""
        async with self._computing:
            known = self._computed.get(minutes)
            if known is not None and time.monotonic() - known.at < _AT_MOST_EVERY_S:
                return known.experiments
            started = time.monotonic()
            to_ms = time.time_ns() // 1_000_000
            try:
                experiments = self._site.site.experiments.values()
                found = [await self._sum(each, to_ms, minutes) for each in experiments]
            except (RedisError, OSError) as error:
                self._log.warning("live experiments cannot be read: %s", error)
                message = "live counters cannot be read: Redis is not there"
                raise StateUnavailable(message) from error
            self._computed = {minutes: _Computed(started, found)}
            return found

    async def close(self) -> None:
        await self._redis.aclose()

    async def _sum(self, experiment: Experiment, to_ms: int, minutes: int) -> LiveExperiment:
        to_minute = to_ms // 60_000
        from_minute = (to_ms - minutes * 60_000) // 60_000
        recent = await read_since(self._redis, experiment, from_minute, to_minute)
        total = await read_totals(self._redis, experiment)
        if garbled := recent.garbled + total.garbled:
            self._log.warning("%d counters of %s are garbled", garbled, experiment.name)
        of_all = total.outcomes()
        return LiveExperiment(
            name=experiment.name,
            goal=experiment.goal,
            allocation=experiment.allocation,
            from_=iso_time(from_minute * 60_000),
            to=iso_time(to_ms),
            arms=_arms(by_arm(recent.outcomes())),
            total=_arms(by_arm(of_all)),
            media={medium: _arms(arms) for medium, arms in sorted(of_all.items())},
            weights={
                medium: dict(split.weights)
                for medium, split in sorted(self._weights.of(experiment).items())
            },
        )


def _arms(outcomes: Mapping[str, Outcome]) -> list[LiveArm]:
    return [
        LiveArm(
            name=arm,
            exposed=exposed,
            converted=converted,
            rate=round(converted / exposed, 6) if exposed else None,
        )
        for arm, (exposed, converted) in sorted(outcomes.items())
    ]
