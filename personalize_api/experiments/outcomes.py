"""Live outcomes of an experiment, as the stream counts them in Redis: by referrer medium and arm.

Of an experiment those persons count who were first shown an arm of it; as converted who reached its
goal then or later, within the time that the site file gives it. `read_totals`: of its whole life;
`read_since`: of the last hours, by the minute of the first exposure.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from redis.asyncio import Redis
from redis.exceptions import ResponseError

from schemas.redis_keys import experiment_key, experiment_total_key
from schemas.site import Experiment
from schemas.topics import REGISTERS


class Outcome(NamedTuple):
    """Of one arm."""

    exposed: int = 0  # persons
    converted: int = 0

    def plus(self, other: Outcome) -> Outcome:
        return Outcome(self.exposed + other.exposed, self.converted + other.converted)

    def less(self, other: Outcome) -> Outcome:
        """Never below nothing: two counters are not read at one instant."""
        exposed = max(0, self.exposed - other.exposed)
        return Outcome(exposed, min(exposed, max(0, self.converted - other.converted)))


Outcomes = Mapping[str, Mapping[str, Outcome]]
"""Referrer medium -> arm -> its outcome, of those that somebody was shown."""

Hash = Mapping[bytes, bytes]


class Counts:
    """Adds up counters of one experiment."""

    def __init__(self) -> None:
        self._counts: Counter[tuple[str, str, int]] = Counter()
        self.garbled = 0

    def add_minutes(self, hour: int, counters: Hash, from_minute: int) -> None:
        """One partition's counters of an hour (since 1970), from a minute (since 1970) on."""
        for field, count in counters.items():
            try:
                minute, step, medium, arm = field.decode().split("|", 3)
                if hour * 60 + int(minute) >= from_minute:
                    self._counts[medium, arm, int(step)] += int(count)
            except ValueError:
                self.garbled += 1

    def add_totals(self, counters: Hash) -> None:
        """One partition's counters of the experiment's whole life."""
        for field, count in counters.items():
            try:
                step, medium, arm = field.decode().split("|", 2)
                self._counts[medium, arm, int(step)] += int(count)
            except ValueError:
                self.garbled += 1

    def outcomes(self) -> dict[str, dict[str, Outcome]]:
        found: dict[str, dict[str, Outcome]] = {}
        for medium, arm, step in self._counts:
            if step == 0 and (exposed := self._counts[medium, arm, 0]) > 0:
                outcome = Outcome(exposed, self._counts.get((medium, arm, 1), 0))
                found.setdefault(medium, {})[arm] = outcome
        return found


def by_arm(outcomes: Outcomes) -> dict[str, Outcome]:
    """Of all media together."""
    added: dict[str, Outcome] = {}
    for arms in outcomes.values():
        for arm, outcome in arms.items():
            added[arm] = added.get(arm, Outcome()).plus(outcome)
    return added


def without(outcomes: Outcomes, others: Outcomes) -> dict[str, dict[str, Outcome]]:
    """`outcomes` less `others`, which are some of them."""
    return {
        medium: {
            arm: outcome.less(others.get(medium, {}).get(arm, Outcome()))
            for arm, outcome in arms.items()
        }
        for medium, arms in outcomes.items()
    }


async def read_totals(redis: Redis, experiment: Experiment) -> Counts:
    """Raises redis.exceptions.RedisError, OSError."""
    counts = Counts()
    keys = [experiment_total_key(p, experiment.key) for p in range(REGISTERS.partitions)]
    for counters in await _hashes(redis, keys):
        counts.add_totals(counters)
    return counts


async def read_since(
    redis: Redis, experiment: Experiment, from_minute: int, to_minute: int
) -> Counts:
    """Minutes since 1970. Raises redis.exceptions.RedisError, OSError."""
    counts = Counts()
    for hour in range(from_minute // 60, to_minute // 60 + 1):
        keys = [experiment_key(p, experiment.key, hour) for p in range(REGISTERS.partitions)]
        for counters in await _hashes(redis, keys):
            counts.add_minutes(hour, counters, from_minute)
    return counts


async def _hashes(redis: Redis, keys: Iterable[str]) -> list[Hash]:
    """What is no hash is left out."""
    async with redis.pipeline(transaction=False) as pipe:
        for key in keys:
            pipe.hgetall(key)
        found = await pipe.execute(raise_on_error=False)
    return [counters for counters in found if not isinstance(counters, ResponseError)]
