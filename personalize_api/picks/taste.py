"""What is known of whoever is to be shown products: a taste, from what the visitor's state says.

Pure. Of a visitor who did not consent, or whose state could not be read, only where the visit came
from and which scenario matched.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from personalize_api.visitors import Visitor
from schemas.activity import ADDED, products
from schemas.person_profile import PersonProfile
from schemas.persons import counting
from schemas.profiles import AttributeValue
from schemas.purchases import Purchase, orders_of
from schemas.redis_keys import DeviceState, PersonState

DAY_MS = 86_400_000
_SEEN_HALF_LIFE_DAYS = 7.0
_BOUGHT_HALF_LIFE_DAYS = 60.0
_RANK = 0.85  # each product seen later makes the one before it matter so much less
_ADDED = 1.5  # into the cart, against a look
_MOST_BOUGHT = 12  # of the newest purchases others are looked for
_BESIDE = 0.3  # what was seen before, on the page of one product

Strengths = tuple[tuple[str, float], ...]
"""Product ids with how much each matters, the one that matters most first."""


class Taste(msgspec.Struct, frozen=True, kw_only=True):
    """Text that is not known is empty."""

    source: str = ""  # see `schemas.pick_model.source_key`
    scenario: str = ""
    about: str = ""  # the product whose page it is
    seen: Strengths = ()
    bought: Strengths = ()
    owned: frozenset[str] = frozenset()
    interests: tuple[tuple[str, float], ...] = ()  # category, share of all interests
    attributes: Mapping[str, AttributeValue] = {}  # of the profile for whom it is

    @property
    def is_personal(self) -> bool:
        return bool(self.about or self.seen or self.bought or self.interests or self.attributes)


def taste_of(visitor: Visitor, now_ms: int, source: str, scenario: str, about: str = "") -> Taste:
    """Of a visitor whose state was not read, what the visit alone says."""
    standing = visitor.standing
    if visitor.degraded or standing is None:
        return Taste(source=source, scenario=scenario, about=about, seen=_about(about))
    device, person, since = standing.device, standing.person, standing.since_ms
    seen = _seen(device, person, since, now_ms)
    if about:
        rest = ((product, _BESIDE * amount) for product, amount in seen if product != about)
        seen = (*_about(about), *rest)
    bought, owned = _bought(device, person, since, now_ms)
    return Taste(
        source=source,
        scenario=scenario,
        about=about,
        seen=seen,
        bought=bought,
        owned=owned,
        interests=_interests(standing.profile),
        attributes=visitor.attributes,
    )


def _about(product: str) -> Strengths:
    return ((product, 1.0),) if product else ()


def _interests(profile: PersonProfile) -> tuple[tuple[str, float], ...]:
    return tuple((interest.category, interest.share) for interest in profile.interests)


def _seen(
    device: DeviceState | None, person: PersonState | None, since_ms: int, now_ms: int
) -> Strengths:
    """By when each product was seen last. The device may be ahead of its person by a moment."""
    activities = [held.activity for held in counting(person).values() if not held.gone]
    found: dict[str, tuple[int, int]] = {}
    own = [] if device is None else [d for d in products(device.activity) if d[1] >= since_ms]
    for product, time, bits in (*own, *(each for one in activities for each in products(one))):
        last, before = found.get(product, (0, 0))
        found[product] = max(last, time), before | bits
    newest = sorted(found, key=lambda product: (-found[product][0], product))
    strengths = []
    for rank, product in enumerate(newest):
        time, bits = found[product]
        amount = _RANK**rank * _halved(now_ms - time, _SEEN_HALF_LIFE_DAYS)
        strengths.append((product, amount * (_ADDED if bits & ADDED else 1.0)))
    return tuple(sorted(strengths, key=lambda each: (-each[1], each[0])))


def _bought(
    device: DeviceState | None, person: PersonState | None, since_ms: int, now_ms: int
) -> tuple[Strengths, frozenset[str]]:
    """What of the purchases others are looked for, and all that is owned: not what was returned."""
    told: set[Purchase] = set()
    for held in counting(person).values():
        if not held.gone:
            told.update(held.purchases)
    if device is not None:
        told.update(purchase for purchase in device.orders if purchase.time >= since_ms)
    last: dict[str, int] = {}
    for order in orders_of(told):
        if not order.is_returned:
            for product in order.products:
                last[product] = max(order.time, last.get(product, 0))
    newest = sorted(last, key=lambda product: (-last[product], product))[:_MOST_BOUGHT]
    strengths = ((p, _halved(now_ms - last[p], _BOUGHT_HALF_LIFE_DAYS)) for p in newest)
    return tuple(strengths), frozenset(last)


def _halved(age_ms: int, half_life_days: float) -> float:
    return float(0.5 ** (max(0, age_ms) / DAY_MS / half_life_days))
