"""What became of the persons of an experiment: the view report_experiments, read."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
from clickhouse_driver import Client

from infra.reports.experiment_statistics import Sums
from personalize_api.experiments.outcomes import Outcome
from schemas.site import Experiment

_QUERY = """
SELECT arm, referrer_medium, exposed, converted, revenue, revenue_squares, rate_unknown
FROM report_experiments(
    experiment = {experiment:String},
    goal = {goal:String},
    within_s = {within_s:UInt32},
    since = fromUnixTimestamp64Milli({since:Int64}, 'UTC'),
    until = fromUnixTimestamp64Milli({until:Int64}, 'UTC')
)
ORDER BY arm, referrer_medium
"""


class Found(msgspec.Struct, frozen=True):
    """Of persons who were first shown an arm in some time. Money is in the site's currency."""

    media: Mapping[str, Mapping[str, Outcome]]  # referrer medium -> arm -> outcome
    arms: Mapping[str, Outcome]
    paid: Mapping[str, Sums]  # by arm
    rate_unknown: int  # orders of a currency for which the site file has no rate


def find(client: Client, experiment: Experiment, since_ms: int, until_ms: int) -> Found:
    """Of persons first exposed in [since, until).

    `client`: made by `connect`. Raises clickhouse_driver.errors.Error, OSError.
    """
    within_s = experiment.within_ms // 1000
    given = {"experiment": experiment.name, "goal": experiment.goal, "within_s": within_s}
    rows = client.execute(_QUERY, given | {"since": since_ms, "until": until_ms})
    media: dict[str, dict[str, Outcome]] = {}
    arms: dict[str, Outcome] = {}
    paid: dict[str, Sums] = {}
    for arm, medium, exposed, converted, revenue, squares, _ in rows:
        outcome = Outcome(exposed, converted)
        media.setdefault(medium, {})[arm] = outcome
        arms[arm] = arms.get(arm, Outcome()).plus(outcome)
        n, total, before = paid.get(arm, Sums(0, 0.0, 0.0))
        paid[arm] = Sums(n + exposed, total + revenue, before + squares)
    return Found(media, arms, paid, sum(row[-1] for row in rows))
