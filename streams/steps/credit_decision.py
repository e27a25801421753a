"""Which scenario, variant and arm an event is credited to."""

from __future__ import annotations

from functools import lru_cache

from schemas.decision_token import Decided, read


def credit_decision(decision_id: str, variant: str, secret: str) -> Decided:
    """What our signed id says; without a valid one only the variant that the page names."""
    if decision_id and (decided := _read(decision_id, secret)) is not None:
        return decided
    return Decided(scenario="", variant=variant)


@lru_cache(maxsize=20_000)
def _read(decision_id: str, secret: str) -> Decided | None:
    return read(decision_id, secret)
