"""The site file's homepage: scenarios with their conditions."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from typing import get_args

from yaml.nodes import Node, ScalarNode

from schemas import site_values as values
from schemas.event import Medium
from schemas.site import (
    LIFECYCLES,
    Experiment,
    Homepage,
    Range,
    Scenario,
    Value,
    VisitorClass,
)
from schemas.site_yaml import Section, entries, items, line_of, text_of, unknown
from schemas.user_agent import DEVICE_CLASSES

_SCENARIO = ("name", "when", "variant", "experiment", "picks")
_BOOL = "tag:yaml.org,2002:bool"

MAX_PICKS = 100

Convert = Callable[[str], Value | Range]


def _number_between(low: int, high: int) -> Convert:
    def convert(text: str) -> Value | Range:
        found = values.range_of(text)
        ends = (found.low, found.high) if found else (float(values.whole(low, high)(text)),)
        if not all(low <= end <= high for end in ends):
            raise ValueError(f"{text!r} is out of range; allowed: {low}..{high}")
        return found or int(text)

    return convert


def _country(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z]{2}", text):
        raise ValueError(f"{text!r} is no country; allowed: two letters such as DE")
    return text.upper()


def _one_of(segments: Collection[str]) -> Convert:
    def convert(text: str) -> Value | Range:
        if text not in segments:
            raise ValueError(unknown("segment", text, "", segments))
        return text

    return convert


_MEDIA: tuple[Medium, ...] = get_args(Medium)
_CLASSES: tuple[VisitorClass, ...] = get_args(VisitorClass)

CONDITIONS: Mapping[str, Convert] = {
    "class": values.choice(_CLASSES, "class"),
    "logged_in": values.truth,
    "referrer_medium": values.choice(_MEDIA, "medium"),
    "referrer_source": values.text,
    "referrer_term": values.text,
    "utm_source": values.text,
    "utm_medium": values.text,
    "utm_campaign": values.text,
    "utm_content": values.text,
    "utm_term": values.text,
    "country": _country,
    "language": values.text,
    "device_class": values.choice(DEVICE_CLASSES, "device class"),
    "segment": values.text,  # one of those that the file defines
    "lifecycle": values.choice(LIFECYCLES, "lifecycle stage"),
    "hour": _number_between(0, 23),  # in the site's timezone
    "weekday": _number_between(1, 7),  # Monday is 1
}
"""What a scenario's `when` may name, beside `profile.<attribute>`."""


def read_homepage(
    file: Section, experiments: Mapping[str, Experiment], segments: Collection[str]
) -> Homepage:
    """`segments`: the names of those that the file defines."""
    section = file.open("homepage", ("default", "scenarios"))
    node = section.node("scenarios")
    conditions = {**CONDITIONS, "segment": _one_of(segments)}
    scenarios: dict[str, Scenario] = {}
    for item in items(node) if node else ():
        scenario = _scenario(section, item, experiments, conditions)
        if scenario.name in scenarios:
            section.problems.add(item, f"homepage: scenario '{scenario.name}' stands twice")
        scenarios[scenario.name] = scenario
    return Homepage(
        default=section.read("default", values.name, Homepage().default),
        scenarios=tuple(scenarios.values()),
    )


def _scenario(
    homepage: Section,
    node: Node,
    experiments: Mapping[str, Experiment],
    known: Mapping[str, Convert],
) -> Scenario:
    section = Section(node, "homepage.scenarios", _SCENARIO, homepage.problems, line_of(node))
    name = section.need("name", values.name, "")
    if name == "default":
        section.problems.add(node, "scenario 'default' is the name where none matches")
    if ("variant" in section) == ("experiment" in section):
        section.problems.add(
            node, f"scenario '{name}' needs exactly one of 'variant' and 'experiment'"
        )
    experiment = section.read("experiment", values.name, "")
    if experiment and experiment not in experiments:
        section.problems.add(
            section.node("experiment") or node, unknown("experiment", experiment, "", experiments)
        )
    return Scenario(
        name=name,
        when=_when(section, known),
        variant=section.read("variant", values.name, ""),
        experiment=experiment,
        picks=section.read("picks", values.whole(0, MAX_PICKS), 0),
    )


def _when(scenario: Section, known: Mapping[str, Convert]) -> dict[str, tuple[Value | Range, ...]]:
    node = scenario.node("when")
    conditions: dict[str, tuple[Value | Range, ...]] = {}
    for name, key_node, value in entries(node, "when", scenario.problems) if node else ():
        convert = known.get(name)
        of_profile = re.fullmatch(r"profile\.[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}", name)
        if convert is None and not of_profile:
            allowed = (*known, "profile.<attribute>")
            scenario.problems.add(key_node, unknown("condition", name, " in when", allowed))
            continue
        found: list[Value | Range] = []
        for item in items(value):
            try:
                found.append(convert(text_of(item)) if convert else _attribute(item))
            except ValueError as error:
                scenario.problems.add(item, f"{name} in when: {error}")
        if not found and not items(value):
            scenario.problems.add(value, f"{name} in when: allows no value")
        conditions[name] = tuple(found)
    return conditions


def _attribute(node: Node) -> Value | Range:
    """An attribute's value may be a truth, a number, a range or text."""
    text = text_of(node)
    plain = isinstance(node, ScalarNode) and node.style is None
    if isinstance(node, ScalarNode) and node.tag == _BOOL:
        if text.lower() not in ("true", "false"):
            raise ValueError(f"{text} may mean a truth or a word; allowed: true, false, '{text}'")
        return text.lower() == "true"
    if plain:
        number = values.number(text)
        if number is not None:
            return number
        if (found := values.range_of(text)) is not None:
            return found
    return values.text(text)
