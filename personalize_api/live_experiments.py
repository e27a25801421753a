"""Live outcomes of experiments: sums of the stream's minute counters in Redis.

Of an experiment those persons count who were first shown an arm of it within the window; as
converted who reached its goal then or later. `footfall report experiments` asks ClickHouse the
same (sinks/clickhouse/views, report_experiments); it also remembers whom live state has forgotten
(`retention.visitors`) and who is then first shown an arm again.
"""

from __future__ import annotations

import asyncio
import logging
import time

import msgspec
import redis.asyncio
from redis.exceptions import RedisError, ResponseError

from personalize_api.current_site import CurrentSite
from personalize_api.errors import StateUnavailable
from personalize_api.funnels import Hash, Tally
from personalize_api.seldom import SeldomLogger
from schemas.funnel_result import iso_time
from schemas.redis_keys import experiment_key
from schemas.site import Experiment, Funnel, Step
from schemas.topics import REGISTERS

_AT_MOST_EVERY_S = 0.95
_SOCKET_TIMEOUT_S = 2.0
_STEPS = (Step(name="exposed"), Step(name="converted"))


class LiveArm(msgspec.Struct, frozen=True, kw_only=True):
    name: str  # 'holdout' got the homepage's default
    exposed: int  # persons
    converted: int
    rate: float | None  # None: nobody was exposed


class LiveExperiment(msgspec.Struct, frozen=True, kw_only=True):
    """Times are ISO 8601, UTC. Arms by name."""

    name: str
    goal: str
    from_: str = msgspec.field(name="from")
    to: str
    arms: list[LiveArm]


class _Computed(msgspec.Struct):
    at: float  # monotonic, s
    experiments: list[LiveExperiment]


class LiveExperiments:
    """Must be made and used in one event loop."""

    def __init__(self, redis_url: str, site: CurrentSite) -> None:
        self._redis = redis.asyncio.Redis.from_url(
            redis_url, socket_timeout=_SOCKET_TIMEOUT_S, socket_connect_timeout=_SOCKET_TIMEOUT_S
        )
        self._site = site
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
        counted = Funnel(name=experiment.name, steps=_STEPS, by=("arm",))
        tally = Tally(counted, from_minute, to_minute)
        for hour in range(from_minute // 60, to_minute // 60 + 1):
            for counters in await self._read(experiment, hour):
                tally.add(hour, counters)
        if tally.garbled:
            self._log.warning("%d counters of %s are garbled", tally.garbled, experiment.name)
        return LiveExperiment(
            name=experiment.name,
            goal=experiment.goal,
            from_=iso_time(from_minute * 60_000),
            to=iso_time(to_ms),
            arms=[
                LiveArm(
                    name=arm,
                    exposed=exposed,
                    converted=converted,
                    rate=round(converted / exposed, 6) if exposed else None,
                )
                for arm, (exposed, converted) in sorted(tally.by.get("arm", {}).items())
                if exposed
            ],
        )

    async def _read(self, experiment: Experiment, hour: int) -> list[Hash]:
        """The hour's counters of every partition."""
        async with self._redis.pipeline(transaction=False) as pipe:
            for partition in range(REGISTERS.partitions):
                pipe.hgetall(experiment_key(partition, experiment.key, hour))
            hashes = await pipe.execute(raise_on_error=False)
        return [counters for counters in hashes if not isinstance(counters, ResponseError)]
