"""An experiment's arms judged: a row each, compared with those who always got the default."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import msgspec

from infra.reports.experiment_outcomes import Found
from infra.reports.experiment_statistics import (
    LEAST_SAMPLE_RATIO_P,
    chance_to_beat,
    chances,
    credible,
    mean_interval,
    sample_ratio,
    sequence,
    standardized,
)
from infra.reports.intervals import MIN_N, Verdict, verdict
from personalize_api.experiments.arms import HOLDOUT
from personalize_api.experiments.outcomes import Outcome
from schemas.site import Experiment, Site

Judged = Verdict | Literal["default", "mismatch", "adaptive", "removed"]
CONFIDENCE = 0.95


class ArmRow(msgspec.Struct, frozen=True, kw_only=True):
    """One arm. Rates and shares are fractions; None where there is nothing to tell.

    `lift` is the rate less the base's: of the hold-out, else of the arm that is the homepage's
    default, else of the first arm. Its interval holds for all arms and looks together where shares
    are fixed; with Thompson sampling `rate` and `lift` are standardized, their intervals credible.
    """

    experiment: str
    arm: str
    exposed: int  # persons
    converted: int
    rate: float
    rate_low: float
    rate_high: float
    lift: float | None = None
    lift_low: float | None = None
    lift_high: float | None = None
    beats: float | None = None  # the probability that it is better than the base
    best: float | None = None  # the probability that no arm of the experiment is better
    revenue: float | None = None  # a person
    revenue_low: float | None = None
    revenue_high: float | None = None
    revenue_lift: float | None = None
    revenue_lift_low: float | None = None
    revenue_lift_high: float | None = None
    currency: str = ""
    share: float = 0.0  # of the exposed
    share_expected: float | None = None
    sample_ratio_p: float | None = None
    verdict: Judged = "too few"


def judged(site: Site, experiment: Experiment, found: Found) -> list[ArmRow]:
    """The base first, then arms as in the site file, then those that are not there any more."""
    base = base_of(site, experiment, found.arms)
    named = [base, *(HOLDOUT, *experiment.arms)]
    order = [arm for arm in dict.fromkeys([*named, *found.arms]) if arm in found.arms]
    expected = _expected(experiment)
    p = _sample_ratio(experiment, found.arms, expected)
    rows = [_row(experiment, arm, found) for arm in order]
    rows = [_with_money(row, base, site.currency, found) for row in rows]
    if experiment.allocation == "thompson":
        rows = _adaptive(rows, base, found, experiment)
    else:
        rows = [_compared(row, base, found.arms, len(order) - 1) for row in rows]
    total = sum(each.exposed for each in found.arms.values())
    rows = [
        msgspec.structs.replace(
            row,
            share=row.exposed / total,
            share_expected=expected.get(row.arm),
            sample_ratio_p=p,
        )
        for row in _with_best(rows, experiment, found)
    ]
    return [_checked(row, experiment, base) for row in rows]


def base_of(site: Site, experiment: Experiment, arms: Mapping[str, Outcome]) -> str:
    if HOLDOUT in arms and experiment.holdout > 0:
        return HOLDOUT
    if site.homepage.default in experiment.arms:
        return site.homepage.default
    return next(iter(experiment.arms))


def _expected(experiment: Experiment) -> dict[str, float]:
    """The shares that were asked for; of Thompson's arms, which move, all together."""
    out = {HOLDOUT: experiment.holdout} if experiment.holdout > 0 else {}
    if experiment.allocation == "thompson":
        return out
    whole, rest = sum(experiment.arms.values()), 1 - experiment.holdout
    return out | {arm: rest * weight / whole for arm, weight in experiment.arms.items()}


def _sample_ratio(
    experiment: Experiment, arms: Mapping[str, Outcome], expected: Mapping[str, float]
) -> float | None:
    """Of Thompson's arms only that against the hold-out can be told."""
    seen = {arm: arms[arm].exposed for arm in expected if arm in arms}
    if experiment.allocation != "thompson":
        return sample_ratio(seen, expected)
    taking = sum(arms[arm].exposed for arm in experiment.arms if arm in arms)
    rest = 1 - experiment.holdout
    return sample_ratio({**seen, "arms": taking}, {**expected, "arms": rest})


def _row(experiment: Experiment, arm: str, found: Found) -> ArmRow:
    outcome = found.arms[arm]
    low, high = credible(outcome, CONFIDENCE)
    return ArmRow(
        experiment=experiment.name,
        arm=arm,
        exposed=outcome.exposed,
        converted=outcome.converted,
        rate=outcome.converted / outcome.exposed,
        rate_low=low,
        rate_high=high,
    )


def _with_money(row: ArmRow, base: str, currency: str, found: Found) -> ArmRow:
    own, others = found.paid[row.arm], found.paid.get(base)
    if not currency or own.n < MIN_N:
        return row
    low, high = mean_interval(own, confidence=CONFIDENCE)
    low = max(0.0, low)  # nobody pays less
    row = msgspec.structs.replace(
        row, revenue=own.mean, revenue_low=low, revenue_high=high, currency=currency
    )
    if row.arm == base or others is None or others.n < MIN_N:
        return row
    low, high = mean_interval(own, others, CONFIDENCE)
    return msgspec.structs.replace(
        row,
        revenue_lift=own.mean - others.mean,
        revenue_lift_low=low,
        revenue_lift_high=high,
    )


def _compared(row: ArmRow, base: str, arms: Mapping[str, Outcome], compared: int) -> ArmRow:
    """By counts as they are, which a fixed allocation allows. One error rate for all arms."""
    if row.arm == base:
        return msgspec.structs.replace(row, verdict="default")
    if base not in arms:
        return row
    own, other = arms[row.arm], arms[base]
    interval = sequence(own, other, 1 - (1 - CONFIDENCE) / compared)
    return msgspec.structs.replace(
        row,
        lift=row.rate - other.converted / other.exposed,
        lift_low=interval.low,
        lift_high=interval.high,
        beats=chance_to_beat(own, other),
        verdict=verdict(interval, own.exposed, other.exposed),
    )


def _adaptive(rows: list[ArmRow], base: str, found: Found, experiment: Experiment) -> list[ArmRow]:
    """Tests for fixed allocation do not hold, nor does a plain rate: see `standardized`."""
    known = {base, HOLDOUT, *experiment.arms}
    strata = {
        medium: {arm: outcome for arm, outcome in arms.items() if arm in known}
        for medium, arms in found.media.items()
    }
    told = standardized(strata, base, MIN_N, CONFIDENCE)
    judged = []
    for row in rows:
        if (one := told.get(row.arm)) is None:
            judged.append(row)
            continue
        row = msgspec.structs.replace(
            row, rate=one.rate, rate_low=one.interval.low, rate_high=one.interval.high
        )
        if row.arm == base:
            judged.append(msgspec.structs.replace(row, verdict="default"))
            continue
        judged.append(
            msgspec.structs.replace(
                row,
                lift=one.lift,
                lift_low=one.lift_interval.low,
                lift_high=one.lift_interval.high,
                beats=one.beats,
                verdict="adaptive",
            )
        )
    return judged


def _with_best(rows: list[ArmRow], experiment: Experiment, found: Found) -> list[ArmRow]:
    """Among arms that may win; of Thompson's the draws of each medium differ, so of none."""
    may_win = [row.arm for row in rows if row.arm in experiment.arms]
    if experiment.allocation == "thompson" or len(may_win) < 2:
        return rows
    best = dict(zip(may_win, chances([found.arms[arm] for arm in may_win]), strict=True))
    return [msgspec.structs.replace(row, best=best.get(row.arm)) for row in rows]


def _checked(row: ArmRow, experiment: Experiment, base: str) -> ArmRow:
    """No verdict on an arm that is gone, nor where the split is not the one that was asked for."""
    if row.arm != HOLDOUT and row.arm not in experiment.arms:
        return msgspec.structs.replace(row, verdict="removed")
    if row.sample_ratio_p is not None and row.sample_ratio_p < LEAST_SAMPLE_RATIO_P:
        return msgspec.structs.replace(row, verdict="mismatch")
    return row
