"""Scenarios: the first whose conditions all hold, and why."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
import pytest

from personalize_api.decision.arrival import Arrival, HomepageInput, check
from personalize_api.decision.conditions import Fact
from personalize_api.decision.scenarios import Facts, Takes, decide, explain, facts_of
from personalize_api.recognize.visitors import Standing, Visitor
from schemas.person_state import Contribution, PersonState
from schemas.profiles import AttributeValue
from schemas.purchases import Purchase
from schemas.referrer import classify
from schemas.site import (
    Experiment,
    Homepage,
    Range,
    ReferrerRule,
    Scenario,
    SegmentRule,
    Site,
    Value,
    VisitorClass,
)
from schemas.site_homepage import CONDITIONS

SUNDAY_EVENING = datetime(2026, 11, 22, 23, 30, tzinfo=UTC)
NOW_MS = 1_795_390_200_000
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148"

D, D1, NOBODY = Takes(unit="d"), Takes(unit="d1"), Takes()

SITE = Site(
    name="Toyhouse",
    hosts=("toyhouse.example",),
    referrers=(ReferrerRule(host="encyclopedia.example", source="Encyclopedia"),),
    homepage=Homepage(
        default="classic",
        scenarios=(
            Scenario(
                name="encyclopedia",
                when={"referrer_source": ("Encyclopedia",)},
                variant="bestsellers",
            ),
            Scenario(
                name="my-kids",
                when={"logged_in": (True,), "profile.age": (Range(low=0, high=9),)},
                variant="my-kids",
            ),
            Scenario(
                name="search-toys",
                when={"class": ("first-time",), "referrer_medium": ("search",)},
                experiment="hero",
            ),
            Scenario(
                name="returning",
                when={"class": ("returning", "registered", "customer")},
                variant="recently-viewed",
            ),
        ),
    ),
    experiments={"hero": Experiment(name="hero", arms={"search-hero": 1.0})},
)


def facts(
    referrer: str = "",
    url: str = "",
    class_: VisitorClass = "first-time",
    *,
    logged_in: bool = False,
    language: str | None = None,
    profile: dict[str, AttributeValue] | None = None,
) -> dict[str, Fact]:
    visitor = Visitor(class_=class_, logged_in=logged_in, attributes=profile or {})
    arrival = check(HomepageInput(url=url, referrer=referrer, language=language))
    return facts_of(visitor, classify(url, referrer, SITE), arrival, SUNDAY_EVENING)


def one(when: dict[str, tuple[Value | Range, ...]]) -> Site:
    scenario = Scenario(name="it", when=when, variant="shown")
    return Site(name="s", homepage=Homepage(default="classic", scenarios=(scenario,)))


def matches(when: dict[str, tuple[Value | Range, ...]], known: Facts) -> bool:
    return decide(one(when), known, D).scenario == "it"


def test_an_arrival_from_the_encyclopedia_gets_the_bestsellers() -> None:
    choice = decide(SITE, facts("https://encyclopedia.example/wiki/Toy"), D1)
    assert (choice.variant, choice.scenario) == ("bestsellers", "encyclopedia")
    assert choice.reason == "referrer_source is Encyclopedia"


def test_the_first_match_wins_over_a_later_one() -> None:
    known = facts("https://encyclopedia.example/", class_="customer")
    assert decide(SITE, known, D1).scenario == "encyclopedia"


def test_all_conditions_of_a_scenario_must_hold() -> None:
    assert decide(SITE, facts("https://www.google.com/"), D1).scenario == "search-toys"
    assert decide(SITE, facts(""), D1).scenario == "default"


@pytest.mark.parametrize("class_", ["returning", "registered", "customer"])
def test_the_values_of_one_condition_are_alternatives(class_: VisitorClass) -> None:
    assert decide(SITE, facts(class_=class_), D1).scenario == "returning"


def test_where_nothing_matches_the_default_is_shown() -> None:
    choice = decide(SITE, facts(), D1)
    assert (choice.variant, choice.scenario) == ("classic", "default")
    assert choice.reason == "no scenario matched"


def test_a_scenario_without_conditions_matches_every_visit() -> None:
    assert matches({}, facts())


def test_what_cannot_be_known_yet_never_matches_and_is_explained() -> None:
    tried = {t.scenario: t for t in explain(SITE, facts(class_="registered", logged_in=True), D1)}
    assert not tried["my-kids"].matched
    assert tried["my-kids"].why == "profile.age is not known"


def test_explain_names_every_scenario_and_what_failed() -> None:
    tried = explain(SITE, facts("https://www.google.com/"), D1)
    assert [(t.scenario, t.matched, t.why) for t in tried] == [
        ("encyclopedia", False, "referrer_source is Google, not Encyclopedia"),
        ("my-kids", False, "logged_in is false, not true; profile.age is not known"),
        (
            "search-toys",
            True,
            "class is first-time and referrer_medium is search; arm search-hero of experiment hero",
        ),
        ("returning", False, "class is first-time, not returning or registered or customer"),
    ]


def test_an_unreadable_visitor_is_decided_by_referrer_alone() -> None:
    known = facts("https://encyclopedia.example/", class_="unknown")
    assert decide(SITE, known, D1).variant == "bestsellers"
    assert not matches({"logged_in": (False,)}, known)


def test_a_campaign_is_read_from_the_url() -> None:
    known = facts(url="https://toyhouse.example/?utm_campaign=Spring&utm_source=letter")
    assert matches({"utm_campaign": ("spring",), "utm_source": ("letter",)}, known)


def test_a_language_covers_its_regions_but_not_the_other_way() -> None:
    assert matches({"language": ("de",)}, facts(language="de-AT,en;q=0.5"))
    assert not matches({"language": ("de-AT",)}, facts(language="de"))
    assert not matches({"language": ("de",)}, facts(language="den"))


def test_the_sites_clock_is_known() -> None:
    assert matches({"hour": (Range(low=22, high=23),), "weekday": (6, 7)}, facts())
    assert not matches({"hour": (22,)}, facts())


def test_true_is_not_the_number_one() -> None:
    assert not matches({"logged_in": (1,)}, {"logged_in": True})
    assert not matches({"visits": (True,)}, {"visits": 1})


def test_a_range_is_closed() -> None:
    within: dict[str, tuple[Value | Range, ...]] = {"visits": (Range(low=0, high=9),)}
    assert matches(within, {"visits": 9})
    assert matches(within, {"visits": "0"})
    assert not matches(within, {"visits": 9.5})
    assert not matches(within, {"visits": "many"})


def test_a_profile_that_fits_shows_its_homepage() -> None:
    known = facts(class_="registered", logged_in=True, profile={"age": 7})
    choice = decide(SITE, known, D1)
    assert (choice.variant, choice.reason) == ("my-kids", "logged_in is true and profile.age is 7")
    grown = facts(class_="registered", logged_in=True, profile={"age": 14})
    assert explain(SITE, grown, D1)[1].why == "profile.age is 14, not 0..9"


def test_a_list_holds_if_any_of_it_does() -> None:
    known = facts(profile={"likes": ("trains", "bears")})
    assert matches({"profile.likes": ("Bears", "dolls")}, known)
    assert not matches({"profile.likes": ("dolls",)}, known)
    assert not matches({"profile.likes": ("dolls",)}, facts(profile={"likes": ()}))
    assert (
        explain(one({"profile.likes": ("dolls",)}), known, D1)[0].why
        == "profile.likes is trains, bears, not dolls"
    )


def test_a_year_of_birth_is_an_age_where_none_was_told() -> None:
    assert facts(profile={"birth_year": 2019})["profile.age"] == 7
    assert facts(profile={"birth_year": "2019"})["profile.age"] == 7
    assert facts(profile={"birth_year": 2019, "age": 8})["profile.age"] == 8


@pytest.mark.parametrize("year", [2030, 1700, "nan", "soon", True, (2019,)])
def test_what_is_no_year_of_birth_is_no_age(year: AttributeValue) -> None:
    assert "profile.age" not in facts(profile={"birth_year": year})


def test_an_arm_is_the_variant_and_is_named_in_the_reason() -> None:
    choice = decide(SITE, facts("https://www.google.com/"), D1)
    assert (choice.variant, choice.experiment, choice.arm) == ("search-hero", "hero", "search-hero")
    assert choice.reason.endswith("arm search-hero of experiment hero")


def test_a_visitor_without_id_is_in_no_experiment() -> None:
    choice = decide(SITE, facts("https://www.google.com/"), NOBODY)
    assert (choice.variant, choice.scenario, choice.experiment) == ("classic", "search-toys", "")
    assert "not in experiment hero" in choice.reason


def test_who_is_outside_of_an_experiment_meets_the_next_scenario() -> None:
    nobodys = Experiment(name="hero", arms={"search-hero": 1.0}, group="home", share=0.0)
    second = Experiment(name="second", arms={"gifts": 1.0}, group="home", share=1.0)
    scenarios = [
        Scenario(name=name, when={"referrer_medium": ("search",)}, experiment=name)
        for name in ("hero", "second")
    ]
    site = msgspec.structs.replace(
        SITE,
        experiments={"hero": nobodys, "second": second},
        homepage=Homepage(default="classic", scenarios=tuple(scenarios)),
    )
    known = facts("https://www.google.com/")
    choice = decide(site, known, D1)
    assert (choice.scenario, choice.variant, choice.arm) == ("second", "gifts", "gifts")
    assert choice.reason == (
        "referrer_medium is search; arm gifts of experiment second; "
        "not in experiment hero: outside of its share"
    )
    assert [(tried.scenario, tried.matched) for tried in explain(site, known, D1)] == [
        ("hero", False),
        ("second", True),
    ]
    alone = msgspec.structs.replace(
        site, homepage=Homepage(default="classic", scenarios=tuple(scenarios[:1]))
    )
    choice = decide(alone, known, D1)
    assert (choice.scenario, choice.variant, choice.experiment) == ("default", "classic", "")
    assert choice.reason == "no scenario matched; not in experiment hero: outside of its share"


def test_segment_lifecycle_and_device_class_are_facts() -> None:
    bought = Purchase(NOW_MS - 86_400_000, b"1", 10_000, "EUR")
    held = Contribution(1, False, NOW_MS - 86_400_000, NOW_MS, 3, 1, purchases=(bought,))
    person = PersonState(user_id="anna", counted=True, devices={"d": held})
    when: dict[str, tuple[Value | Range, ...]] = {
        "segment": ("buyers",), "lifecycle": ("new",), "device_class": ("phone",)
    }  # fmt: skip
    buyers = SegmentRule(name="buyers", when={"orders": (Range(low=1, high=9),)})
    scenario = Scenario(name="buyers-on-phones", when=when, variant="small")
    homepage = Homepage(scenarios=(scenario,))
    site = Site(name="T", segments={"buyers": buyers}, homepage=homepage)
    direct = classify("", "", site)
    visitor = Visitor(class_="customer", standing=Standing(person, site, NOW_MS, "anna"))
    known = facts_of(visitor, direct, Arrival(user_agent=IPHONE), SUNDAY_EVENING)
    choice = decide(site, known, NOBODY)
    assert (choice.scenario, choice.reason) == (
        "buyers-on-phones",
        "segment is buyers and lifecycle is new and device_class is phone",
    )
    stranger = Visitor(class_="first-time", standing=Standing(None, site, NOW_MS, ""))
    (tried,) = explain(site, facts_of(stranger, direct, Arrival(), SUNDAY_EVENING), NOBODY)
    assert tried.why == (
        "segment is empty, not buyers; lifecycle is visitor, not new; device_class is not known"
    )


def test_a_profile_is_worked_out_only_for_a_scenario_that_asks() -> None:
    asked = []

    def segments() -> tuple[str, ...]:
        asked.append("segments")
        return ("buyers",)

    known: dict[str, Fact] = {"referrer_medium": "search", "segment": segments}
    first = Scenario(name="search", when={"referrer_medium": ("search",)}, variant="a")
    second = Scenario(name="buyers", when={"segment": ("buyers",)}, variant="b")
    for scenarios, is_asked in (((first, second), False), ((second, first), True)):
        decide(Site(name="T", homepage=Homepage(scenarios=scenarios)), known, NOBODY)
        assert bool(asked) == is_asked


def test_every_condition_that_a_site_file_may_name_can_hold_and_can_fail() -> None:
    """A new one must stand here."""
    url = "https://toyhouse.example/?" + "&".join(
        f"utm_{name}={name}" for name in ("source", "campaign", "content", "term")
    )
    search = "https://www.google.com/search?q=kites"
    arrival = check(HomepageInput(url=url, user_agent=IPHONE, language="de-AT"))
    bought = Purchase(NOW_MS - 86_400_000, b"1", 10_000, "EUR")
    held = Contribution(1, False, NOW_MS - 1000, NOW_MS, 1, 1, {}, purchases=(bought,))
    person = PersonState(user_id="anna", counted=True, devices={"d": held})
    site = msgspec.structs.replace(
        SITE,
        segments={"buyers": SegmentRule(name="buyers", when={"orders": (Range(low=1, high=9),)})},
    )
    standing = Standing(person, site, NOW_MS, "anna")
    visitor = Visitor(class_="customer", logged_in=True, standing=standing)
    by_campaign = facts_of(visitor, classify(url, "", SITE), arrival, SUNDAY_EVENING, "AT")
    by_search = facts_of(visitor, classify("", search, SITE), arrival, SUNDAY_EVENING)
    wanted: dict[str, tuple[Value, Value]] = {
        "class": ("customer", "returning"),
        "logged_in": (True, False),
        "utm_source": ("source", "letter"),
        "utm_medium": ("", "email"),
        "utm_campaign": ("campaign", "spring"),
        "utm_content": ("content", "top"),
        "utm_term": ("term", "kites"),
        "country": ("AT", "DE"),
        "language": ("de", "en"),
        "device_class": ("phone", "desktop"),
        "segment": ("buyers", "fans"),
        "lifecycle": ("new", "loyal"),
        "hour": (23, 22),
        "weekday": (7, 1),
        "referrer_medium": ("search", "social"),
        "referrer_source": ("Google", "Bing"),
        "referrer_term": ("kites", "kite"),
    }
    assert wanted.keys() == CONDITIONS.keys()
    for name, (right, wrong) in wanted.items():
        known = by_search if name.startswith("referrer") else by_campaign
        assert matches({name: (right,)}, known), name
        assert matches({name: (wrong, right)}, known), name
        assert not matches({name: (wrong,)}, known), name
