"""How much each product of the shelf is for a taste: a sum of named parts, all products at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec
import numpy as np
from numpy.typing import NDArray

from personalize_api.picks.shelf import Shelf
from personalize_api.picks.taste import Strengths, Taste
from personalize_api.picks.wishes import MOST_TOKENS, Wishes, fits, wishes_of
from schemas.catalogue import Floats

WEIGHTS: Mapping[str, float] = {
    "wished": 1.5,  # attributes that the profile names
    "fits": 0.6,  # made for the profile's age, or another number
    "interest": 0.6,  # of a category of which the visitor looked at much
    "viewed together": 2.0,  # others looked at both it and what the visitor looked at
    "bought together": 1.0,  # others bought both
    "similar": 0.3,  # has the attributes of what the visitor looked at
    "popular": 1.0,  # with all, those from the same source and those shown the same homepage
    "new": 0.15,
}
"""Each part is about 0 to 1. Chosen by `footfall report picks` on simulated visitors (decision
0024); in the answer a part is its weight times its value."""

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


class Scored(msgspec.Struct, frozen=True):
    """`parts`: weighted, by name of `WEIGHTS`, those that are not zero everywhere.

    `placed`: the products of the taste that are on the shelf, by place. `blocked`: what is not to
    be shown: owned, seen, not to be had, not for this age.
    """

    total: Floats
    parts: dict[str, Floats]
    blocked: Blocked
    wishes: Wishes
    seen: list[tuple[int, float]]
    ties: dict[str, Ties]  # of the parts that come of other products


def score(shelf: Shelf, taste: Taste) -> Scored:
    """Pure: the same shelf and taste give the same."""
    catalogue = shelf.catalogue
    wishes = wishes_of(catalogue, taste.attributes)
    seen, bought = _placed(shelf, taste.seen), _placed(shelf, taste.bought)
    closeness, outside = fits(catalogue, wishes.numbers)
    parts: dict[str, Floats] = {"popular": shelf.prior(taste.source, taste.scenario)}
    if wishes.wanted:
        parts["wished"] = np.clip(catalogue.coverage(wishes.wanted), -1, 1)
    if wishes.numbers:
        parts["fits"] = closeness
    if taste.interests:
        parts["interest"] = _interest(shelf, taste)
    if seen:
        parts["similar"] = _similar(shelf, seen)
    ties = {
        "viewed together": _ties(shelf.viewed.to, seen),
        "bought together": _ties(shelf.bought.to, [*bought, *seen]),
    }
    for name, tied in ties.items():
        if len(tied.others):
            parts[name] = tied.summed(len(shelf))
    if shelf.new.any():
        parts["new"] = shelf.new
    weighted = {name: part * np.float32(WEIGHTS[name]) for name, part in parts.items()}
    if taste.about:  # what goes with a product is asked for, not what everybody takes
        weighted["popular"] = weighted["popular"] * _POPULAR_BESIDE
    blocked = outside | ~catalogue.available
    blocked[[place for place, _ in seen]] = True
    owned = (catalogue.place.get(product) for product in taste.owned)
    blocked[[place for place in owned if place is not None]] = True
    total = np.add.reduce(list(weighted.values()))
    return Scored(total, weighted, blocked, wishes, seen, ties)


def _placed(shelf: Shelf, strengths: Strengths) -> list[tuple[int, float]]:
    places = ((shelf.catalogue.place.get(product), amount) for product, amount in strengths)
    return [(place, amount) for place, amount in places if place is not None]


def _interest(shelf: Shelf, taste: Taste) -> Floats:
    """The share of the visitor's interests that a product's category has."""
    shares = np.zeros(len(shelf.category_numbers) + 2, np.float32)  # the last one: no category
    for category, share in taste.interests:
        if category and (number := shelf.category_numbers.get(category)) is not None:
            shares[number] = share
    return shares[shelf.catalogue.categories]


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
