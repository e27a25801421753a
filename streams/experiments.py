"""Live outcomes of experiments: where a person stands, by what the person's devices say.

A person counts once an experiment, in the arm, referrer medium and minute of the earliest exposure
of all; as converted when the experiment's goal came at that time or later, and in the time that the
site file gives it. When that changes, the difference is applied: to the counters of minutes, inside
the live horizon, and to totals of the experiment's whole life, without a horizon, so that what
comes of a join or a split months later is still exact.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from schemas.activity import EXPOSURE, first_exposures, reached
from schemas.person_state import PersonState
from schemas.persons import counting
from schemas.redis_keys import experiment_field, experiment_key, experiment_total_key, funnel_field
from schemas.site import Site

EXPOSED, CONVERTED = 0, 1


class Standing(NamedTuple):
    """One person in one counter."""

    experiment: str  # Experiment.key
    minute: int  # since 1970
    step: int  # EXPOSED or CONVERTED
    arm: str
    medium: str  # that the person came by


class Experiments:
    """A site's experiments, asked about persons."""

    def __init__(self, site: Site) -> None:
        self._experiments = {each.key: each for each in site.experiments.values()}

    def changes(
        self, before: PersonState | None, after: PersonState | None
    ) -> Iterator[tuple[Standing, int]]:
        """(a counter that the person left or entered, -1 or 1)."""
        old, new = self.standings(before), self.standings(after)
        for standing in sorted(old ^ new):
            yield standing, (1 if standing in new else -1)

    def standings(self, state: PersonState | None) -> set[Standing]:
        """Where a person stands."""
        if state is None or not state.counted or not self._experiments:
            return set()
        activities = [held.activity for held in counting(state).values() if held.activity]
        if not any(name[0] == EXPOSURE for activity in activities for name in activity):
            return set()
        found = set()
        for key, (time, arm, medium) in first_exposures(activities).items():
            experiment = self._experiments.get(key)
            if experiment is None:
                continue
            goal, minute = experiment.goal, time // 60_000
            found.add(Standing(key, minute, EXPOSED, arm, medium))
            if goal and reached(activities, goal, time, experiment.within_ms):
                found.add(Standing(key, minute, CONVERTED, arm, medium))
        return found


def minute_counter(partition: int, standing: Standing) -> tuple[str, str]:
    """(key, field) of the counter of the minute of the person's first exposure."""
    key = experiment_key(partition, standing.experiment, standing.minute // 60)
    return key, funnel_field(standing.minute % 60, standing.step, standing.medium, standing.arm)


def total_counter(partition: int, standing: Standing) -> tuple[str, str]:
    """(key, field) of the counter of the experiment's whole life."""
    key = experiment_total_key(partition, standing.experiment)
    return key, experiment_field(standing.step, standing.medium, standing.arm)
