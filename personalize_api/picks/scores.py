"""How much each product of the shelf is for a taste: a sum of named parts, all products at once."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import numpy as np
from numpy.typing import NDArray

from personalize_api.picks.lifts import scaled
from personalize_api.picks.shelf import Shelf
from personalize_api.picks.taste import Strengths, Taste
from personalize_api.picks.weights import Weights
from personalize_api.picks.wishes import MOST_TOKENS, Wishes, fits, wishes_of
from schemas.catalogue import Floats

_POPULAR_BESIDE = np.float32(0.3)

Blocked = NDArray[np.bool_]
ToOthers = Callable[[int], tuple[NDArray[np.int32], Floats]]
"""A product's place to those of related ones, and how related they are."""


class Ties(msgspec.Struct, frozen=True):
    """Related products with what each owes to which product of the taste."""

    others: NDArray[np.int32]
    amounts: Floats
    held: NDArray[np.int32]

    def summed(self, count: int) -> Floats:
        scores = np.bincount(self.others, self.amounts, count)
        return np.minimum(scores, 1).astype(np.float32)

    def owed_to(self, place: int) -> int:
        """The product of the taste to which one owes most, -1 for none."""
        mine = np.flatnonzero(self.others == place)
        return int(self.held[mine[np.argmax(self.amounts[mine])]]) if len(mine) else -1


class Values(msgspec.Struct, frozen=True):
    """What is known of every product for a taste, before it is weighed.

    `parts`: by name of `USUAL`, those that are not zero everywhere. `stand_in`: those of groups of
    which nothing is known, for which what is popular with all stands in. `blocked`: what is not to
    be shown: owned, seen, not to be had, not for this age.
    """

    parts: dict[str, Floats]
    stand_in: tuple[str, ...]
    blocked: Blocked
    wishes: Wishes
    seen: list[tuple[int, float]]  # the products of the taste that are on the shelf, by place
    ties: dict[str, Ties]  # of the parts that come of other products


class Scored(msgspec.Struct, frozen=True):
    """`parts`: weighted; what stands in for a group counts with what is popular with all."""

    total: Floats
    parts: dict[str, Floats]
    blocked: Blocked
    wishes: Wishes
    seen: list[tuple[int, float]]
    ties: dict[str, Ties]


def score(shelf: Shelf, taste: Taste) -> Scored:
    """Pure: the same shelf and taste give the same."""
    return weigh(values_of(shelf, taste), shelf.weights)


def weigh(values: Values, weights: Weights) -> Scored:
    counting = dict(weights)
    for name in values.stand_in:
        counting["popular"] += counting[name]
    weighted = {
        name: part * np.float32(counting[name])
        for name, part in values.parts.items()
        if name not in values.stand_in
    }
    total = np.add.reduce(list(weighted.values()))
    return Scored(total, weighted, values.blocked, values.wishes, values.seen, values.ties)


def values_of(shelf: Shelf, taste: Taste) -> Values:
    """Each part is about 0 to 1."""
    catalogue = shelf.catalogue
    wishes = wishes_of(catalogue, taste.attributes)
    seen, bought = _placed(shelf, taste.seen), _placed(shelf, taste.bought)
    closeness, outside = fits(catalogue, wishes.numbers)
    parts, stand_in = _popular(shelf, taste)
    if wishes.wanted:
        parts["wished"] = np.clip(catalogue.coverage(wishes.wanted), -1, 1)
    if wishes.numbers:
        parts["fits"] = closeness
    if taste.interests:
        parts["interest"] = _interest(shelf, taste)
    if seen:
        parts["similar"] = _similar(shelf, seen)
        parts |= _lifts(shelf, seen, wishes)
    ties = {
        "viewed together": _ties(shelf.viewed.to, seen),
        "viewed next": _ties(shelf.next.to, seen),
        "bought together": _ties(shelf.bought.to, [*bought, *seen]),
    }
    for name, tied in ties.items():
        if len(tied.others):
            parts[name] = tied.summed(len(shelf))
    if shelf.new.any():
        parts["new"] = shelf.new
    blocked = outside | ~catalogue.available
    blocked[[place for place, _ in seen]] = True
    owned = (catalogue.place.get(product) for product in taste.owned)
    blocked[[place for place in owned if place is not None]] = True
    return Values(parts, stand_in, blocked, wishes, seen, ties)


def _placed(shelf: Shelf, strengths: Strengths) -> list[tuple[int, float]]:
    places = ((shelf.catalogue.place.get(product), amount) for product, amount in strengths)
    return [(place, amount) for place, amount in places if place is not None]


def _popular(shelf: Shelf, taste: Taste) -> tuple[dict[str, Floats], tuple[str, ...]]:
    """With all and with the taste's groups, and for which of these what all like stands in."""
    parts = {"popular": shelf.popular}
    groups = {
        "popular there": shelf.by_source.popular(taste.source),
        "popular here": shelf.by_scenario.popular(taste.scenario),
    }
    for name, scores in groups.items():
        parts[name] = shelf.popular if scores is None else scores
    if taste.about:  # what goes with a product is asked for, not what everybody takes
        parts = {name: part * _POPULAR_BESIDE for name, part in parts.items()}
    return parts, tuple(name for name, scores in groups.items() if scores is None)


def _lifts(shelf: Shelf, seen: list[tuple[int, float]], wishes: Wishes) -> dict[str, Floats]:
    """Of what was looked at; a number that the profile says is known better than by looks."""
    found: dict[str, Floats] = {}
    if shelf.prices is not None and (lift := shelf.prices.lift(seen)) is not None:
        found["price"] = lift
    lifts = [
        lift
        for name, kinds in shelf.spans.items()
        if name not in wishes.numbers and (lift := kinds.lift(seen)) is not None
    ]
    if lifts:
        found["range"] = np.add.reduce(lifts) / np.float32(len(lifts))
    return found


def _interest(shelf: Shelf, taste: Taste) -> Floats:
    """How much more the visitor has to do with a product's category than everybody."""
    usual = shelf.category_shares
    mine = np.zeros(len(usual), np.float32)
    for category, share in taste.interests:
        if category and (number := shelf.category_numbers.get(category)) is not None:
            mine[number] = share
    unsure = max(1 - sum(share for _, share in taste.interests), 0.01)  # see `interests_of`
    return scaled(mine, np.maximum(usual, 1e-3), unsure)[shelf.catalogue.categories]


def _ties(related: ToOthers, held: list[tuple[int, float]]) -> Ties:
    found = [(place, amount, *related(place)) for place, amount in held]
    nothing = np.zeros(0, np.int32)
    return Ties(
        np.concatenate([nothing, *(others for _, _, others, _ in found)]),
        np.concatenate(
            [np.zeros(0, np.float32), *(scores * np.float32(a) for _, a, _, scores in found)]
        ),
        np.concatenate([nothing, *(np.full_like(others, place) for place, _, others, _ in found)]),
    )


def _similar(shelf: Shelf, seen: list[tuple[int, float]]) -> Floats:
    places, amounts = [place for place, _ in seen], [amount for _, amount in seen]
    return shelf.catalogue.likeness(shelf.catalogue.mixture(places, amounts, MOST_TOKENS))
