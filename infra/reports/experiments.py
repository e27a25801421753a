"""experiments: of the persons first shown each arm, how many reached the goal; what that says."""

from __future__ import annotations

import time
from collections.abc import Sequence
from zoneinfo import ZoneInfo

from clickhouse_driver import Client

from infra.reports.experiment_arms import ArmRow, judged
from infra.reports.experiment_outcomes import find
from infra.reports.experiment_statistics import LEAST_SAMPLE_RATIO_P
from infra.reports.intervals import MIN_N
from infra.reports.report import Column, Picture, Report, Row, local_time, with_interval
from schemas.site import Site


def outcomes(
    client: Client, site: Site, since_ms: int, until_ms: int, now_ms: int = 0
) -> tuple[list[ArmRow], list[str]]:
    """(rows, notes) of persons first exposed in [since, until), by experiment of the site file.

    With Thompson sampling the youngest are left out, as for its weights. `client`: by `connect`.
    Raises clickhouse_driver.errors.Error, OSError.
    """
    rows: list[ArmRow] = []
    notes: list[str] = []
    now_ms = now_ms or time.time_ns() // 1_000_000
    for experiment in site.experiments.values():
        end_ms = until_ms
        if experiment.allocation == "thompson":
            end_ms = min(until_ms, now_ms - experiment.delay_ms)
        found = find(client, experiment, since_ms, end_ms)
        if not found.arms:
            continue
        mine = judged(site, experiment, found)
        rows += mine
        if found.rate_unknown:
            notes.append(
                f"{experiment.name}: revenue is without {found.rate_unknown:,} orders, of "
                "currencies that have no rate in the site file."
            )
        if any(row.verdict == "mismatch" for row in mine):
            notes.append(
                f"{experiment.name}: persons are not divided as the site file says "
                f"(p = {mine[0].sample_ratio_p:.1g}), so its arms are not compared. Exposures of "
                "an arm get lost or reach the wrong persons, or weights were changed meanwhile."
            )
    return rows, notes


def report(client: Client, site: Site, since_ms: int, until_ms: int) -> Report:
    """The report: every experiment of the site file that somebody was shown."""
    rows, notes = outcomes(client, site, since_ms, until_ms)
    zone = ZoneInfo(site.timezone)
    adaptive = any(e.allocation == "thompson" for e in site.experiments.values())
    return Report(
        name="experiments",
        title="Experiments",
        sentence=_sentence(rows),
        since=local_time(since_ms, zone),
        until=local_time(until_ms, zone),
        columns=_COLUMNS,
        rows=tuple(_cells(row) for row in rows),
        notes=(*notes, *_NOTES, *(_OF_THOMPSON if adaptive else ())),
        picture=Picture(
            title="Persons who reached the goal, with the 95% interval",
            value="rate",
            n="exposed",
            least_n=MIN_N,
        ),
    )


_NOTES = (
    "A person counts in the arm that was shown first, on whatever device, and once.",
    "Look as often as you like, and stop when the verdict is higher or lower: of experiments whose "
    "arms are as good as the base at most 5% ever get one (confidence sequence, Waudby-Smith et "
    "al. 2024; divided among the arms). Without a verdict go on, or stop as it takes too long.",
    f"No verdict below {MIN_N} persons on either side, nor where the split is not what was asked "
    f"for (chi-square, p < {LEAST_SAMPLE_RATIO_P}). Intervals of revenue hold for one look.",
)
_OF_THOMPSON = (
    "adaptive: Thompson sampling sends more to what does well, and differently by referrer medium, "
    "so tests for fixed shares do not hold. Rates are as if each arm had been shown to the same "
    "mixture of media; intervals and chances are the posterior's. There is no stop rule.",
)

_COLUMNS = (
    Column(name="experiment", kind="text", what="Experiment of the site file"),
    Column(name="arm", kind="text", what="The person's arm; holdout got the default homepage"),
    Column(name="exposed", what="Persons who were first shown any arm in this time"),
    Column(name="converted", what="Those who then reached the goal, in the time it is given"),
    *with_interval(
        name="rate",
        kind="rate",
        what="Converted, of exposed; 95% credible interval from a flat prior",
    ),
    *with_interval(
        name="lift",
        kind="difference",
        what="Rate less that of the hold-out, or of the default's arm where there is none; 95% "
        "interval that holds at every look",
    ),
    Column(name="verdict", kind="verdict", what="Whether the lift's interval leaves 0 out"),
    Column(name="beats", kind="rate", what="Probability to be better than the hold-out"),
    Column(name="best", kind="rate", detail=True, what="Probability to be the best of the arms"),
    *with_interval(
        name="revenue",
        kind="money",
        currency="currency",
        what="Paid a person in that time, refunds not taken off; 95% interval",
    ),
    *with_interval(
        name="revenue_lift",
        kind="money",
        detail=True,
        what="Revenue a person less the hold-out's; 95% interval",
    ),
    Column(name="currency", kind="text", what="The site's currency, of the columns of revenue"),
    Column(name="share", kind="rate", detail=True, what="Of the experiment's exposed persons"),
    Column(name="share_expected", kind="rate", detail=True, what="As the site file asks for"),
    Column(
        name="sample_ratio_p",
        kind="rate",
        detail=True,
        what="Probability of a split at least so far from what was asked for",
    ),
)


def _cells(row: ArmRow) -> Row:
    return tuple(getattr(row, column.name) for column in _COLUMNS)


def _sentence(rows: Sequence[ArmRow]) -> str:
    if not rows:
        return "Nobody was first shown an experiment in this time."
    exposed, converted = sum(row.exposed for row in rows), sum(row.converted for row in rows)
    said = f"{exposed:,} persons were first shown an experiment; {converted:,} reached its goal."
    better = [f"{row.arm} of {row.experiment}" for row in rows if row.verdict == "higher"]
    worse = [f"{row.arm} of {row.experiment}" for row in rows if row.verdict == "lower"]
    if better:
        said += f" Better than the base: {', '.join(better)}."
    if worse:
        said += f" Worse: {', '.join(worse)}."
    return said
