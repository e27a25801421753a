"""Which steps of which live funnels an event satisfies: its evidence.

Name, kind, path and a few short fields decide most of it, so what they decide is worked out once
for all funnels and remembered; an event is only asked for what else `where` names and, where it
enters, for the breakdown.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from operator import attrgetter
from typing import Literal, get_origin

import msgspec

from schemas.batch import UNREADABLE
from schemas.event import EnrichedEvent
from schemas.evidence import Evidence, Said
from schemas.funnel import ANY
from schemas.site import Funnel, Step, path_pattern
from schemas.step_masks import BREAK, ENTERS, WITHOUT_SHIFT, enters
from streams.evidence import trimmed
from streams.last_few import LastFew

_SHORT = frozenset(
    {
        "referrer_medium",
        "referrer_source",
        "variant",
        "scenario",
        "experiment",
        "arm",
        "device_class",
        "currency",
        "protocol",
        "utm_source",
        "utm_medium",
        "utm_campaign",
        "country",
        "language",
    }
)
"""Event fields, all of them texts, that have few values: what is asked of them is remembered."""

_TEXTS = {
    field.name
    for field in msgspec.structs.fields(EnrichedEvent)
    if field.type is str or get_origin(field.type) is Literal
}

_MOST_BRANCHES = 256  # of one name and path


class _Plan(msgspec.Struct, frozen=True):
    """What events say for the funnels by name, path and short fields that `where` asks for."""

    steps: tuple[int, ...]  # a mask a funnel, without what is asked
    said: Said | None  # that, where nothing more need be asked
    entered: tuple[_CompiledSteps, ...]  # of these funnels the first step
    by: Callable[[EnrichedEvent], object] | None  # all that breaks these down, if it is texts
    told: dict[object, Said]  # by what stands there
    asked: tuple[tuple[int, int, _Condition], ...]  # (funnel, bit, `where` that also must hold)


class _Branches(msgspec.Struct, frozen=True):
    """The plans of events of one name, and pages of one path."""

    fields: Callable[[EnrichedEvent], object] | None  # that decide which; None: nothing does
    plans: dict[object, _Plan]  # by what stands in them


class Matcher:
    """Asks events about funnels, in the order of the funnels given."""

    def __init__(self, funnels: Sequence[Funnel]) -> None:
        self._funnels = [_CompiledSteps(funnel) for funnel in funnels]
        self._branches = LastFew[tuple[str, str | None], _Branches]()
        self._said = lru_cache(maxsize=10_000)(Said)

    def evidence(self, event: EnrichedEvent) -> Evidence | None:
        """None where the event is evidence for no funnel."""
        path = event.path if event.type in ("page", "screen") else None
        branches = self._branches.get((event.name, path))
        if branches is None:
            branches = self._branches[event.name, path] = self._fork(event.name, path)
        told = branches.fields(event) if branches.fields is not None else None
        plan = branches.plans.get(told)
        if plan is None:
            if len(branches.plans) >= _MOST_BRANCHES:
                branches.plans.clear()
            plan = branches.plans[told] = self._plan(event, path)
        if plan.asked:
            return self._asked(plan, event)
        if not plan.steps:
            return None
        return Evidence(event.event_time, plan.said or self._entering(plan, event))

    def _fork(self, name: str, path: str | None) -> _Branches:
        fields = {
            field
            for funnel in self._funnels
            for _, condition in funnel.candidates(name, path)
            for field, _ in condition.where
            if field in _SHORT
        }
        return _Branches(attrgetter(*sorted(fields)) if fields else None, {})

    def _plan(self, event: EnrichedEvent, path: str | None) -> _Plan:
        steps, asked = [], []
        for position, funnel in enumerate(self._funnels):
            mask = funnel.always | funnel.without.get(event.name, 0)
            for bit, condition in funnel.candidates(event.name, path):
                if not condition.may_hold(event):
                    continue
                if condition.long:
                    asked.append((position, bit, condition))
                else:
                    mask |= bit
            steps.append(mask)
        entered = self._entered(steps)
        satisfied = trimmed(steps)
        fields = sorted({name for funnel in entered for name in funnel.by})
        said = None if fields else Said(satisfied, tuple(() for _ in entered))
        by = attrgetter(*fields) if fields and _TEXTS.issuperset(fields) else None
        return _Plan(satisfied, said, entered, by, {}, tuple(asked))

    def _entering(self, plan: _Plan, event: EnrichedEvent) -> Said:
        """What an event says that enters funnels which are broken down."""
        if plan.by is None:
            return self._said(plan.steps, _values(plan.entered, event))
        standing = plan.by(event)
        said = plan.told.get(standing)
        if said is None:
            if len(plan.told) >= _MOST_BRANCHES:
                plan.told.clear()
            said = plan.told[standing] = self._said(plan.steps, _values(plan.entered, event))
        return said

    def _asked(self, plan: _Plan, event: EnrichedEvent) -> Evidence | None:
        properties = _Properties(event.properties)
        steps = [*plan.steps, *[0] * (len(self._funnels) - len(plan.steps))]
        for position, bit, condition in plan.asked:
            if condition.holds(event, properties):
                steps[position] |= bit
        if not any(steps):
            return None
        values = _values(self._entered(steps), event)
        return Evidence(event.event_time, self._said(trimmed(steps), values))

    def _entered(self, steps: Sequence[int]) -> tuple[_CompiledSteps, ...]:
        both = zip(self._funnels, steps, strict=True)
        return tuple(funnel for funnel, mask in both if enters(mask))


def _values(entered: Iterable[_CompiledSteps], event: EnrichedEvent) -> tuple[tuple[str, ...], ...]:
    return tuple([funnel.values(event) for funnel in entered])


class _CompiledSteps:
    """One funnel's steps."""

    def __init__(self, funnel: Funnel) -> None:
        self._conditions = [_Condition(step) for step in funnel.steps]
        self._entry = ENTERS if funnel.order == "any" else 0
        self.by = funnel.live_by
        self.always = BREAK if funnel.order == "strict" else 0  # what every event is to it
        self.without: dict[str, int] = {}
        for index, step in enumerate(funnel.steps):
            if step.without and index and funnel.order == "ordered":
                bit = 1 << (WITHOUT_SHIFT + index)
                self.without[step.without] = self.without.get(step.without, 0) | bit

    def candidates(self, name: str, path: str | None) -> Iterator[tuple[int, _Condition]]:
        """(bits, condition) of the steps that are satisfied but for `where`."""
        for index, condition in enumerate(self._conditions):
            if condition.matches(name, path):
                yield 1 << index | self._entry, condition

    def values(self, event: EnrichedEvent) -> tuple[str, ...]:
        """What stands in the event's `by` fields."""
        properties = _Properties(event.properties)
        return tuple([_text(event, name, properties) for name in self.by])


class _Condition:
    """One step's condition."""

    def __init__(self, step: Step) -> None:
        self._event = step.event
        self._page = re.compile(path_pattern(step.page), re.DOTALL) if step.page else None
        self.where = [(name, _allowed(allowed)) for name, allowed in step.where.items()]
        self.long = [each for each in self.where if each[0] not in _SHORT]
        self._short = [each for each in self.where if each[0] in _SHORT]

    def matches(self, name: str, path: str | None) -> bool:
        """`path`: of a page or screen; None of anything else."""
        if self._event and self._event != name:
            return False
        if self._page is None:
            return True
        return path is not None and self._page.match(path) is not None

    def may_hold(self, event: EnrichedEvent) -> bool:
        """Whether the short fields are as `where` says."""
        return all(getattr(event, name) in allowed for name, allowed in self._short)

    def holds(self, event: EnrichedEvent, properties: _Properties) -> bool:
        """Whether the others are."""
        return all(_text(event, name, properties) in allowed for name, allowed in self.long)


class _SaidOr:
    """Whatever is not empty, and these."""

    def __init__(self, texts: Container[str]) -> None:
        self._texts = texts

    def __contains__(self, text: object) -> bool:
        return text != "" or text in self._texts


def _allowed(texts: Sequence[str]) -> Container[str]:
    return _SaidOr(frozenset(texts)) if ANY in texts else frozenset(texts)


class _Properties:
    """An event's properties as a mapping, decoded when first asked for."""

    def __init__(self, raw: msgspec.Raw) -> None:
        self._raw = raw
        self._found: Mapping[str, object] | None = None

    def __call__(self) -> Mapping[str, object]:
        if self._found is None:
            try:
                self._found = msgspec.json.decode(self._raw, type=dict[str, object])
            except UNREADABLE:
                self._found = {}  # text that no decoder accepts satisfies no condition
        return self._found


_FIELDS = frozenset(EnrichedEvent.__struct_fields__) - {"properties", "notes"}


def _text(event: EnrichedEvent, name: str, properties: _Properties) -> str:
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
