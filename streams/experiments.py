"""Live outcomes of experiments: where a person stands, by what the person's devices say.

A person counts once an experiment, in the arm and the minute of the earliest exposure of all; as
converted when the experiment's goal came at that time or later. When that changes, the difference
is applied.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from schemas.activity import EXPOSURE, first_exposures, reached_since
from schemas.persons import counting
from schemas.redis_keys import PersonState, experiment_key, funnel_field
from schemas.site import Site
from schemas.topics import REGISTERS, partition_of

EXPOSED, CONVERTED = 0, 1


class Standing(NamedTuple):
    """One person in one counter."""

    experiment: str  # Experiment.key
    minute: int  # since 1970
    step: int  # EXPOSED or CONVERTED
    arm: str


class Experiments:
    """A site's experiments, asked about persons."""

    def __init__(self, site: Site) -> None:
        self._goals = {each.key: each.goal for each in site.experiments.values()}

    def changes(
        self, person: str, before: PersonState | None, after: PersonState | None
    ) -> Iterator[tuple[tuple[str, str], int]]:
        """((counter's key, field), -1 or 1) of each counter that the person left or entered."""
        old, new = self.standings(before), self.standings(after)
        if old == new:
            return
        partition = partition_of(person, REGISTERS)
        for standing in sorted(old ^ new):
            key = experiment_key(partition, standing.experiment, standing.minute // 60)
            field = funnel_field(standing.minute % 60, standing.step, "arm", standing.arm)
            yield (key, field), (1 if standing in new else -1)

    def standings(self, state: PersonState | None) -> set[Standing]:
        """Where a person stands."""
        if state is None or not state.counted or not self._goals:
            return set()
        activities = [held.activity for held in counting(state).values() if held.activity]
        if not any(name[0] == EXPOSURE for activity in activities for name in activity):
            return set()
        found = set()
        for key, (time, arm) in first_exposures(activities).items():
            goal = self._goals.get(key)
            if goal is None:
                continue
            found.add(Standing(key, time // 60_000, EXPOSED, arm))
            if goal and reached_since(activities, goal, time):
                found.add(Standing(key, time // 60_000, CONVERTED, arm))
        return found
