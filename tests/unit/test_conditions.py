"""Conditions as they are prepared say what they say in plain words."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from personalize_api.decision.scenarios import Facts, holds, meets
from schemas.site import Range, Scenario, Value

WORDS = st.sampled_from(["de", "de-at", "DE", "d", "", "1", "1.0", "true", "3", "x y", "nan"])
NUMBERS = st.sampled_from([0, 1, 3, 1.0, 2.5, -1, 10**18])
FACTS: st.SearchStrategy[Value] = st.one_of(WORDS, NUMBERS, st.booleans())
RANGES = st.sampled_from([Range(low=0, high=2), Range(low=3, high=3), Range(low=-5, high=-1)])


@example("language", ["de"], "de-AT")
@example("language", ["de-at"], "de")
@example("country", ["de"], "de-at")
@given(
    st.sampled_from(["language", "country", "profile.age"]),
    st.lists(st.one_of(FACTS, RANGES), min_size=1, max_size=4),
    st.one_of(FACTS, st.lists(FACTS, max_size=3).map(tuple)),
)
def test_prepared_and_plain_agree(
    name: str, allowed: list[Value | Range], fact: Value | tuple[Value, ...]
) -> None:
    scenario = Scenario(name="s", when={name: tuple(allowed)})
    facts: Facts = {name: fact}
    assert meets(scenario, facts) == holds(name, tuple(allowed), facts)


def test_what_is_not_known_meets_nothing() -> None:
    assert not meets(Scenario(name="s", when={"country": ("DE",)}), {})
    assert meets(Scenario(name="s"), {})


def test_what_takes_long_is_asked_for_behind_the_others_only() -> None:
    asked = []

    def segment() -> tuple[str, ...]:
        asked.append(1)
        return ("hesitant",)

    scenario = Scenario(name="s", when={"class": ("returning",), "segment": ("hesitant",)})
    assert not meets(scenario, {"class": "customer", "segment": segment})
    assert not asked
    assert meets(scenario, {"class": "returning", "segment": segment})
