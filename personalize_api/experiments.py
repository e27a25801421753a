"""Which arm of an experiment a visitor is in: by hash, so without memory and the same for good.

Allocation is fixed. `allocation: thompson` is read and behaves as fixed with the arms' weights,
until conversions are fed back to this room.
"""

from __future__ import annotations

import hashlib

from schemas.site import Experiment

HOLDOUT = "holdout"
"""The arm of those who always get the homepage's default, to compare with."""


def assign(experiment: Experiment, unit: str) -> str:
    """The arm of this device or user: HOLDOUT or a name from `arms`, in proportion to weights.

    Two hashes: so a changed holdout moves only those who enter or leave it, never between arms,
    and no two experiments divide visitors alike.
    """
    if _point(experiment.name, "holdout", unit) < experiment.holdout:
        return HOLDOUT
    point = _point(experiment.name, "arm", unit) * sum(experiment.arms.values())
    for arm, weight in experiment.arms.items():
        point -= weight
        if point < 0:
            return arm
    return list(experiment.arms)[-1]  # rounding left a grain


def _point(*parts: str) -> float:
    """A number in [0, 1) that is uniform over the parts."""
    text = "\x1f".join(parts).encode()
    return int.from_bytes(hashlib.blake2b(text, digest_size=7).digest()) / 2**56
