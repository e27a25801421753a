"""How Thompson's experiments divide newcomers now: read from live outcomes every few seconds.

A guard against the delay of conversions: who was first shown an arm less than `delay` ago says
nothing yet, neither that it worked nor that it did not. Otherwise an arm with many new visitors
would look worse than one that had its visitors long ago, and one that sells at once better than
one that sells tomorrow. So outcomes are the totals less those of the last minutes.

Without Redis the last known weights stay; where there are none, the weights of the site file do.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import time
from collections.abc import Mapping

import redis.asyncio
from redis.exceptions import RedisError

from personalize_api.ending import end
from personalize_api.experiments.arms import Split
from personalize_api.experiments.outcomes import Outcomes, read_since, read_totals, without
from personalize_api.experiments.thompson import weights
from personalize_api.seldom import SeldomLogger
from schemas.current_site import CurrentSite
from schemas.site import Experiment

EVERY_S = 5.0
_SOCKET_TIMEOUT_S = 2.0

logger = logging.getLogger(__name__)


class ArmWeights:
    """Must be made and used in one event loop, which `start`s and `close`s it."""

    def __init__(self, redis_url: str, site: CurrentSite) -> None:
        self._redis = redis.asyncio.Redis.from_url(
            redis_url, socket_timeout=_SOCKET_TIMEOUT_S, socket_connect_timeout=_SOCKET_TIMEOUT_S
        )
        self._site = site
        self._splits: dict[str, Mapping[str, Split]] = {}  # by Experiment.key, then medium
        self._known: dict[str, tuple[Experiment, Outcomes]] = {}
        self._log = SeldomLogger(logger)
        self._changed = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        site.subscribe(lambda _: self._changed.set())

    def split(self, experiment: Experiment, medium: str) -> Split | None:
        """How who comes by this medium is divided. None: by the weights of the site file, as long
        as nothing is known of visitors by this medium.
        """
        split = self.of(experiment).get(medium)
        return split if split and split.weights.keys() == experiment.arms.keys() else None

    def of(self, experiment: Experiment) -> Mapping[str, Split]:
        """By medium; nothing where arms are not allocated so, or nothing could be read yet."""
        if experiment.allocation != "thompson":
            return {}
        return self._splits.get(experiment.key, {})

    def start(self) -> None:
        self._task = asyncio.create_task(self._run())
        self._task.add_done_callback(_tell)

    async def close(self) -> None:
        await end(self._task)
        await self._redis.aclose()

    async def refresh(self) -> None:
        """Reads outcomes, and divides anew where they changed. Never raises for want of Redis."""
        learning = [e for e in self._site.site.experiments.values() if e.allocation == "thompson"]
        for gone in self._splits.keys() - {each.key for each in learning}:
            del self._splits[gone], self._known[gone]
        for experiment in learning:
            try:
                outcomes = await self._matured(experiment)
            except (RedisError, OSError) as error:
                self._log.warning("arms keep their weights, outcomes cannot be read: %s", error)
                return
            if self._known.get(experiment.key) != (experiment, outcomes):
                self._splits[experiment.key] = await _splits(experiment, outcomes)
                self._known[experiment.key] = experiment, outcomes

    async def _run(self) -> None:
        """With no such experiment it only waits for the next site file."""
        while True:
            self._changed.clear()
            await self.refresh()
            experiments = self._site.site.experiments.values()
            learns = any(each.allocation == "thompson" for each in experiments)
            try:
                await asyncio.wait_for(self._changed.wait(), EVERY_S if learns else None)
            except TimeoutError:
                continue

    async def _matured(self, experiment: Experiment) -> Outcomes:
        """Of persons who were first shown an arm at least the delay ago."""
        now_ms = time.time_ns() // 1_000_000
        young_from = (now_ms - experiment.delay_ms) // 60_000
        young = await read_since(self._redis, experiment, young_from, now_ms // 60_000)
        total = await read_totals(self._redis, experiment)
        if garbled := young.garbled + total.garbled:
            self._log.warning("%d counters of %s are garbled", garbled, experiment.name)
        return without(total.outcomes(), young.outcomes())


def _tell(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        logger.error("arms keep the weights they have: %s", error, exc_info=error)


async def _splits(experiment: Experiment, outcomes: Outcomes) -> dict[str, Split]:
    splits = {}
    for medium, arms in outcomes.items():
        mine = {arm: outcome for arm, outcome in arms.items() if arm in experiment.arms}
        if any(outcome.exposed for outcome in mine.values()):
            shares = weights(experiment.arms, mine, experiment.floor)
            splits[medium] = Split(shares, f"thompson for visitors by {medium}: {_text(shares)}")
        await asyncio.sleep(0)  # a few milliseconds each: visitors wait in the same loop
    return splits


def _text(shares: Mapping[str, float]) -> str:
    """The weights, and by what their version is told from others."""
    listed = ", ".join(f"{arm} {share:.1%}" for arm, share in shares.items())
    told = repr(sorted(shares.items())).encode()
    return f"{listed}; version {hashlib.blake2b(told, digest_size=3).hexdigest()}"
