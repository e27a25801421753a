"""How much each part of a score counts: as usual, or as the site's own visits have taught."""

from __future__ import annotations

from collections.abc import Mapping

from schemas.pick_model import Weighed

Weights = Mapping[str, float]

USUAL: Weights = {
    "wished": 1.5,  # attributes that the profile names
    "fits": 0.6,  # made for the profile's age, or another number
    "interest": 0.4,  # of a category of which the visitor looked at more than others do
    "price": 0.4,  # costs about what the visitor looked at
    "range": 0.3,  # for about the same age, or another number, as what the visitor looked at
    "viewed together": 1.5,  # others looked at both it and what the visitor looked at
    "viewed next": 2.0,  # others looked at it after what the visitor looked at
    "bought together": 1.0,  # others bought both
    "similar": 0.3,  # has the attributes of what the visitor looked at
    "popular": 0.4,  # with all
    "popular there": 0.3,  # with those from the same source
    "popular here": 0.3,  # with those shown the same homepage
    "new": 0.15,
}
"""Each part is about 0 to 1; in the answer a part is its weight times its value.

Chosen on simulated visitors and a real log (decision 0024); a site's own are learned as deviations
from these (`infra.picks`).
"""


_LEAST_POPULAR = 0.05
"""Whoever nothing is known of gets what is popular, also where it says little of the others."""


def in_use(weighed: Weighed | None) -> Weights:
    """Those learned, where they were found better."""
    return allowed(weighed.weights) if weighed is not None and weighed.adopted else USUAL


def allowed(weights: Weights) -> Weights:
    """None below 0; a part that is not named counts as usual."""
    told = {name: max(weights.get(name, usual), 0.0) for name, usual in USUAL.items()}
    return told | {"popular": max(told["popular"], _LEAST_POPULAR)}
