"""experiments: of the persons first shown each arm, how many reached the experiment's goal."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import msgspec
from clickhouse_driver import Client

from infra.reports.intervals import MIN_N, wilson
from infra.reports.report import Column, Picture, Report, Row, local_time
from schemas.site import Experiment, Site

_QUERY = """
SELECT arm, exposed, converted
FROM report_experiments(
    experiment = {experiment:String},
    goal = {goal:String},
    since = fromUnixTimestamp64Milli({since:Int64}, 'UTC'),
    until = fromUnixTimestamp64Milli({until:Int64}, 'UTC')
)
ORDER BY arm
"""


class ArmRow(msgspec.Struct, frozen=True, kw_only=True):
    """One arm. `rate` is a fraction with its 95 % interval."""

    experiment: str
    arm: str
    exposed: int  # persons
    converted: int
    rate: float
    rate_low: float
    rate_high: float


def outcomes(client: Client, site: Site, since_ms: int, until_ms: int) -> list[ArmRow]:
    """Of persons first exposed in [since, until), by experiment of the site file and arm.

    `client`: made by `connect`. Raises clickhouse_driver.errors.Error, OSError.
    """
    rows = []
    for experiment in site.experiments.values():
        given = {"experiment": experiment.name, "goal": experiment.goal}
        window = {"since": since_ms, "until": until_ms}
        found: list[tuple[str, int, int]] = client.execute(_QUERY, given | window)
        rows += [_row(experiment, *one) for one in found]
    return rows


def _row(experiment: Experiment, arm: str, exposed: int, converted: int) -> ArmRow:
    low, high = wilson(converted, exposed)
    return ArmRow(
        experiment=experiment.name,
        arm=arm,
        exposed=exposed,
        converted=converted,
        rate=converted / exposed,
        rate_low=low,
        rate_high=high,
    )


def report(client: Client, site: Site, since_ms: int, until_ms: int) -> Report:
    """The report: every experiment of the site file that somebody was shown."""
    rows = outcomes(client, site, since_ms, until_ms)
    zone = ZoneInfo(site.timezone)
    return Report(
        name="experiments",
        title="Experiments",
        sentence=_sentence(rows),
        since=local_time(since_ms, zone),
        until=local_time(until_ms, zone),
        columns=_COLUMNS,
        rows=tuple(_cells(row) for row in rows),
        notes=(
            "A person counts in the arm that was shown first, on whatever device, and once.",
            "No verdict yet: arms are shown with their intervals.",
        ),
        picture=Picture(
            title="Persons who reached the goal, with the 95% interval",
            value="rate",
            n="exposed",
            least_n=MIN_N,
        ),
    )


_COLUMNS = (
    Column(name="experiment", kind="text", what="Experiment of the site file"),
    Column(name="arm", kind="text", what="The person's arm; holdout got the default homepage"),
    Column(name="exposed", what="Persons who were first shown any arm in this time"),
    Column(name="converted", what="Those who then reached the experiment's goal, whenever"),
    Column(
        name="rate",
        kind="rate",
        bounds=("rate_low", "rate_high"),
        what="Converted, of exposed; 95% interval (Wilson's score)",
    ),
    Column(name="rate_low", kind="rate", what="Lower end of the 95% interval"),
    Column(name="rate_high", kind="rate", what="Upper end of the 95% interval"),
)


def _cells(row: ArmRow) -> Row:
    return tuple(getattr(row, name) for name in ArmRow.__struct_fields__)


def _sentence(rows: list[ArmRow]) -> str:
    if not rows:
        return "Nobody was first shown an experiment in this time."
    exposed, converted = sum(row.exposed for row in rows), sum(row.converted for row in rows)
    return f"{exposed:,} persons were first shown an experiment; {converted:,} reached its goal."
