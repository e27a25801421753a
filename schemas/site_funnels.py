"""The site file's funnels."""

from __future__ import annotations

from typing import Literal

from yaml.nodes import Node, ScalarNode

from schemas import site_values as values
from schemas.event import EnrichedEvent
from schemas.site import MAX_STEPS, SESSION_BREAKDOWNS, Funnel, Step
from schemas.site_yaml import Section, entries, items, line_of, text_of, unknown

Order = Literal["ordered", "strict", "any"]

_FUNNEL = ("per", "order", "within", "by", "steps")
_STEP = ("name", "page", "event", "where", "without")
_BOOL = "tag:yaml.org,2002:bool"

FIELDS = tuple(sorted(set(EnrichedEvent.__struct_fields__) - {"properties", "notes"}))
"""Event fields that a step's `where` may name; anything else is `properties.<name>`."""

# A breakdown keeps one counter a value: what names one event or person makes no breakdown.
_SINGULAR = {
    "event_id",
    "event_time",
    "received_at",
    "device_id",
    "user_id",
    "profile_id",
    "person_id",
    "session_id",
    "url",
    "referrer",
    "click_id",
    "decision_id",
    "order_id",
    "revenue",
    "engaged_ms",
    "late",
}
BREAKDOWNS = (*(field for field in FIELDS if field not in _SINGULAR), *SESSION_BREAKDOWNS)
"""What a funnel may be broken down `by`, besides `properties.<name>`."""

MAX_BY = 8


def read_funnels(file: Section) -> dict[str, Funnel]:
    node = file.node("funnels")
    found: dict[str, Funnel] = {}
    for name, key_node, value in entries(node, "funnels", file.problems) if node else ():
        try:
            values.name(name)
        except ValueError as error:
            file.problems.add(key_node, f"funnels: {error}")
        where = f"funnels.{name}"
        section = Section(value, where, _FUNNEL, file.problems, line_of(key_node))
        found[name] = _funnel(name, section)
    return found


def _funnel(name: str, section: Section) -> Funnel:
    pers: tuple[Literal["person", "session"], ...] = ("person", "session")
    orders: tuple[Order, ...] = ("ordered", "strict", "any")
    by = section.many("by", breakdown)
    if len(by) > MAX_BY:
        section.problems.add(
            section.node("by") or section.line,
            f"by in {section.name}: {len(by)} fields; allowed: up to {MAX_BY}",
        )
    order: Order = section.read("order", values.choice(orders), "ordered")
    return Funnel(
        name=name,
        steps=_steps(section, order),
        per=section.read("per", values.choice(pers), "person"),
        order=order,
        within_ms=section.read("within", values.duration, values.DAY_MS),
        by=by,
    )


def _steps(funnel: Section, order: str) -> tuple[Step, ...]:
    node = funnel.node("steps")
    if node is None:
        funnel.problems.add(funnel.line, f"{funnel.name} needs 'steps'")
        return ()
    nodes = items(node)
    if not 1 <= len(nodes) <= MAX_STEPS:
        funnel.problems.add(
            node, f"{funnel.name} has {len(nodes)} steps; allowed: 1 to {MAX_STEPS}"
        )
    steps: dict[str, Step] = {}
    for position, item in enumerate(nodes):
        step = _step(funnel, item, first=position == 0)
        if step.without and order != "ordered":
            funnel.problems.add(
                item,
                f"{funnel.name}: 'without' means nothing where the order is {order}; "
                "allowed: with order: ordered",
            )
        if step.name in steps:
            funnel.problems.add(item, f"{funnel.name}: step '{step.name}' stands twice")
        steps[step.name] = step
    return tuple(steps.values())


def _step(funnel: Section, node: Node, *, first: bool) -> Step:
    section = Section(node, f"{funnel.name}.steps", _STEP, funnel.problems, line_of(node))
    if "page" not in section and "event" not in section:
        section.problems.add(node, f"a step in {section.name} needs 'page' or 'event'")
    if first and "without" in section:
        section.problems.add(
            section.node("without") or node,
            f"the first step in {section.name} has no step before it; allowed: without 'without'",
        )
    return Step(
        name=section.need("name", values.text, ""),
        page=section.read("page", values.page_pattern, ""),
        event=section.read("event", values.text, ""),
        where=_where(section),
        without=section.read("without", values.text, ""),
    )


def _where(step: Section) -> dict[str, tuple[str, ...]]:
    node = step.node("where")
    conditions: dict[str, tuple[str, ...]] = {}
    for field, key_node, value in entries(node, "where", step.problems) if node else ():
        try:
            _field(field, FIELDS)
            allowed = tuple(_where_text(item) for item in items(value))
        except ValueError as error:
            step.problems.add(key_node, f"where in {step.name}: {error}")
            continue
        if not allowed:
            step.problems.add(value, f"where in {step.name}: '{field}' allows no value")
        conditions[field] = allowed
    return conditions


def _where_text(node: Node) -> str:
    """Values are compared as text; a truth value is written as JSON writes it."""
    text = text_of(node)
    if isinstance(node, ScalarNode) and node.tag == _BOOL and text.lower() in ("true", "false"):
        return text.lower()
    return text


def breakdown(name: str) -> str:
    """The field, where a funnel may be broken down by it. Raises ValueError that names what may."""
    return _field(name, BREAKDOWNS)


def _field(name: str, known: tuple[str, ...]) -> str:
    if name in known or (name.startswith("properties.") and all(name.split("."))):
        return name
    raise ValueError(unknown("field", name, "", (*known, "properties.<name>")))
