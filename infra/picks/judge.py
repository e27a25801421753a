"""How well a ranking finds what visitors looked at next: hit rate, mean reciprocal rank, intervals.

Intervals are of persons drawn again and again (bootstrap, percentiles), since cases of one person
are not independent.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from infra.picks.cases import Case
from personalize_api.picks.choose import chosen
from personalize_api.picks.scores import values_of, weigh
from personalize_api.picks.shelf import Shelf
from personalize_api.picks.weights import Weights
from schemas.catalogue import Floats
from schemas.pick_model import Measured

TOP = 10
DEPTH = 50  # ranks below it count as not found
_DRAWS = 1000
_SEED = 1
_MOST_SEEN = 24

Ranks = NDArray[np.float64]
"""From 1; 0 where it is not among the first `DEPTH`."""

Ranking = Callable[[Case], list[str]]
"""Product ids, best first."""


def by_popularity(shelf: Shelf) -> Ranking:
    ranked = _ids(shelf, shelf.popular)
    return lambda case: _unseen(ranked, case)


def by_viewed_together(shelf: Shelf) -> Ranking:
    """The same relation that picks have, alone; what it says nothing of, by popularity."""

    def rank(case: Case) -> list[str]:
        scores = shelf.popular * np.float32(1e-3)
        for product, amount in case.taste.seen:
            if (place := shelf.catalogue.place.get(product)) is not None:
                others, likeness = shelf.viewed.to(place)
                scores[others] += likeness * np.float32(amount)
        return _unseen(_ids(shelf, scores), case)

    return rank


def _ids(shelf: Shelf, scores: Floats) -> list[str]:
    order = np.argsort(-np.where(shelf.catalogue.available, scores, 0), kind="stable")
    kept = order[: DEPTH + 2 * _MOST_SEEN]
    return [shelf.catalogue.products[at].id for at in kept if scores[at] > 0]


def _unseen(ranked: list[str], case: Case) -> list[str]:
    known = {product for product, _ in case.taste.seen} | case.taste.owned
    return [product for product in ranked if product not in known][:DEPTH]


def ranks_by_weights(
    shelf: Shelf, weights: Mapping[str, Weights], cases: Sequence[Case]
) -> dict[str, Ranks]:
    """Of picks as they are shown, by each of the weights."""
    ranks = {name: np.zeros(len(cases)) for name in weights}
    for at, case in enumerate(cases):
        place = shelf.catalogue.place.get(case.found, -1)
        values = values_of(shelf, case.taste)
        if place < 0 or values.blocked[place]:
            continue
        for name, each in weights.items():
            places = [one for one, _ in chosen(shelf, weigh(values, each), DEPTH)]
            ranks[name][at] = places.index(place) + 1 if place in places else 0
    return ranks


def ranks_of(ranking: Ranking, cases: Sequence[Case]) -> Ranks:
    return np.array([_rank_of(ranking, case) for case in cases], np.float64)


def _rank_of(ranking: Ranking, case: Case) -> int:
    ranked = ranking(case)
    return ranked.index(case.found) + 1 if case.found in ranked else 0


def measured(cases: Sequence[Case], ranks: Ranks, compared: Ranks) -> Measured:
    """Of at least one case. `compared`: what the gain is against."""
    hits, found = _hits(ranks), reciprocal(ranks)
    more_hits = hits - _hits(compared)
    hit_gain_low, hit_gain_high = interval(cases, more_hits)
    hit_low, hit_high = interval(cases, hits)
    low, high = interval(cases, found)
    gain, gain_low, gain_high = gain_of(cases, ranks, compared)
    return Measured(
        hit_rate=float(hits.mean()),
        hit_low=hit_low,
        hit_high=hit_high,
        mrr=float(found.mean()),
        mrr_low=low,
        mrr_high=high,
        gain=gain,
        gain_low=gain_low,
        gain_high=gain_high,
        hit_gain=float(more_hits.mean()),
        hit_gain_low=hit_gain_low,
        hit_gain_high=hit_gain_high,
    )


def _hits(ranks: Ranks) -> Ranks:
    return ((ranks > 0) & (ranks <= TOP)).astype(np.float64)


def gain_of(cases: Sequence[Case], ranks: Ranks, compared: Ranks) -> tuple[float, float, float]:
    """In mean reciprocal rank, with its interval."""
    gains = reciprocal(ranks) - reciprocal(compared)
    return float(gains.mean()), *interval(cases, gains)


def sureness(cases: Sequence[Case], ranks: Ranks, compared: Ranks) -> float:
    """In what share of the draws there is a gain."""
    drawn = _drawn(cases, reciprocal(ranks) - reciprocal(compared))
    return float((drawn > 0).mean())


def reciprocal(ranks: Ranks) -> Ranks:
    return np.where(ranks > 0, 1 / np.maximum(ranks, 1), 0.0)


def interval(cases: Sequence[Case], values: Ranks) -> tuple[float, float]:
    """Of the mean, 95 %."""
    low, high = np.quantile(_drawn(cases, values), [0.025, 0.975])
    return float(low), float(high)


def _drawn(cases: Sequence[Case], values: Ranks) -> Ranks:
    """Means, by drawing persons with all their cases."""
    _, at = np.unique([case.person for case in cases], return_inverse=True)
    sums, counts = np.bincount(at, values), np.bincount(at)
    chance = np.random.default_rng(_SEED)
    means = np.zeros(_DRAWS)
    for draw in range(_DRAWS):
        drawn = chance.integers(0, len(sums), len(sums))
        means[draw] = sums[drawn].sum() / counts[drawn].sum()
    return means
