"""What there is to pick from: the catalogue of now, and what the crowd did with its products.

Immutable; made by a worker thread of both, and again when either changes. Without a catalogue the
products are those that events have named; without the crowd nothing is popular.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from personalize_api.picks.lifts import Kinds, by_price, by_span
from personalize_api.picks.weights import Weights, in_use
from schemas.catalogue import Catalogue, Floats, Product, Sparse, token_of
from schemas.pick_model import Popular, Related, Trained

NEW_HALF_LIFE_DAYS = 30.0
_DAY_MS = 86_400_000
_MOST_KEPT = 64  # groups of which scores of all products are kept ready

Places = NDArray[np.int32]
_NONE = np.zeros(0, np.int32), np.zeros(0, np.float32)


class Shelf:
    """`trained_at`: ms, 0 without the crowd. `weights`: of the parts of a score."""

    def __init__(
        self,
        catalogue: Catalogue | None,
        trained: Trained | None,
        now_ms: int,
        weights: Weights | None = None,
    ) -> None:
        """`weights`: others than those that the generation says are in use."""
        self.catalogue = _of_events(trained) if catalogue is None else catalogue
        self.has_catalogue = catalogue is not None
        self.trained_at = trained.trained_at if trained else 0
        places = _places(self.catalogue, trained)
        self.viewed = _Others(trained.viewed if trained else Related(), places)
        self.bought = _Others(trained.bought if trained else Related(), places)
        self.next = _Others(trained.next if trained else Related(), places)
        self.new = _newness(self.catalogue, now_ms)
        self.popular = self._ranked(trained.popular if trained else Popular(), places)
        self.by_source = _Groups(trained.by_source if trained else {}, places, len(self))
        self.by_scenario = _Groups(trained.by_scenario if trained else {}, places, len(self))
        self.category_numbers = {
            product.category: int(number)
            for product, number in zip(
                self.catalogue.products, self.catalogue.categories, strict=True
            )
        }
        self.weights = in_use(trained.weighed if trained else None) if weights is None else weights
        self.shares = _shares(self.popular)
        self.category_shares = _of_categories(self.catalogue, self.shares)
        self.prices = by_price(self.catalogue, self.shares)
        self.spans = _spans(self.catalogue, self.shares)

    def __len__(self) -> int:
        return len(self.catalogue)

    def group(self, source: str, scenario: str) -> tuple[str, str]:
        """The same, '' for each of which nothing is known."""
        return (
            source if source in self.by_source else "",
            scenario if scenario in self.by_scenario else "",
        )

    def _ranked(self, popular: Popular, places: Places) -> Floats:
        scores = np.zeros(len(self), np.float32)
        mine, amounts = _here(popular, places)
        scores[mine] = amounts
        return scores


class _Groups:
    """How popular every product is with each group: those from a source, those shown a scenario."""

    def __init__(self, groups: dict[str, Popular], places: Places, count: int) -> None:
        self._groups = {group: _here(popular, places) for group, popular in groups.items()}
        self._count = count
        self._kept: dict[str, Floats] = {}

    def __contains__(self, group: str) -> bool:
        return group in self._groups

    def popular(self, group: str) -> Floats | None:
        """To be read only; None where nothing is known of the group."""
        if group not in self._groups:
            return None
        scores = self._kept.get(group)
        if scores is None:
            if len(self._kept) >= _MOST_KEPT:
                self._kept.clear()
            scores = self._kept[group] = np.zeros(self._count, np.float32)
            places, amounts = self._groups[group]
            scores[places] = amounts
        return scores


class _Others:
    """Related products by their places here."""

    def __init__(self, related: Related, places: Places) -> None:
        starts, others, scores = related.unpack()
        self._starts = starts
        self._others = places[others] if len(others) else others
        self._scores = scores
        self._row = {int(place): row for row, place in enumerate(places) if place >= 0}

    def to(self, place: int) -> tuple[Places, Floats]:
        """Places of the related products, most related first, and how much each is."""
        row = self._row.get(place)
        if row is None or not len(self._starts):
            return _NONE
        part = slice(self._starts[row], self._starts[row + 1])
        others, scores = self._others[part], self._scores[part]
        there = others >= 0
        return others[there], scores[there]


def _of_events(trained: Trained | None) -> Catalogue:
    """Of products that events have named: they have a title and a category."""
    if trained is None:
        empty = np.zeros(0, np.int32)
        return Catalogue((), (), Sparse(np.zeros(1, np.int64), empty, empty.astype(np.uint8)))
    rows = zip(trained.products, trained.titles, trained.categories, strict=True)
    products = [Product(id=id_, title=title or id_, category=text) for id_, title, text in rows]
    named = [at for at, product in enumerate(products) if product.category]
    tokens: dict[str, int] = {}
    columns = [
        tokens.setdefault(token_of("category", products[at].category), len(tokens)) for at in named
    ]
    held = Sparse.of(
        np.array(named, np.int32),
        np.array(columns, np.int32),
        np.full(len(named), 255, np.uint8),
        len(products),
    )
    return Catalogue(products, list(tokens), held)


def _places(catalogue: Catalogue, trained: Trained | None) -> Places:
    """Of each product the crowd knows its place here, -1 for what is not in the catalogue."""
    ids = trained.products if trained else []
    return np.array([catalogue.place.get(id_, -1) for id_ in ids], np.int32)


def _here(popular: Popular, places: Places) -> tuple[Places, Floats]:
    theirs, scores = popular.unpack()
    mine = places[theirs] if len(theirs) else theirs
    there = mine >= 0
    return mine[there], scores[there]


def _newness(catalogue: Catalogue, now_ms: int) -> Floats:
    """1 on the day it was added, then halved every month; 0 where that is not said."""
    age_days = np.maximum(now_ms - catalogue.added_ms, 0) / _DAY_MS
    said = (catalogue.added_ms > 0) & (catalogue.added_ms <= now_ms)
    return np.where(said, 0.5 ** (age_days / NEW_HALF_LIFE_DAYS), 0).astype(np.float32)


def _shares(popular: Floats) -> Floats:
    """Of all looks each product's share, half of it as if all were looked at alike."""
    if not len(popular):
        return popular
    looks = popular.astype(np.float64) ** 2  # see `sinks.redis.popularity`
    total = looks.sum()
    even = 1 / len(popular)
    return ((looks / total + even) / 2 if total else np.full(len(looks), even)).astype(np.float32)


def _of_categories(catalogue: Catalogue, shares: Floats) -> Floats:
    """By number of the category its share of all looks; the last: those without one."""
    numbers = catalogue.categories
    count = int(numbers.max(initial=-1)) + 1
    return np.bincount(np.where(numbers < 0, count, numbers), shares, count + 1).astype(np.float32)


def _spans(catalogue: Catalogue, shares: Floats) -> dict[str, Kinds]:
    found = {name: by_span(span, shares) for name, span in catalogue.spans.items()}
    return {name: kinds for name, kinds in found.items() if kinds is not None}
