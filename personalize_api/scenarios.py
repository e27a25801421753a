"""Which homepage a visitor gets: the first scenario of the site file whose conditions all hold.

Pure: the same visit at the same time always meets the same scenario.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

import msgspec

from personalize_api.arrival import Arrival
from personalize_api.experiments import HOLDOUT, assign
from personalize_api.visitors import Visitor
from schemas.profiles import AttributeValue
from schemas.referrer import Referrer
from schemas.site import Range, Scenario, Site, Value
from schemas.user_agent import device_class_of

DEFAULT = "default"
"""The scenario's name where none matched."""

Fact = AttributeValue | Callable[[], AttributeValue]
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


def decide(site: Site, facts: Facts, unit: str) -> Choice:
    """`unit`: the id by which an experiment assigns arms; '' takes part in none."""
    for scenario in site.homepage.scenarios:
        if all(_holds(name, allowed, facts) for name, allowed in scenario.when.items()):
            return _choice(site, scenario, facts, unit)
    default = site.homepage.default
    return Choice(variant=default, scenario=DEFAULT, reason="no scenario matched")


def explain(site: Site, facts: Facts) -> list[Tried]:
    """Every scenario in order, with why it did or did not match."""
    tried = []
    for scenario in site.homepage.scenarios:
        failing = [n for n, allowed in scenario.when.items() if not _holds(n, allowed, facts)]
        why = (
            "; ".join(_why_not(name, scenario.when[name], facts) for name in failing)
            if failing
            else _why(scenario, facts)
        )
        tried.append(Tried(scenario=scenario.name, matched=not failing, why=why))
    return tried


def _choice(site: Site, scenario: Scenario, facts: Facts, unit: str) -> Choice:
    reason = _why(scenario, facts)
    variant = scenario.variant or site.homepage.default
    if not scenario.experiment:
        return Choice(variant=variant, scenario=scenario.name, reason=reason)
    experiment = site.experiments[scenario.experiment]
    if not unit:
        note = f"; not in experiment {experiment.name}: a visitor without id has no lasting arm"
        return Choice(variant=variant, scenario=scenario.name, reason=reason + note)
    arm = assign(experiment, unit)
    return Choice(
        variant=site.homepage.default if arm == HOLDOUT else arm,
        scenario=scenario.name,
        reason=f"{reason}; arm {arm} of experiment {experiment.name}",
        experiment=experiment.name,
        arm=arm,
    )


def _holds(name: str, allowed: tuple[Value | Range, ...], facts: Facts) -> bool:
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
    return " and ".join(f"{name} is {_text(_known(name, facts))}" for name in scenario.when)


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
