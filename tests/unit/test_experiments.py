"""Arms by hash: in proportion, for good, and independent of each other; kept once shown."""

from __future__ import annotations

from collections import Counter

import msgspec
import pytest

from personalize_api.experiments.arms import (
    HOLDOUT,
    Part,
    Split,
    assign,
    by_arms,
    nothing_shown,
    take_part,
)
from schemas.activity import Exposure
from schemas.site import Experiment, Site

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


def test_other_weights_than_the_files_divide_newcomers() -> None:
    seen = Counter(assign(HERO, d, {"a": 0.0, "b": 0.9, "c": 0.1}) for d in DEVICES)
    n = len(DEVICES)
    expected = {HOLDOUT: n * 0.1, "b": n * 0.81, "c": n * 0.09}
    assert chi_square(seen, expected) < CHI_SQUARE_99_9[2]


DAY_1, DAY_2 = 1_790_000_000_000, 1_790_086_400_000  # 2026-09-21, 22
SHOP = Site(name="Toyhouse", experiments={"hero": HERO})


def part(
    site: Site, name: str, unit: str, shown: dict[str, Exposure] | None = None, split: str = ""
) -> Part:
    seen = nothing_shown if shown is None else lambda: shown
    splits = (lambda *_: Split({split: 1.0}, "by what works")) if split else by_arms
    return take_part(site, site.experiments[name], unit, "search", seen, splits)


@pytest.mark.parametrize("arm", ["a", "b", "c", HOLDOUT])
def test_an_arm_that_was_shown_is_kept_whatever_the_hash_says(arm: str) -> None:
    shown = {HERO.key: Exposure(DAY_1, arm, "email")}
    for device in DEVICES[:40]:
        kept = part(SHOP, "hero", device, shown, split="a")
        assert kept == Part(arm, f"arm {arm} of experiment hero, kept since 2026-09-21")


def test_an_arm_that_is_gone_is_assigned_anew() -> None:
    for gone, site in (
        ("d", SHOP),
        (HOLDOUT, with_hero(holdout=0.0)),
    ):
        shown = {HERO.key: Exposure(DAY_1, gone)}
        for device in DEVICES[:40]:
            assert part(site, "hero", device, shown) == part(site, "hero", device)


def test_another_goal_or_time_for_it_moves_nobody() -> None:
    shown = {HERO.key: Exposure(DAY_2, "a"), "hero:1": Exposure(DAY_1, "c")}
    site = with_hero(goal="Signed Up", within_ms=60_000)
    assert site.experiments["hero"].key not in shown
    assert {part(site, "hero", d, shown).arm for d in DEVICES[:40]} == {"c"}


def with_hero(**changed: object) -> Site:
    hero = msgspec.structs.replace(HERO, **changed)
    return Site(name="Toyhouse", experiments={"hero": hero})


def test_who_was_held_out_stays_so_in_a_smaller_holdout() -> None:
    shown = {HERO.key: Exposure(DAY_1, HOLDOUT)}
    smaller = with_hero(holdout=0.001, arms={"new": 1.0})
    assert {part(smaller, "hero", d, shown).arm for d in DEVICES[:40]} == {HOLDOUT}


def test_of_a_share_only_so_many_take_part_and_growing_it_moves_nobody() -> None:
    small, large = with_hero(share=0.2), with_hero(share=0.5)
    before = {d: part(small, "hero", d).arm for d in DEVICES}
    n = len(DEVICES)
    inside = [d for d, arm in before.items() if arm]
    assert chi_square(Counter(x=len(inside), y=n - len(inside)), {"x": n * 0.2, "y": n * 0.8}) < 10
    assert all(part(large, "hero", d).arm == before[d] for d in inside)
    (outside,) = {part(small, "hero", d).why for d, arm in before.items() if not arm}
    assert outside == "not in experiment hero: outside of its share"


GROUP = Site(
    name="Toyhouse",
    experiments={
        "one": Experiment(name="one", arms={"a": 1, "b": 1}, group="home", share=0.3),
        "apart": Experiment(name="apart", arms={"a": 1}),
        "two": Experiment(name="two", arms={"c": 1, "d": 1}, group="home", share=0.5),
    },
)


def test_nobody_is_in_two_experiments_of_a_group() -> None:
    seen = Counter(
        (bool(part(GROUP, "one", d).arm), bool(part(GROUP, "two", d).arm)) for d in DEVICES
    )
    n = len(DEVICES)
    assert (True, True) not in seen
    named = Counter({f"{key}": count for key, count in seen.items()})
    expected = {"(True, False)": n * 0.3, "(False, True)": n * 0.5, "(False, False)": n * 0.2}
    assert chi_square(named, expected) < CHI_SQUARE_99_9[2]
    assert all(part(GROUP, "apart", d).arm for d in DEVICES[:100])


def test_who_was_shown_one_of_a_group_stays_in_it_and_out_of_the_others() -> None:
    one, two = GROUP.experiments["one"].key, GROUP.experiments["two"].key
    shown = {one: Exposure(DAY_1, "a"), two: Exposure(DAY_2, "c")}
    for device in DEVICES[:40]:
        assert part(GROUP, "one", device, shown).arm == "a"
        other = part(GROUP, "two", device, shown)
        assert other == Part("", "not in experiment two: in one of the same group")


def test_a_split_divides_newcomers_alone_and_says_what_it_goes_by() -> None:
    parts = [part(SHOP, "hero", d, split="b") for d in DEVICES[:200]]
    assert {p.arm for p in parts} == {"b", HOLDOUT}
    assert {p.why for p in parts if p.arm == "b"} == {"arm b of experiment hero (by what works)"}
