"""Which arm of an experiment a visitor is in (infra/decisions/0023).

In this order:
1. Who was first shown another experiment of the same group takes no part in this one.
2. Who was shown an arm keeps it, on every device that is known to be theirs, while the arm exists;
   also when another goal is chosen.
3. Who is outside the experiment's share of its group, by hash, takes no part.
4. Hold-out or arm by hash: so without memory, and the same in every process.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping

import msgspec

from schemas.activity import Exposure
from schemas.funnel_result import iso_time
from schemas.site import Experiment, Site

HOLDOUT = "holdout"
"""The arm of those who always get the homepage's default, to compare with."""

Shown = Callable[[], Mapping[str, Exposure]]
"""`Experiment.key` -> the first arm that a visitor was shown; worked out when it is asked for."""


class Split(msgspec.Struct, frozen=True):
    """The weights by which newcomers are divided among arms now. `basis` says what they go by."""

    weights: Mapping[str, float]  # of every arm
    basis: str


Splits = Callable[[Experiment, str], Split | None]
"""An experiment's split for who came by a referrer medium; None: by the weights of its arms."""


class Part(msgspec.Struct, frozen=True):
    """A visitor's part in an experiment. `arm` '' is none; `why` is a clause for the reason."""

    arm: str
    why: str


def nothing_shown() -> Mapping[str, Exposure]:
    return {}


def by_arms(experiment: Experiment, medium: str) -> Split | None:
    return None


def take_part(
    site: Site, experiment: Experiment, unit: str, medium: str, shown: Shown, splits: Splits
) -> Part:
    """`unit`: the id of the device, or of the user where there is none; not ''."""
    name, seen = experiment.name, _by_name(shown())
    if experiment.group and (other := _other_of_group(site, experiment, seen)):
        return Part("", f"not in experiment {name}: in {other} of the same group")
    kept = seen.get(name)
    if kept is not None and _is_there(experiment, kept.arm):
        return Part(
            kept.arm,
            f"arm {kept.arm} of experiment {name}, kept since {iso_time(kept.time)[:10]}",
        )
    if kept is None and not _is_in_share(site, experiment, unit):
        return Part("", f"not in experiment {name}: outside of its share")
    split = splits(experiment, medium)
    arm = assign(experiment, unit, split.weights if split else None)
    by = f" ({split.basis})" if split and arm != HOLDOUT else ""
    return Part(arm, f"arm {arm} of experiment {name}{by}")


def assign(experiment: Experiment, unit: str, weights: Mapping[str, float] | None = None) -> str:
    """The arm of this device or user: HOLDOUT or a name from `arms`, in proportion to weights.

    `weights`: other ones than those of the site file. Two hashes: so a changed holdout moves only
    those who enter or leave it, never between arms, and no two experiments divide visitors alike.
    """
    if _point(experiment.name, "holdout", unit) < experiment.holdout:
        return HOLDOUT
    weights = weights or experiment.arms
    point = _point(experiment.name, "arm", unit) * sum(weights.values())
    for arm, weight in weights.items():
        point -= weight
        if point < 0:
            return arm
    return list(weights)[-1]  # rounding left a grain


def _other_of_group(site: Site, experiment: Experiment, seen: Mapping[str, Exposure]) -> str:
    """The experiment of the same group that the visitor was shown first, '' if it is this one."""
    if not seen:
        return ""
    group = [e.name for e in site.experiments.values() if e.group == experiment.group]
    first = min(((seen[name], name) for name in group if name in seen), default=None)
    return first[1] if first is not None and first[1] != experiment.name else ""


def _by_name(shown: Mapping[str, Exposure]) -> Mapping[str, Exposure]:
    """By the experiment's name: another goal counts anew, and moves nobody to another arm."""
    first: dict[str, Exposure] = {}
    for key, exposure in shown.items():
        name = key.rpartition(":")[0]
        first[name] = min(first.get(name, exposure), exposure)
    return first


def _is_there(experiment: Experiment, arm: str) -> bool:
    return arm in experiment.arms or (arm == HOLDOUT and experiment.holdout > 0)


def _is_in_share(site: Site, experiment: Experiment, unit: str) -> bool:
    """One hash a group, of which each experiment has a slice: so nobody is in two of them."""
    if not experiment.group and experiment.share >= 1:
        return True
    low, high = site.slices[experiment.name]
    return low <= _point(experiment.group or experiment.name, "share", unit) < high


def _point(*parts: str) -> float:
    """A number in [0, 1) that is uniform over the parts."""
    text = "\x1f".join(parts).encode()
    return int.from_bytes(hashlib.blake2b(text, digest_size=7).digest()) / 2**56
