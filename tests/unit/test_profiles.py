"""Profiles: which traits are taken, and that facts join to the same from any order."""

from __future__ import annotations

import json
import random
from functools import reduce
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas import profiles
from schemas.event import Event
from schemas.profiles import Fact, Profiles, attributes, join
from streams.steps.read_profile import LEFT_OUT, Told, read_profile
from tests.unit.test_device_stage import event


def told(traits: object, **fields: Any) -> Told | None:
    return read_profile(identify(traits, **fields))


def identify(traits: object, **fields: Any) -> Event:
    said = msgspec.Raw(json.dumps(traits).encode())
    return event(0, user="anna", **{"server": True, "properties": said, **fields})


def taken(traits: object) -> dict[str, object]:
    found = told(traits)
    assert found is not None
    return {name: fact.value for name, fact in found.profile.items()}


def test_scalars_and_lists_of_them_are_attributes() -> None:
    traits = {"age": 7, "weight": 21.5, "name": "Bär", "twin": False, "likes": ["trains", 3]}
    assert taken(traits) == {**traits, "likes": ("trains", 3)}
    assert taken({"age": None}) == {"age": None}


def test_which_profile_it_is_is_no_attribute_of_it() -> None:
    assert taken({"profile_id": "child", "age": 7}) == {"age": 7}


@pytest.mark.parametrize(
    "value",
    [
        {"street": "x"},
        "x" * 201,
        ["x"] * 17,
        ["x" * 201],
        ["x", None],
        [["x"]],
        ["x" * 200] * 6,
        2**60,
    ],
)
def test_what_does_not_fit_is_left_out_and_noted(value: object) -> None:
    found = told({"age": 7, "odd": value})
    assert found is not None
    assert (set(found.profile), found.note) == ({"age"}, LEFT_OUT)


@pytest.mark.parametrize("name", ["", "x" * 65, "a\nb"])
def test_an_odd_name_is_left_out_and_noted(name: str) -> None:
    assert told({name: 1}) == Told({}, LEFT_OUT)


def test_properties_that_cannot_be_read_say_nothing() -> None:
    assert read_profile(identify({}, properties=msgspec.Raw(b'{"a": 1e999}'))) == Told({}, LEFT_OUT)


@pytest.mark.parametrize(
    "no", [{"server": False}, {"type": "track", "name": "E"}, {"user_id": ""}, {"user_id": "guest"}]
)
def test_only_a_server_speaks_of_profiles_and_only_in_identify(no: dict[str, object]) -> None:
    assert told({"age": 7}, **no) is None


# -- join -----------------------------------------------------------------------------------

facts = st.builds(
    Fact,
    st.integers(0, 3),
    st.binary(min_size=1, max_size=1),
    st.sampled_from([None, 1, True, "1", ("a", "b")]),
)
said = st.builds(
    lambda profile, name, fact: {profile: {name: fact}},
    st.integers(0, 25).map(str),
    st.integers(0, 45).map(str),
    facts,
)


def oracle(everything: list[Profiles]) -> Profiles:
    """The latest of each fact; then the smallest names."""
    latest: dict[tuple[str, str], Fact] = {}
    for profile_id, name, fact in [
        (p, n, f) for one in everything for p, profile in one.items() for n, f in profile.items()
    ]:
        held = latest.get((profile_id, name), fact)
        latest[profile_id, name] = max(
            held, fact, key=lambda f: (f.time, f.event, msgspec.json.encode(f.value))
        )
    kept: Profiles = {}
    for profile_id in sorted({p for p, _ in latest})[: profiles.MAX_PROFILES]:
        names = sorted(name for p, name in latest if p == profile_id)[: profiles.MAX_ATTRIBUTES]
        kept[profile_id] = {name: latest[profile_id, name] for name in names}
    return kept


@settings(max_examples=300, deadline=None)
@given(st.lists(said, min_size=1, max_size=120), st.randoms(use_true_random=False))
def test_any_order_grouping_and_repetition_joins_to_the_same(
    everything: list[Profiles], chance: random.Random
) -> None:
    arrival = everything + everything[::3]
    chance.shuffle(arrival)
    groups: list[Profiles] = [{} for _ in range(chance.randrange(1, 5))]
    for one in arrival:
        at = chance.randrange(len(groups))
        groups[at] = join(groups[at], one)
    assert reduce(join, groups) == oracle(everything)


def test_of_more_than_are_kept_the_smallest_names_stay() -> None:
    many: list[Profiles] = [
        {f"{p:03}": {f"{n:03}": Fact(0, b"", 1)}} for p in range(20) for n in range(40)
    ]
    joined: Profiles = reduce(join, reversed(many), {})
    assert sorted(joined) == [f"{p:03}" for p in range(16)]
    for profile in joined.values():
        assert sorted(profile) == [f"{n:03}" for n in range(32)]


def test_what_adds_nothing_leaves_the_same_object() -> None:
    known: Profiles = {"child": {"age": Fact(2, b"b", 7)}}
    assert join(known, {"child": {"age": Fact(1, b"z", 6)}}) is known


def test_a_removed_attribute_stays_removed_by_what_was_said_before() -> None:
    removed: Profiles = {"": {"age": Fact(2, b"", None)}}
    assert attributes(join(removed, {"": {"age": Fact(1, b"", 7)}})[""]) == {}
