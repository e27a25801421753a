"""A person's profile: a pure function of what the person's devices contribute, and of the time.

Contributions are a set: joining persons, splitting them and moving a device from one to another
needs nothing of its own here. Nothing is added up but what one set holds once.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Literal

import msgspec

from schemas.activity import Exposure, Touch, first_exposures, interests, touches
from schemas.person_state import Contribution
from schemas.purchases import Order, orders_of
from schemas.site import FREQUENCIES, Frequency, Lifecycle, LifecycleRules, Recency, VisitorClass

HALF_LIFE_MS = 14 * 86_400_000
"""An interest counts half after so long."""

MAX_INTERESTS = 24
_ORDER_WEIGHT = 5  # a look counts 1, into the cart 3


class Interest(msgspec.Struct, frozen=True):
    """`score`: decayed until now; `share`: of all the person's interests, 0 to 1."""

    category: str
    score: float
    share: float


class PersonProfile(msgspec.Struct, frozen=True, kw_only=True):
    """Times are ms, 0 where there is none."""

    class_: VisitorClass
    first_seen: int
    last_seen: int  # by registers: rounded down to 5 minutes
    sessions: int
    days: int  # different UTC days on which sessions began
    orders: int  # different ones completed, refunded or not
    first_order: int
    last_order: int
    money: dict[str, int]  # currency -> ten-thousandths of it, less refunds
    interests: tuple[Interest, ...]  # strongest first
    first_touch: Touch | None
    last_touch: Touch | None
    exposures: dict[str, Exposure]  # Experiment.key -> the earliest: the person's arm
    recency: Recency
    frequency: Frequency | Literal[""]  # '' has not ordered
    lifecycle: Lifecycle


def profile_of(
    contributions: Iterable[Contribution], rules: LifecycleRules, now_ms: int, *, has_login: bool
) -> PersonProfile:
    """The person of these contributions. What is `gone` contributes nothing."""
    held = [each for each in contributions if not each.gone]
    seen = [each for each in held if each.sessions or each.purchases] or held
    orders = orders_of({purchase for each in held for purchase in each.purchases})
    arrivals = [touch for each in held for touch in touches(each.activity)]
    sessions = sum(each.sessions for each in held)
    last_seen = max((each.last_seen for each in seen), default=0)
    count = max(len(orders), _told(held))
    recency = recency_of(now_ms - last_seen if last_seen else 0, rules)
    frequency = frequency_of(count)
    return PersonProfile(
        class_=_class(count, has_login, sessions),
        first_seen=min((each.first_seen for each in seen), default=0),
        last_seen=last_seen,
        sessions=sessions,
        days=len({day for each in held for day in each.days}),
        orders=count,
        first_order=orders[0].time if orders else 0,
        last_order=orders[-1].time if orders else 0,
        money=_money(orders),
        interests=_interests(held, orders, now_ms),
        first_touch=min(arrivals, default=None),
        last_touch=max(arrivals, default=None),
        exposures=first_exposures(each.activity for each in held),
        recency=recency,
        frequency=frequency,
        lifecycle=lifecycle_of(recency, frequency, has_login=has_login),
    )


def recency_of(age_ms: int, rules: LifecycleRules) -> Recency:
    """By how long ago the person was last seen."""
    if age_ms <= rules.active_ms:
        return "active"
    if age_ms <= rules.silent_ms:
        return "silent"
    return "asleep" if age_ms <= rules.asleep_ms else "lost"


def frequency_of(orders: int) -> Frequency | Literal[""]:
    """By how often the person has ordered; '' for never."""
    if not orders:
        return ""
    return FREQUENCIES[min(orders, 3) - 1] if orders <= 5 else "loyal"


def lifecycle_of(
    recency: Recency, frequency: Frequency | Literal[""], *, has_login: bool
) -> Lifecycle:
    """Who never ordered is a visitor, with a login a lead; a customer is of a frequency while
    active, then silent, asleep, and lost.
    """
    if not frequency:
        return "lead" if has_login else "visitor"
    return frequency if recency == "active" else recency


def _told(held: Sequence[Contribution]) -> int:
    """Orders of contributions that a version wrote which knew no more than their number."""
    return sum(each.orders for each in held if not each.purchases)


def _class(orders: int, has_login: bool, sessions: int) -> VisitorClass:
    if orders:
        return "customer"
    if has_login:
        return "registered"
    return "returning" if sessions > 1 else "first-time"


def _money(orders: Sequence[Order]) -> dict[str, int]:
    money: dict[str, int] = {}
    for order in orders:
        if order.amount:
            money[order.currency] = money.get(order.currency, 0) + order.amount
    return dict(sorted(money.items()))


def _interests(
    held: Sequence[Contribution], orders: Sequence[Order], now_ms: int
) -> tuple[Interest, ...]:
    """Exact sums of decayed weights, so that no order of adding shows."""
    weights: dict[str, list[float]] = {}
    for each in held:
        for category, time, amount in interests(each.activity):
            weights.setdefault(category, []).append(amount * _decay(now_ms - time))
    for order in orders:
        for category in order.categories:
            weights.setdefault(category, []).append(_ORDER_WEIGHT * _decay(now_ms - order.time))
    scores = {category: math.fsum(parts) for category, parts in weights.items()}
    total = math.fsum(scores.values())
    strongest = sorted(scores, key=lambda category: (-scores[category], category))
    return tuple(
        Interest(category, round(scores[category], 4), round(scores[category] / total, 4))
        for category in strongest[:MAX_INTERESTS]
    )


def _decay(age_ms: int) -> float:
    return float(2.0 ** (-max(age_ms, 0) / HALF_LIFE_MS))
