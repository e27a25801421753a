"""The site file's lifecycle borders and segments."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from typing import get_args

from yaml.nodes import MappingNode, Node

from schemas import site_values as values
from schemas.event import Medium
from schemas.site import (
    FREQUENCIES,
    LIFECYCLES,
    RECENCIES,
    InterestRule,
    LifecycleRules,
    Range,
    SegmentRule,
    Value,
    VisitorClass,
)
from schemas.site_yaml import Problems, Section, entries, is_null, items, text_of, unknown

MAX_SEGMENTS = 64

_BORDERS = ("active", "silent", "asleep")
_MEDIA: tuple[Medium, ...] = get_args(Medium)
_CLASSES: tuple[VisitorClass, ...] = get_args(VisitorClass)
_RANGE = re.compile(r"(?P<low>[^.\s][^\s]*?)? ?\.\. ?(?P<high>[^.\s][^\s]*)?")


def _amounts(text: str) -> Range:
    """`3`, `2..5`, `3..`, `..2`; both ends included."""
    return _range(text, _amount, "3, 2..5, 3.. or ..2")


def _ages(text: str) -> Range:
    """How long ago: `..7d`, `90d..`, `30d..90d`, as milliseconds."""
    if ".." not in text:
        raise ValueError(f"{text!r} is no span of time; allowed: ..7d, 90d.. or 30d..90d")
    return _range(text, lambda end: float(values.duration(end)), "..7d, 90d.. or 30d..90d")


def _amount(text: str) -> float:
    found = values.number(text)
    if found is None:
        raise ValueError(f"{text!r} is no number; allowed: 3, 2..5, 3.. or ..2")
    return float(found)


def _range(text: str, end: Callable[[str], float], allowed: str) -> Range:
    stripped = text.strip()
    match = _RANGE.fullmatch(stripped)
    if match is None:
        only = end(stripped)
        return Range(low=only, high=only)
    if not match["low"] and not match["high"]:
        raise ValueError(f"{text!r} has no ends; allowed: {allowed}")
    low = end(match["low"]) if match["low"] else -math.inf
    high = end(match["high"]) if match["high"] else math.inf
    if low > high:
        raise ValueError(f"{text!r} is upside down; allowed: the smaller end first")
    return Range(low=low, high=high)


CONDITIONS: Mapping[str, Callable[[str], Value | Range]] = {
    "class": values.choice(_CLASSES, "class"),
    "orders": _amounts,
    "revenue": _amounts,
    "sessions": _amounts,
    "days": _amounts,
    "first_seen": _ages,
    "last_seen": _ages,
    "first_order": _ages,
    "last_order": _ages,
    "first_touch.medium": values.choice(_MEDIA, "medium"),
    "first_touch.source": values.text,
    "first_touch.campaign": values.text,
    "last_touch.medium": values.choice(_MEDIA, "medium"),
    "last_touch.source": values.text,
    "last_touch.campaign": values.text,
    "recency": values.choice(RECENCIES, "recency"),
    "frequency": values.choice(FREQUENCIES, "frequency"),
    "lifecycle": values.choice(LIFECYCLES, "lifecycle stage"),
}
"""What a segment's conditions may name, beside `interest`."""


def read_lifecycle(file: Section) -> LifecycleRules:
    section = file.open("lifecycle", _BORDERS)
    default = LifecycleRules()
    rules = LifecycleRules(
        active_ms=section.read("active", values.duration, default.active_ms),
        silent_ms=section.read("silent", values.duration, default.silent_ms),
        asleep_ms=section.read("asleep", values.duration, default.asleep_ms),
    )
    if not rules.active_ms < rules.silent_ms < rules.asleep_ms:
        section.problems.add(
            section.line, "lifecycle: the borders do not grow; allowed: active < silent < asleep"
        )
    return rules


def read_segments(file: Section) -> dict[str, SegmentRule]:
    node = file.node("segments")
    found: dict[str, SegmentRule] = {}
    listed = entries(node, "segments", file.problems) if node else []
    for name, key_node, value in listed:
        try:
            values.name(name)
        except ValueError as error:
            file.problems.add(key_node, f"segments: {error}")
        where = f"segments.{name}"
        if is_null(value) or (isinstance(value, MappingNode) and not value.value):
            file.problems.add(key_node, f"{where} has no condition; allowed: at least one")
        found[name] = SegmentRule(name=name, when=_conditions(value, where, file.problems))
    if node is not None and len(listed) > MAX_SEGMENTS:
        file.problems.add(node, f"{len(listed)} segments; allowed: up to {MAX_SEGMENTS}")
    return found


def _conditions(
    node: Node, where: str, problems: Problems
) -> dict[str, tuple[Value | Range | InterestRule, ...]]:
    conditions: dict[str, tuple[Value | Range | InterestRule, ...]] = {}
    for name, key_node, value in entries(node, where, problems):
        if name == "interest":
            conditions[name] = _interests(value, where, problems)
            continue
        convert = CONDITIONS.get(name)
        if convert is None:
            allowed = (*CONDITIONS, "interest")
            problems.add(key_node, unknown("condition", name, f" in {where}", allowed))
            continue
        found: list[Value | Range] = []
        for item in items(value):
            try:
                found.append(convert(text_of(item)))
            except ValueError as error:
                problems.add(item, f"{name} in {where}: {error}")
        if not items(value):
            problems.add(value, f"{name} in {where}: allows no value")
        conditions[name] = tuple(found)
    return conditions


def _interests(node: Node, where: str, problems: Problems) -> tuple[InterestRule, ...]:
    """Categories, one or a list; or a mapping of category to its least share."""
    found: list[InterestRule] = []
    for item in items(node):
        try:
            if isinstance(item, MappingNode):
                for category, _, share in entries(item, f"interest in {where}", problems):
                    least = values.share(text_of(share))
                    found.append(InterestRule(category=values.text(category), share=least))
            else:
                found.append(InterestRule(category=values.text(text_of(item))))
        except ValueError as error:
            problems.add(item, f"interest in {where}: {error}")
    if not items(node):
        problems.add(node, f"interest in {where}: allows no value")
    return tuple(found)
