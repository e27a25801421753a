"""picks: would they have shown what visitors then looked at, and oftener than what is popular?

Every product that somebody looks at for the first time within the window is a case; of how it is
made see `infra.picks`. The crowd's table is made anew every day of the window, the site's own
weights are learned once, of what was before it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from zoneinfo import ZoneInfo

from infra.picks.cases import Case
from infra.picks.judge import TOP, Ranks, measured
from infra.picks.learn import DAY_MS, History, Tried, learn, try_out
from infra.reports.report import Column, Picture, Report, Row, local_time
from schemas.catalogue import Catalogue
from schemas.pick_model import Weighed
from schemas.site import Site

_MOST_TABLES = 7
_NAMES = {
    "popular": "popular",
    "viewed together": "viewed together",
    "usual": "picks, usual weights",
    "learned": "picks, learned weights",
}

_GROUPS: Mapping[str, Callable[[Case], bool]] = {
    "everybody": lambda case: True,
    "nothing known": lambda case: case.known == 0,
    "1 to 4 products seen": lambda case: 1 <= case.known <= 4,
    "5 or more seen": lambda case: case.known >= 5,
}


def report(
    history: History, site: Site, catalogue: Catalogue | None, since_ms: int, until_ms: int
) -> Report:
    """Raises what the history raises."""
    weighed = learn(history, catalogue, since_ms, 0)
    tables = max(1, min(_MOST_TABLES, round((until_ms - since_ms) / DAY_MS)))
    tried = try_out(history, catalogue, {"learned": weighed.weights}, since_ms, until_ms, tables)
    return report_of(site, tried, weighed, since_ms, until_ms)


def report_of(site: Site, tried: Tried, weighed: Weighed, since_ms: int, until_ms: int) -> Report:
    """The first of the rankings is what the others are compared with."""
    zone = ZoneInfo(site.timezone)
    own = "the site's own weights" if weighed.adopted else "the usual weights"
    return Report(
        name="picks",
        title="Picks, tried on visits that they were not made of",
        sentence=_sentence(tried, weighed),
        since=local_time(since_ms, zone),
        until=local_time(until_ms, zone),
        columns=_COLUMNS,
        rows=tuple(rows_of(tried)),
        notes=(
            "A case is a product that a person looked at for the first time; what picks are made "
            "of ends before. Intervals: 95 %, of 1,000 draws of persons.",
            f"At the window's start a training would have put {own} to use: {weighed.why}.",
        ),
        picture=Picture(title=f"Found among the first {TOP}", value="hit_rate", n="cases"),
    )


def rows_of(tried: Tried) -> list[Row]:
    rows: list[Row] = []
    for group, belongs in _GROUPS.items():
        at = [n for n, case in enumerate(tried.cases) if belongs(case)]
        if not at:
            continue
        mine = [tried.cases[n] for n in at]
        visits = len({case.visit for case in mine})
        for name, ranks in tried.ranks.items():
            found = _figures(mine, ranks[at], next(iter(tried.ranks.values()))[at])
            rows.append((group, _NAMES.get(name, name), len(mine), visits, *found))
    return rows


def _figures(cases: Sequence[Case], ranks: Ranks, compared: Ranks) -> tuple[float, ...]:
    """In the order of the columns."""
    m = measured(cases, ranks, compared)
    figures = (
        *(m.hit_rate, m.hit_low, m.hit_high, m.mrr, m.mrr_low, m.mrr_high),
        *(m.gain, m.gain_low, m.gain_high),
        *(m.hit_gain, m.hit_gain_low, m.hit_gain_high),
    )
    return tuple(round(figure, 4) for figure in figures)


def _sentence(tried: Tried, weighed: Weighed) -> str:
    if not tried.cases:
        return "Nobody looked at a product for the first time in this window."
    used = tried.ranks["learned" if weighed.adopted else "usual"]
    picks = measured(tried.cases, used, tried.ranks["popular"])
    popular = measured(tried.cases, tried.ranks["popular"], tried.ranks["popular"])
    hits = _verdict(picks.hit_gain, picks.hit_gain_low, picks.hit_gain_high)
    gain = _verdict(picks.gain, picks.gain_low, picks.gain_high)
    return (
        f"Of {len(tried.cases):,} products looked at for the first time, picks had "
        f"{picks.hit_rate:.1%} among their first {TOP}, what is popular {popular.hit_rate:.1%}: "
        f"{hits}; mean reciprocal rank {picks.mrr:.4f} against {popular.mrr:.4f}: {gain}."
    )


def _verdict(gain: float, low: float, high: float) -> str:
    interval = f"{gain:+.4f} [{low:+.4f}, {high:+.4f}]"
    if low > 0:
        return f"better by {interval}"
    return f"worse by {interval}" if high < 0 else f"no difference is shown, {interval}"


_COLUMNS = (
    Column(name="who", what="Whose cases, by how many products they had seen", kind="text"),
    Column(name="ranking", what="By what products are ranked", kind="text"),
    Column(name="cases", what="Products looked at for the first time"),
    Column(name="visits", what="In so many visits", detail=True),
    Column(
        name="hit_rate",
        what=f"Share that was among the first {TOP}",
        kind="rate",
        bounds=("hit_low", "hit_high"),
    ),
    Column(name="hit_low", what="Where the interval begins", kind="rate", detail=True),
    Column(name="hit_high", what="Where it ends", kind="rate", detail=True),
    Column(
        name="mrr",
        what="Mean of 1/rank, 0 where it was not found",
        kind="rate",
        bounds=("mrr_low", "mrr_high"),
    ),
    Column(name="mrr_low", what="Where the interval begins", kind="rate", detail=True),
    Column(name="mrr_high", what="Where it ends", kind="rate", detail=True),
    Column(
        name="gain",
        what="How much more that is than what is popular has",
        kind="difference",
        bounds=("gain_low", "gain_high"),
    ),
    Column(name="gain_low", what="Where the interval begins", kind="difference", detail=True),
    Column(name="gain_high", what="Where it ends", kind="difference", detail=True),
    Column(
        name="more_hits",
        what=f"How much more often that is among the first {TOP} than what is popular",
        kind="difference",
        bounds=("more_hits_low", "more_hits_high"),
    ),
    Column(name="more_hits_low", what="Where the interval begins", kind="difference", detail=True),
    Column(name="more_hits_high", what="Where it ends", kind="difference", detail=True),
)
