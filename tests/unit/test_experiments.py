"""Arms by hash: in proportion, for good, and independent of each other."""

from __future__ import annotations

from collections import Counter

import msgspec
import pytest

from personalize_api.experiments import HOLDOUT, assign
from schemas.site import Experiment

HERO = Experiment(name="hero", arms={"a": 50, "b": 30, "c": 20}, holdout=0.1)
DEVICES = [f"device-{n}" for n in range(20_000)]

CHI_SQUARE_99_9 = {1: 10.83, 2: 13.82, 3: 16.27}


def chi_square(observed: Counter[str], expected: dict[str, float]) -> float:
    return sum((observed[name] - count) ** 2 / count for name, count in expected.items())


def test_arms_and_holdout_follow_their_weights() -> None:
    seen = Counter(assign(HERO, device) for device in DEVICES)
    n = len(DEVICES)
    expected = {HOLDOUT: n * 0.1, "a": n * 0.45, "b": n * 0.27, "c": n * 0.18}
    assert chi_square(seen, expected) < CHI_SQUARE_99_9[3]


def test_a_device_keeps_its_arm() -> None:
    assert [assign(HERO, d) for d in DEVICES[:100]] == [assign(HERO, d) for d in DEVICES[:100]]
    initials = "".join(assign(HERO, f"device-{n}")[0] for n in range(24))
    assert initials == "bbacaabbahabbhaabaahaaac"  # changes here take arms from real visitors


def test_another_holdout_moves_nobody_between_arms() -> None:
    wider = msgspec.structs.replace(HERO, holdout=0.3)
    for device in DEVICES[:2000]:
        before, after = assign(HERO, device), assign(wider, device)
        assert after in (before, HOLDOUT)


def test_two_experiments_divide_visitors_independently() -> None:
    other = msgspec.structs.replace(HERO, name="footer", arms={"x": 1, "y": 1}, holdout=0.0)
    hero = Experiment(name="hero", arms={"a": 1, "b": 1})
    seen = Counter(assign(hero, d) + assign(other, d) for d in DEVICES)
    quarter = len(DEVICES) / 4
    assert chi_square(seen, dict.fromkeys(("ax", "ay", "bx", "by"), quarter)) < CHI_SQUARE_99_9[3]


@pytest.mark.parametrize(("holdout", "allowed"), [(0.0, {"a"}), (1.0, {HOLDOUT})])
def test_the_borders(holdout: float, allowed: set[str]) -> None:
    only = Experiment(name="e", arms={"a": 1}, holdout=holdout)
    assert {assign(only, d) for d in DEVICES[:500]} == allowed


def test_an_arm_of_weight_zero_is_never_given() -> None:
    closed = Experiment(name="e", arms={"a": 1, "closed": 0})
    assert {assign(closed, d) for d in DEVICES[:500]} == {"a"}


def test_thompson_behaves_as_fixed() -> None:
    thompson = msgspec.structs.replace(HERO, allocation="thompson")
    assert [assign(thompson, d) for d in DEVICES[:200]] == [assign(HERO, d) for d in DEVICES[:200]]
