"""Picks for a taste: scored, made various, explained. Pure, and some milliseconds at most."""

from __future__ import annotations

import msgspec

from personalize_api.picks.filling import REASON, fillers
from personalize_api.picks.reasons import reasons
from personalize_api.picks.scores import Scored, score
from personalize_api.picks.shelf import Shelf
from personalize_api.picks.taste import Taste
from personalize_api.picks.variety import candidates, varied
from personalize_api.picks.weights import USUAL

MAX_LIMIT = 100
VARIETY = "variety"
"""The part that is taken off a product which resembles those above it."""

_POOL, _POOL_FACTOR = 60, 4  # candidates that are made various, at least; times the limit
_DIGITS = 4
_KEPT = 256  # groups whose popular products are kept ready


class Picked(msgspec.Struct, frozen=True):
    """`score` is the sum of `parts`, best first."""

    id: str
    score: float
    reasons: list[str]
    parts: dict[str, float]


class Chooser:
    """Chooses from one shelf."""

    def __init__(self, shelf: Shelf) -> None:
        self.shelf = shelf
        self._popular: dict[tuple[str, str], list[Picked]] = {}

    def pick(self, taste: Taste, limit: int) -> list[Picked]:
        """`limit` products, the best first; less where no more may be shown.

        What nothing speaks for scores 0 and says so, and is no answer to what goes with a product.
        """
        if not len(self.shelf) or limit < 1:
            return []
        if taste.is_personal:
            return _pick(self.shelf, taste, limit)
        return self.popular(taste.source, taste.scenario)[:limit]

    def popular(self, source: str, scenario: str) -> list[Picked]:
        """For whoever is not known: worked out once for each source and scenario."""
        group = self.shelf.group(source, scenario)
        picks = self._popular.get(group)
        if picks is None:
            if len(self._popular) >= _KEPT:
                self._popular.clear()
            taste = Taste(source=group[0], scenario=group[1])
            picks = self._popular[group] = _pick(self.shelf, taste, MAX_LIMIT)
        return picks


def chosen(shelf: Shelf, scored: Scored, limit: int) -> list[tuple[int, float]]:
    """Where the picks stand on the shelf, the best first, and what variety takes off each."""
    pool = candidates(scored.total, scored.blocked, max(_POOL, _POOL_FACTOR * limit))
    return varied(shelf.catalogue, pool, scored.total, limit)


def _pick(shelf: Shelf, taste: Taste, limit: int) -> list[Picked]:
    scored = score(shelf, taste)
    places = chosen(shelf, scored, limit)
    picks = []
    for place, off in places:
        parts = {name: float(part[place]) for name, part in scored.parts.items()}
        said = reasons(shelf, taste, scored, place, parts)
        told = {name: round(parts[name], _DIGITS) for name in USUAL if parts.get(name)}
        if off:
            told[VARIETY] = round(off, _DIGITS)
        total = round(sum(told.values()), _DIGITS)
        picks.append(Picked(shelf.catalogue.products[place].id, total, said, told))
    if taste.about or len(picks) == limit:
        return picks
    rest = fillers(shelf.catalogue, scored, limit - len(picks))
    picks += (Picked(shelf.catalogue.products[place].id, 0.0, [REASON], {}) for place in rest)
    return sorted(picks, key=lambda pick: -pick.score)  # variety may have put one below 0
