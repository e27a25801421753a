"""Which homepage a visitor gets: the first scenario of the site file whose conditions all hold.

Pure: the same visit at the same time always meets the same scenario.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import msgspec

from personalize_api.decision.arrival import Arrival
from personalize_api.decision.conditions import Fact, conditions_of
from personalize_api.experiments.arms import (
    HOLDOUT,
    Part,
    Shown,
    Splits,
    by_arms,
    nothing_shown,
    take_part,
)
from personalize_api.recognize.visitors import Visitor
from schemas.profiles import AttributeValue
from schemas.referrer import Referrer
from schemas.site import Range, Scenario, Site, Value
from schemas.user_agent import device_class_of

DEFAULT = "default"
"""The scenario's name where none matched."""

Facts = Mapping[str, Fact]
"""What is known about a visit, by the names that conditions use. An absent name is not known; of
several values each holds. What takes long to find out is asked for when a condition needs it."""

_OLDEST = 1900  # a year of birth before it is no year


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be shown. `experiment` and `arm` are empty outside an experiment."""

    variant: str
    scenario: str
    reason: str  # a sentence for the person who wrote the site file
    experiment: str = ""
    arm: str = ""


class Tried(msgspec.Struct, frozen=True, kw_only=True):
    """One scenario beside one visit. The first that matches is the one that is taken."""

    scenario: str
    matched: bool
    why: str
    gives: str = ""  # the variant, or 'experiment NAME'


def facts_of(
    visitor: Visitor, referrer: Referrer, arrival: Arrival, local: datetime, country: str = ""
) -> dict[str, Fact]:
    """The facts of one visit at a time on the site's clock; `country` is '' where not known.

    Campaign fields that the URL does not carry are known to be ''.
    """
    facts: dict[str, Fact] = {
        "class": visitor.class_,
        "referrer_medium": referrer.medium,
        "referrer_source": referrer.source,
        "referrer_term": referrer.term,
        "utm_source": referrer.utm_source,
        "utm_medium": referrer.utm_medium,
        "utm_campaign": referrer.utm_campaign,
        "utm_content": referrer.utm_content,
        "utm_term": referrer.utm_term,
        "hour": local.hour,
        "weekday": local.isoweekday(),  # Monday is 1
    }
    if visitor.class_ != "unknown" or visitor.logged_in:
        facts["logged_in"] = visitor.logged_in
    if country:
        facts["country"] = country
    if arrival.language:
        facts["language"] = arrival.language
    if (standing := visitor.standing) is not None:
        facts["lifecycle"] = lambda: standing.profile.lifecycle
        facts["segment"] = lambda: standing.segments
    if arrival.user_agent:
        facts["device_class"] = device_class_of(arrival.user_agent)
    if visitor.attributes:
        facts |= {f"profile.{name}": value for name, value in visitor.attributes.items()}
        if "profile.age" not in facts and (age := _age(facts, local.year)) is not None:
            facts["profile.age"] = age
    return facts


def _age(facts: Facts, year: int) -> int | None:
    """The age that whoever was born in the profile's `birth_year` reaches in a year."""
    born = _known("profile.birth_year", facts)
    number = None if born is None or isinstance(born, tuple) else _number(born)
    return year - int(number) if number is not None and _OLDEST <= number <= year else None


class Takes(msgspec.Struct, frozen=True, kw_only=True):
    """What decides about a visitor's part in experiments."""

    unit: str = ""  # the id by which arms are assigned; '' takes part in none
    shown: Shown = nothing_shown
    splits: Splits = by_arms


def decide(site: Site, facts: Facts, takes: Takes) -> Choice:
    """Whoever is outside the experiment of a scenario meets the next scenario."""
    outside: list[str] = []
    for scenario in site.homepage.scenarios:
        if meets(scenario, facts):
            part = _part(site, scenario, facts, takes)
            if part is None or part.arm or not takes.unit:
                return _choice(site, scenario, facts, part, outside)
            outside.append(part.why)
    reason = "; ".join(("no scenario matched", *outside))
    return Choice(variant=site.homepage.default, scenario=DEFAULT, reason=reason)


def explain(site: Site, facts: Facts, takes: Takes) -> list[Tried]:
    """Every scenario in order, with why it did or did not match."""
    tried = []
    for scenario in site.homepage.scenarios:
        failing = [n for n, allowed in scenario.when.items() if not holds(n, allowed, facts)]
        if failing:
            why = "; ".join(_why_not(name, scenario.when[name], facts) for name in failing)
            tried.append(_tried(scenario, False, why))
            continue
        part = _part(site, scenario, facts, takes)
        why = _why(scenario, facts) if part is None else f"{_why(scenario, facts)}; {part.why}"
        matched = part is None or bool(part.arm) or not takes.unit
        tried.append(_tried(scenario, matched, why))
    return tried


def _part(site: Site, scenario: Scenario, facts: Facts, takes: Takes) -> Part | None:
    """None: the scenario has no experiment."""
    if not scenario.experiment:
        return None
    experiment = site.experiments[scenario.experiment]
    if not takes.unit:
        return Part(
            "", f"not in experiment {experiment.name}: a visitor without id has no lasting arm"
        )
    medium = str(facts["referrer_medium"])
    return take_part(site, experiment, takes.unit, medium, takes.shown, takes.splits)


def _choice(
    site: Site, scenario: Scenario, facts: Facts, part: Part | None, outside: list[str]
) -> Choice:
    default, why = site.homepage.default, _why(scenario, facts)
    if part is None:
        reason = "; ".join((why, *outside))
        return Choice(variant=scenario.variant or default, scenario=scenario.name, reason=reason)
    reason = "; ".join((why, part.why, *outside))
    if not part.arm:
        return Choice(variant=default, scenario=scenario.name, reason=reason)
    return Choice(
        variant=default if part.arm == HOLDOUT else part.arm,
        scenario=scenario.name,
        reason=reason,
        experiment=scenario.experiment,
        arm=part.arm,
    )


def _tried(scenario: Scenario, matched: bool, why: str) -> Tried:
    gives = scenario.variant or f"experiment {scenario.experiment}"
    return Tried(scenario=scenario.name, matched=matched, why=why, gives=gives)


def meets(scenario: Scenario, facts: Facts) -> bool:
    """Whether all conditions hold; asks for nothing behind the first that does not."""
    for name, condition in conditions_of(scenario):
        fact = facts.get(name)
        if callable(fact):
            fact = fact()
        if fact is None or not condition(fact):
            return False
    return True


def holds(name: str, allowed: tuple[Value | Range, ...], facts: Facts) -> bool:
    """Whether one condition does."""
    fact = _known(name, facts)
    if fact is None:
        return False
    known = fact if isinstance(fact, tuple) else (fact,)
    return any(_is(one, value, name) for one in known for value in allowed)


def _known(name: str, facts: Facts) -> AttributeValue | None:
    fact = facts.get(name)
    return fact() if callable(fact) else fact


def _is(fact: Value, value: Value | Range, name: str) -> bool:
    if isinstance(value, Range):
        number = _number(fact)
        return number is not None and value.low <= number <= value.high
    if isinstance(value, bool) or isinstance(fact, bool):
        return fact is value
    if isinstance(value, str):
        wanted, found = value.lower(), str(fact).lower()
        return found == wanted or (name == "language" and found.startswith(wanted + "-"))
    return _number(fact) == value


def _number(fact: Value) -> float | None:
    if isinstance(fact, bool):
        return None
    try:
        return float(fact)
    except ValueError:
        return None


def _why(scenario: Scenario, facts: Facts) -> str:
    if not scenario.when:
        return "it has no conditions and matches every visit"
    return " and ".join([f"{name} is {_text(_known(name, facts))}" for name in scenario.when])


def _why_not(name: str, allowed: tuple[Value | Range, ...], facts: Facts) -> str:
    if name not in facts:
        return f"{name} is not known"
    wanted = " or ".join(map(_text, allowed))
    return f"{name} is {_text(_known(name, facts))}, not {wanted}"


def _text(value: AttributeValue | Range | None) -> str:
    if value is None:
        return "not known"
    if isinstance(value, tuple):
        return ", ".join(map(_text, value)) or "empty"
    if isinstance(value, Range):
        return f"{value.low:g}..{value.high:g}"
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) or "empty"
