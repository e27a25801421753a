"""Whether a scenario's conditions hold: each is prepared once, since every homepage view asks.

`scenarios.holds` says the same in plain words; a test compares the two.
"""

from __future__ import annotations

from collections.abc import Callable

from schemas.profiles import AttributeValue
from schemas.site import Range, Scenario, Value

Fact = AttributeValue | Callable[[], AttributeValue]
Test = Callable[[AttributeValue], bool]

_MAX_PREPARED = 1024


class Condition:
    """The allowed values of one condition, by kind. Text is compared without regard to case."""

    __slots__ = ("_begins", "_numbers", "_ranges", "_truths", "_words")

    def __init__(self, name: str, allowed: tuple[Value | Range, ...]) -> None:
        self._truths = [value for value in allowed if isinstance(value, bool)]
        words = [value.lower() for value in allowed if isinstance(value, str)]
        self._words = frozenset(words)
        # 'de' allows 'de-at'
        self._begins = tuple(f"{word}-" for word in words) if name == "language" else ()
        self._ranges = [value for value in allowed if isinstance(value, Range)]
        self._numbers = [
            float(value)
            for value in allowed
            if isinstance(value, int | float) and not isinstance(value, bool)
        ]

    def __call__(self, fact: AttributeValue) -> bool:
        """Of a fact with several values one is enough."""
        if isinstance(fact, tuple):
            return any(map(self._allows, fact))
        return self._allows(fact)

    def _allows(self, fact: Value) -> bool:
        if isinstance(fact, bool):
            return any(fact is truth for truth in self._truths)
        if self._words:
            text = str(fact).lower()
            if text in self._words or (self._begins and text.startswith(self._begins)):
                return True
        if not self._numbers and not self._ranges:
            return False
        try:
            number = float(fact)
        except ValueError:
            return False
        return number in self._numbers or any(r.low <= number <= r.high for r in self._ranges)


_prepared: dict[int, tuple[Scenario, tuple[tuple[str, Condition], ...]]] = {}


def conditions_of(scenario: Scenario) -> tuple[tuple[str, Condition], ...]:
    """Prepared once a scenario object, which is kept beside them so that its id stays its own."""
    known = _prepared.get(id(scenario))
    if known is None:
        if len(_prepared) >= _MAX_PREPARED:
            _prepared.clear()
        conditions = tuple((name, Condition(name, each)) for name, each in scenario.when.items())
        known = _prepared[id(scenario)] = (scenario, conditions)
    return known[1]
