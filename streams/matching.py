"""Which steps of which live funnels an event satisfies: its evidence.

Name, kind and path decide most of it, so what they decide is worked out once for all funnels and
remembered; an event is only asked for what `where` names and, where it enters, for the breakdown.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence

import msgspec

from schemas.event import EnrichedEvent
from schemas.evidence import Evidence
from schemas.site import Funnel, Step, path_pattern
from streams.evidence import trimmed
from streams.last_few import LastFew

WITHOUT_SHIFT = 16
"""Bit 16+i of a mask: the event is what step i must be `without`."""

Properties = Callable[[], Mapping[str, object]]


class _Plan(msgspec.Struct, frozen=True):
    """What events of one name, and pages of one path, say for the funnels."""

    steps: tuple[int, ...]  # satisfied by name and path alone, a mask a funnel
    asked: tuple[tuple[int, int, _Condition], ...]  # (funnel, bit, `where` that also must hold)


class Matcher:
    """Asks events about funnels, in the order of the funnels given."""

    def __init__(self, funnels: Sequence[Funnel]) -> None:
        self._funnels = [_CompiledSteps(funnel) for funnel in funnels]
        self._plans = LastFew[tuple[str, str | None], _Plan]()

    def evidence(self, event: EnrichedEvent, properties: Properties) -> Evidence | None:
        """None where the event is evidence for no funnel."""
        path = event.path if event.type in ("page", "screen") else None
        plan = self._plans.get((event.name, path))
        if plan is None:
            plan = self._plans[event.name, path] = self._plan(event.name, path)
        steps = plan.steps
        if plan.asked:
            steps = _with_asked(plan, event, properties)
        if not steps:
            return None
        entered = [
            funnel.values(event, properties)
            for funnel, mask in zip(self._funnels, steps, strict=False)
            if mask & 1
        ]
        return Evidence(event.event_time, steps, tuple(entered))

    def _plan(self, name: str, path: str | None) -> _Plan:
        steps, asked = [], []
        for position, funnel in enumerate(self._funnels):
            mask = funnel.without.get(name, 0)
            for bit, condition in funnel.candidates(name, path):
                if condition.where:
                    asked.append((position, bit, condition))
                else:
                    mask |= bit
            steps.append(mask)
        return _Plan(trimmed(steps), tuple(asked))


def _with_asked(plan: _Plan, event: EnrichedEvent, properties: Properties) -> tuple[int, ...]:
    steps = [*plan.steps, *[0] * (plan.asked[-1][0] + 1 - len(plan.steps))]
    for position, bit, condition in plan.asked:
        if condition.holds(event, properties):
            steps[position] |= bit
    return trimmed(steps)


class _CompiledSteps:
    """One funnel's steps."""

    def __init__(self, funnel: Funnel) -> None:
        self._conditions = [_Condition(step) for step in funnel.steps]
        self._by = funnel.by
        self.without: dict[str, int] = {}
        for index, step in enumerate(funnel.steps):
            if step.without:
                bit = 1 << (WITHOUT_SHIFT + index)
                self.without[step.without] = self.without.get(step.without, 0) | bit

    def candidates(self, name: str, path: str | None) -> Iterator[tuple[int, _Condition]]:
        """(bit, condition) of the steps that are satisfied but for `where`."""
        for index, condition in enumerate(self._conditions):
            if condition.matches(name, path):
                yield 1 << index, condition

    def values(self, event: EnrichedEvent, properties: Properties) -> tuple[str, ...]:
        return tuple([_text(event, name, properties) for name in self._by])


class _Condition:
    """One step's condition."""

    def __init__(self, step: Step) -> None:
        self._event = step.event
        self._page = re.compile(path_pattern(step.page), re.DOTALL) if step.page else None
        self.where = [(name, frozenset(allowed)) for name, allowed in step.where.items()]

    def matches(self, name: str, path: str | None) -> bool:
        """`path`: of a page or screen; None of anything else."""
        if self._event and self._event != name:
            return False
        if self._page is None:
            return True
        return path is not None and self._page.match(path) is not None

    def holds(self, event: EnrichedEvent, properties: Properties) -> bool:
        return all(_text(event, name, properties) in allowed for name, allowed in self.where)


_FIELDS = frozenset(EnrichedEvent.__struct_fields__) - {"properties", "notes"}


def _text(event: EnrichedEvent, name: str, properties: Properties) -> str:
    """An event field's or property's value as ClickHouse's toString would print it."""
    value: object
    if name in _FIELDS:
        value = getattr(event, name)
        if type(value) is str:
            return value
    else:
        value = properties()
        for part in name.removeprefix("properties.").split("."):
            value = value.get(part) if isinstance(value, Mapping) else None
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return value
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, int | float):
        return str(value)
    return msgspec.json.encode(value).decode()
