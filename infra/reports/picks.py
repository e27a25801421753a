"""picks: would they have shown what visitors then looked at, and oftener than what is popular?

Trained on what was before the window; every product that somebody looks at for the first time
within it is a case. Intervals are of persons drawn again and again, since cases of one person are
not independent.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from infra.reports.picks_cases import (
    Case,
    Ranking,
    by_picks,
    by_popularity,
    by_viewed_together,
    cases_of,
    rank_of,
)
from infra.reports.report import Column, Picture, Report, Row, local_time
from personalize_api.picks.choose import Chooser
from personalize_api.picks.shelf import Shelf
from schemas.catalogue import Catalogue
from schemas.site import Site
from sinks.redis.train import Ask, train

TOP = 10
MAX_CASES = 4000
_DRAWS = 1000
_LOOK_BACK_DAYS = 180
_DAY_MS = 86_400_000
_SEED = 1

_KNOWN = (
    "isNotNull(person_id) AND isNotNull(session_id) AND consent != 'denied'"
    " AND NOT startsWith(device_id, 'p_')"
    " AND event_time >= fromUnixTimestamp64Milli({since:Int64})"
    " AND event_time < fromUnixTimestamp64Milli({until:Int64})"
)
_DONE = f"""
SELECT
    d.person AS person, d.at AS at, toString(d.product) AS product,
    toString(d.category) AS category,
    if(empty(s.source), '', toString(s.source)) AS source, toString(d.what) AS what
FROM
(
    SELECT
        cityHash64(assumeNotNull(person_id)) AS person, session_id AS session,
        toInt64(toUnixTimestamp64Milli(event_time)) AS at,
        coalesce(nullIf(properties.product_id::String, ''), properties.sku::String) AS product,
        properties.category::String AS category,
        if(name = 'Product Added', 'add', 'look') AS what
    FROM events
    WHERE name IN ('Product Viewed', 'Product Clicked', 'Product Added') AND {_KNOWN}
    UNION ALL
    SELECT
        cityHash64(assumeNotNull(person_id)), session_id,
        toInt64(toUnixTimestamp64Milli(ordered_at)), tupleElement(arrayJoin(products), 1), '',
        'order'
    FROM orders
    WHERE isNotNull(person_id) AND ordered_at >= fromUnixTimestamp64Milli({{since:Int64}})
        AND ordered_at < fromUnixTimestamp64Milli({{until:Int64}})
) AS d
LEFT JOIN
(
    SELECT
        session_id,
        if(referrer_source != '', referrer_source, '(' || referrer_medium || ')') AS source
    FROM sessions
    WHERE started_at >= fromUnixTimestamp64Milli({{since:Int64}})
        AND started_at < fromUnixTimestamp64Milli({{until:Int64}})
) AS s ON d.session = s.session_id
WHERE d.product != '' AND d.person IN (
    SELECT cityHash64(assumeNotNull(person_id)) FROM events
    WHERE name = 'Product Viewed' AND {_KNOWN}
        AND event_time >= fromUnixTimestamp64Milli({{begin:Int64}})
    GROUP BY 1 ORDER BY 1 LIMIT {MAX_CASES}
)
"""

_GROUPS: Mapping[str, Callable[[Case], bool]] = {
    "everybody": lambda case: True,
    "nothing known": lambda case: case.known == 0,
    "1 to 4 products seen": lambda case: 1 <= case.known <= 4,
    "5 or more seen": lambda case: case.known >= 5,
}

Ranks = NDArray[np.float64]


def report(
    ask: Ask, site: Site, catalogue: Catalogue | None, since_ms: int, until_ms: int
) -> Report:
    """Raises what `ask` raises."""
    trained = train(ask, since_ms, _LOOK_BACK_DAYS)
    shelf = Shelf(catalogue, trained, since_ms)
    done = ask(
        _DONE,
        {"since": since_ms - _LOOK_BACK_DAYS * _DAY_MS, "begin": since_ms, "until": until_ms},
    )
    cases = _some(list(cases_of(done, since_ms)))
    rankings = {
        "popular": by_popularity(shelf),
        "viewed together": by_viewed_together(shelf),
        "picks": by_picks(Chooser(shelf)),
    }
    return report_of(site, cases, rankings, since_ms, until_ms)


def report_of(
    site: Site,
    cases: Sequence[Case],
    rankings: Mapping[str, Ranking],
    since_ms: int,
    until_ms: int,
) -> Report:
    """The first of the rankings is what the others are compared with."""
    zone = ZoneInfo(site.timezone)
    rows = rows_of(cases, rankings)
    return Report(
        name="picks",
        title="Picks, tried on visits that they were not made of",
        sentence=_sentence(rows, len(cases)),
        since=local_time(since_ms, zone),
        until=local_time(until_ms, zone),
        columns=_COLUMNS,
        rows=tuple(rows),
        notes=(
            "A case is a product that a person looked at for the first time; what picks are made "
            f"of ends before. Intervals: 95 %, of {_DRAWS:,} draws of persons.",
        ),
        picture=Picture(title=f"Found among the first {TOP}", value="hit_rate", n="cases"),
    )


def rows_of(cases: Sequence[Case], rankings: Mapping[str, Ranking]) -> list[Row]:
    ranks = {
        name: np.array([rank_of(ranking, case) for case in cases], np.float64)
        for name, ranking in rankings.items()
    }
    rows: list[Row] = []
    for group, belongs in _GROUPS.items():
        mine = np.array([belongs(case) for case in cases], np.bool_)
        if not mine.any():
            continue
        persons = np.unique([case.person for case in cases], return_inverse=True)[1][mine]
        first = next(iter(ranks.values()))[mine]
        for name, found in ranks.items():
            rows.append((group, name, int(mine.sum()), *_figures(persons, found[mine], first)))
    return rows


def _figures(persons: NDArray[np.int64], ranks: Ranks, compared: Ranks) -> tuple[float | None, ...]:
    """hit rate with its interval, MRR, gain in MRR with its interval."""
    hits, gains = _hits(ranks), _reciprocal(ranks) - _reciprocal(compared)
    low, high = _interval(persons, hits)
    gain_low, gain_high = _interval(persons, gains)
    figures = (hits.mean(), low, high, _reciprocal(ranks).mean(), gains.mean(), gain_low, gain_high)
    return tuple(round(float(figure), 4) for figure in figures)


def _hits(ranks: Ranks) -> Ranks:
    return ((ranks > 0) & (ranks <= TOP)).astype(np.float64)


def _reciprocal(ranks: Ranks) -> Ranks:
    return np.where(ranks > 0, 1 / np.maximum(ranks, 1), 0.0)


def _interval(persons: NDArray[np.int64], values: Ranks) -> tuple[float, float]:
    """Of the mean, by drawing persons with all their cases (bootstrap, percentiles)."""
    _, at = np.unique(persons, return_inverse=True)
    sums, counts = np.bincount(at, values), np.bincount(at)
    chance = np.random.default_rng(_SEED)
    drawn = chance.integers(0, len(sums), (_DRAWS, len(sums)))
    means = sums[drawn].sum(1) / counts[drawn].sum(1)
    low, high = np.quantile(means, [0.025, 0.975])
    return float(low), float(high)


def _some(cases: list[Case]) -> list[Case]:
    """At most MAX_CASES of all, spread over persons and times."""
    if len(cases) <= MAX_CASES:
        return cases
    chosen = np.random.default_rng(_SEED).choice(len(cases), MAX_CASES, replace=False)
    return [cases[at] for at in sorted(chosen.tolist())]


def _sentence(rows: Sequence[Row], count: int) -> str:
    if not count:
        return "Nobody looked at a product for the first time in this window."
    by_name = {str(row[1]): row for row in rows if row[0] == "everybody"}
    picks, popular = by_name.get("picks", rows[0]), rows[0]
    return (
        f"Of {count:,} products looked at for the first time, picks had {picks[3]:.1%} among their "
        f"first {TOP}, what is popular {popular[3]:.1%}; mean reciprocal rank {picks[6]:.4f} "
        f"against {popular[6]:.4f}."
    )


_COLUMNS = (
    Column(name="who", what="Whose cases, by how many products they had seen", kind="text"),
    Column(name="ranking", what="By what products are ranked", kind="text"),
    Column(name="cases", what="Products looked at for the first time"),
    Column(
        name="hit_rate",
        what=f"Share that was among the first {TOP}",
        kind="rate",
        bounds=("hit_low", "hit_high"),
    ),
    Column(name="hit_low", what="Where the interval begins", kind="rate", detail=True),
    Column(name="hit_high", what="Where it ends", kind="rate", detail=True),
    Column(name="mrr", what="Mean of 1/rank, 0 where it was not found", kind="rate"),
    Column(
        name="gain",
        what="How much more that is than what is popular has",
        kind="difference",
        bounds=("gain_low", "gain_high"),
    ),
    Column(name="gain_low", what="Where the interval begins", kind="difference", detail=True),
    Column(name="gain_high", what="Where it ends", kind="difference", detail=True),
)
