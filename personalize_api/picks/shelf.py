"""What there is to pick from: the catalogue of now, and what the crowd did with its products.

Immutable; made by a worker thread of both, and again when either changes. Without a catalogue the
products are those that events have named; without the crowd nothing is popular.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from schemas.catalogue import Catalogue, Floats, Product, Sparse, token_of
from schemas.pick_model import Popular, Related, Trained

NEW_HALF_LIFE_DAYS = 30.0
_DAY_MS = 86_400_000
_PRIORS = 64  # scores of groups that are kept ready

Places = NDArray[np.int32]
_NONE = np.zeros(0, np.int32), np.zeros(0, np.float32)


class Shelf:
    """`trained_at`: ms, 0 without the crowd."""

    def __init__(self, catalogue: Catalogue | None, trained: Trained | None, now_ms: int) -> None:
        self.catalogue = _of_events(trained) if catalogue is None else catalogue
        self.has_catalogue = catalogue is not None
        self.trained_at = trained.trained_at if trained else 0
        places = _places(self.catalogue, trained)
        self.viewed = _Others(trained.viewed if trained else Related(), places)
        self.bought = _Others(trained.bought if trained else Related(), places)
        self.new = _newness(self.catalogue, now_ms)
        self.popular = self._ranked(trained.popular if trained else Popular(), places)
        self._by_source = _by_group(trained.by_source if trained else {}, places)
        self._by_scenario = _by_group(trained.by_scenario if trained else {}, places)
        self.category_numbers = {
            product.category: int(number)
            for product, number in zip(
                self.catalogue.products, self.catalogue.categories, strict=True
            )
        }
        self._priors: dict[tuple[str, str], Floats] = {}

    def __len__(self) -> int:
        return len(self.catalogue)

    def from_source(self, source: str, place: int) -> float:
        """How popular a product is with those who came from there, 0 where that is not known."""
        places, scores = self._by_source.get(source, _NONE)
        found = np.flatnonzero(places == place)
        return float(scores[found[0]]) if len(found) else 0.0

    def group(self, source: str, scenario: str) -> tuple[str, str]:
        """The same, '' for each of which nothing is known."""
        return (
            source if source in self._by_source else "",
            scenario if scenario in self._by_scenario else "",
        )

    def prior(self, source: str, scenario: str) -> Floats:
        """How popular every product is: with all, with those from there, with those shown this.

        To be read only.
        """
        group = self.group(source, scenario)
        prior = self._priors.get(group)
        if prior is None:
            if len(self._priors) >= _PRIORS:
                self._priors.clear()
            prior = self._priors[group] = self._prior(*group)
        return prior

    def _prior(self, source: str, scenario: str) -> Floats:
        known = [
            (group, of[group])
            for group, of in ((source, self._by_source), (scenario, self._by_scenario))
            if group in of
        ]
        prior = self.popular / np.float32(1 + len(known))
        for _, (places, scores) in known:
            prior[places] += scores / np.float32(1 + len(known))
        return prior

    def _ranked(self, popular: Popular, places: Places) -> Floats:
        scores = np.zeros(len(self), np.float32)
        mine, amounts = _here(popular, places)
        scores[mine] = amounts
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


def _by_group(groups: dict[str, Popular], places: Places) -> dict[str, tuple[Places, Floats]]:
    return {group: _here(popular, places) for group, popular in groups.items()}


def _newness(catalogue: Catalogue, now_ms: int) -> Floats:
    """1 on the day it was added, then halved every month; 0 where that is not said."""
    age_days = np.maximum(now_ms - catalogue.added_ms, 0) / _DAY_MS
    said = (catalogue.added_ms > 0) & (catalogue.added_ms <= now_ms)
    return np.where(said, 0.5 ** (age_days / NEW_HALF_LIFE_DAYS), 0).astype(np.float32)
