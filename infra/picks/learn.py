"""The weights of a site's picks, learned from its own visits and judged on later ones.

    ──── what the crowd did ────│── learned from ──│── judged on ──│ now

Time runs one way: weights are learned from visits after those that the crowd's table is made of,
and judged on visits later still, with the table as it was at their time. Where the judge does not
find them better than the usual ones, they are published with that, and not used.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Protocol

import msgspec
import numpy as np
import polars as pl

from infra.picks.cases import Case, cases_of
from infra.picks.choices import PARTS, choices_of
from infra.picks.judge import (
    Ranks,
    by_popularity,
    by_viewed_together,
    gain_of,
    measured,
    ranks_by_weights,
    ranks_of,
    sureness,
)
from infra.picks.logit import fit
from personalize_api.picks.shelf import Shelf
from personalize_api.picks.weights import USUAL, Weights, allowed
from schemas.catalogue import Catalogue
from schemas.pick_model import Measured, Trained, Weighed

DAY_MS = 86_400_000
MAX_LEARNED, MAX_JUDGED = 12_000, 8000
LEAST_CASES = 100  # of each

_LEARNED_FROM = 0.25  # of all looks, the last but those that are judged on
_JUDGED_ON = 0.25  # of all looks, the last
_LEARN_DAYS, _JUDGE_DAYS = 14, 7  # at most
_TABLES = 3  # of the crowd, in the time that is judged on
_SURE = 0.9
_SEED = 1
_DIGITS = 4

BASELINES = ("popular", "viewed together")


class History(Protocol):
    """What visitors did. Times are ms."""

    def trained(self, until: int) -> Trained:
        """The crowd's table as it would have been then."""

    def done(self, since: int, until: int) -> pl.DataFrame:
        """As `cases_of` takes it: of persons who looked at something in that time, what they did
        until its end.
        """

    def looked(self, shares: list[float], until: int) -> list[int]:
        """When such shares of all looks had been, by time; empty where there are none."""


class Tried(msgspec.Struct, frozen=True):
    """Cases, and by ranking at which rank each found what was looked at."""

    cases: list[Case]
    ranks: dict[str, Ranks]


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """`better`: the mean gain of what was learned against the usual weights, with its interval."""

    why: str
    adopted: bool = False
    better: float = 0.0
    low: float = 0.0
    high: float = 0.0


def learn(history: History, catalogue: Catalogue | None, now_ms: int, persons: int) -> Weighed:
    """`persons`: of the generation that this is for. Raises what the history raises."""
    borders = history.looked([1 - _JUDGED_ON - _LEARNED_FROM, 1 - _JUDGED_ON], now_ms)
    if not borders:
        why = "nobody has looked at a product"
        return Weighed(
            weights=dict(USUAL), adopted=False, why=why, learned_at=now_ms, persons=persons
        )
    judge_from = max(borders[1], now_ms - _JUDGE_DAYS * DAY_MS)
    learn_from = max(borders[0], judge_from - _LEARN_DAYS * DAY_MS)
    shelf = Shelf(catalogue, history.trained(learn_from), learn_from, USUAL)
    choices = choices_of(shelf, _cases(history, learn_from, judge_from, MAX_LEARNED))
    count = len(choices.found)
    weights: dict[str, Weights] = {}
    if count >= LEAST_CASES:
        fitted = fit(choices, np.array([USUAL[name] for name in PARTS]))
        rounded = (round(float(weight), _DIGITS) for weight in fitted)
        weights["learned"] = allowed(dict(zip(PARTS, rounded, strict=True)))
    tried = try_out(history, catalogue, weights, judge_from, now_ms)
    verdict = judge(tried, count)
    return Weighed(
        weights=dict(weights.get("learned", USUAL)),
        adopted=verdict.adopted,
        why=verdict.why,
        learned_at=now_ms,
        persons=persons,
        learned_cases=count,
        judged_cases=len(tried.cases),
        judged_visits=len({case.visit for case in tried.cases}),
        judged_since=judge_from,
        judged_until=now_ms,
        measured=_measured(tried),
        better=verdict.better,
        better_low=verdict.low,
        better_high=verdict.high,
    )


def try_out(
    history: History,
    catalogue: Catalogue | None,
    weights: Mapping[str, Weights],
    since: int,
    until: int,
    tables: int = _TABLES,
) -> Tried:
    """`BASELINES`, the usual weights and others, on visits of that time.

    The crowd's table is made anew so many times.
    """
    named = {"usual": USUAL, **weights}
    cases: list[Case] = []
    ranks: dict[str, list[Ranks]] = {name: [] for name in (*BASELINES, *named)}
    for begin, end in _steps(since, until, tables):
        trained = history.trained(begin)
        mine = _cases(history, begin, end, MAX_JUDGED // tables)
        cases += mine
        shelf = Shelf(catalogue, trained, begin, USUAL)
        ranks["popular"].append(ranks_of(by_popularity(shelf), mine))
        ranks["viewed together"].append(ranks_of(by_viewed_together(shelf), mine))
        for name, found in ranks_by_weights(shelf, named, mine).items():
            ranks[name].append(found)
    return Tried(cases, {name: np.concatenate(found) for name, found in ranks.items()})


def judge(tried: Tried, learned_cases: int) -> Verdict:
    """Adopted are weights that found better than the usual ones in nine of ten draws of persons.

    Not in 39 of 40, as an interval of 95 % would ask: they are drawn towards the usual ones, so
    that little is lost where chance deceives.
    """
    if "learned" not in tried.ranks:
        return Verdict(why=f"too little to learn from: {learned_cases} cases")
    if len(tried.cases) < LEAST_CASES:
        return Verdict(why=f"too little to judge by: {len(tried.cases)} cases")
    better, low, high = gain_of(tried.cases, tried.ranks["learned"], tried.ranks["usual"])
    sure = sureness(tried.cases, tried.ranks["learned"], tried.ranks["usual"])
    why = (
        f"mean reciprocal rank {better:+.4f} [{low:+.4f}, {high:+.4f}] against the usual weights, "
        f"on {len(tried.cases):,} later cases; better in {sure:.0%} of draws"
    )
    is_better = sure >= _SURE
    if not is_better:
        why += ", which is not clearly better"
    return Verdict(why=why, adopted=is_better, better=better, low=low, high=high)


def _measured(tried: Tried) -> dict[str, Measured]:
    if not tried.cases:
        return {}
    popular = tried.ranks["popular"]
    return {name: measured(tried.cases, ranks, popular) for name, ranks in tried.ranks.items()}


def _steps(since: int, until: int, count: int) -> list[tuple[int, int]]:
    borders = [since + (until - since) * step // count for step in range(count + 1)]
    return [(begin, end) for begin, end in pairwise(borders) if end > begin]


def _cases(history: History, since: int, until: int, most: int) -> list[Case]:
    """At most so many of all, spread over persons and times."""
    cases = list(cases_of(history.done(since, until), since))
    if len(cases) <= most:
        return cases
    chosen = np.random.default_rng(_SEED).choice(len(cases), most, replace=False)
    return [cases[at] for at in sorted(chosen.tolist())]
