"""What is known of whoever is to be shown products: a taste, from what the visitor's state says.

Pure. Of a visitor who did not consent, or whose state could not be read, only where the visit came
from and which scenario matched.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import msgspec

from personalize_api.picks.wishes import number_of
from personalize_api.recognize.visitors import Standing, Visitor
from schemas.activity import ADDED, products, within
from schemas.person_profile import profile_of
from schemas.person_state import Contribution
from schemas.persons import counting
from schemas.profiles import AttributeValue
from schemas.purchases import orders_of

DAY_MS = 86_400_000
_SEEN_HALF_LIFE_DAYS = 7.0
_BOUGHT_HALF_LIFE_DAYS = 60.0
_RANK = 0.85  # each product seen later makes the one before it matter so much less
_ADDED = 1.5  # into the cart, against a look
_MOST_BOUGHT = 12  # of the newest purchases others are looked for
_MOST_SEEN = 24
_UNSURE = 3.0  # looks
_OLDEST = 1900  # a year of birth before it is no year
_EVER = 1 << 53  # ms
_BESIDE = 0.3  # what was seen before, on the page of one product

Attributes = Mapping[str, AttributeValue]
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
    interests: tuple[tuple[str, float], ...] = ()  # category, see `interests_of`
    attributes: Attributes = {}  # of the profile for whom it is

    @property
    def is_personal(self) -> bool:
        return bool(self.about or self.seen or self.bought or self.interests or self.attributes)


def taste_of(
    visitor: Visitor,
    now_ms: int,
    source: str,
    scenario: str,
    about: str = "",
    *,
    whole_person: bool = True,
) -> Taste:
    """Of a visitor whose state was not read, what the visit alone says.

    `whole_person`: what was done on the person's other devices counts too; whoever speaks for a
    device alone must learn nothing of the others.
    """
    standing = visitor.standing
    if standing is None:
        return Taste(source=source, scenario=scenario, about=about, seen=_about(about))
    held = [_own(standing)]
    if whole_person:
        held += [each for each in counting(standing.person).values() if not each.gone]
    seen = _seen(held, now_ms)
    if about:
        rest = ((product, _BESIDE * amount) for product, amount in seen if product != about)
        seen = (*_about(about), *rest)
    bought, owned = _bought(held, now_ms)
    profile = standing.profile
    if not whole_person:
        profile = profile_of(held, standing.site.lifecycle, now_ms, has_login=False)
    return Taste(
        source=source,
        scenario=scenario,
        about=about,
        seen=seen,
        bought=bought,
        owned=owned,
        interests=interests_of({each.category: each.score for each in profile.interests}),
        attributes=_with_age(visitor.attributes, now_ms),
    )


def _with_age(
    attributes: Mapping[str, AttributeValue], now_ms: int
) -> Mapping[str, AttributeValue]:
    """The age that is reached this year, where only the year of birth is told."""
    born = attributes.get("birth_year")
    if "age" in attributes or born is None or isinstance(born, tuple):
        return attributes
    number = number_of(born)
    year = datetime.fromtimestamp(now_ms / 1000, UTC).year
    if number is None or not _OLDEST <= number <= year:
        return attributes
    return {**attributes, "age": year - int(number)}


def _own(standing: Standing) -> Contribution:
    """What the calling device itself holds of its person, which may be ahead of the person."""
    device, since = standing.device, standing.since_ms
    if device is None:
        return Contribution(0, False, 0, 0, 0, 0)
    return Contribution(
        version=0,
        gone=False,
        first_seen=device.first_seen,
        last_seen=device.last_seen,
        sessions=1,
        orders=0,
        purchases=tuple(purchase for purchase in device.orders if purchase.time >= since),
        activity=within(device.activity, [(since, _EVER)]),
    )


def interests_of(scores: Mapping[str, float]) -> tuple[tuple[str, float], ...]:
    """Shares of all interests, smaller where little was looked at: one look is no taste yet."""
    total = sum(scores.values()) + _UNSURE
    return tuple((category, score / total) for category, score in scores.items())


def _about(product: str) -> Strengths:
    return ((product, 1.0),) if product else ()


def _seen(held: Sequence[Contribution], now_ms: int) -> Strengths:
    """By when each product was seen last."""
    found: dict[str, tuple[int, int]] = {}
    for each in held:
        for product, time, bits in products(each.activity):
            last, before = found.get(product, (0, 0))
            found[product] = max(last, time), before | bits
    newest = sorted(found, key=lambda product: (-found[product][0], product))
    strengths = []
    for rank, product in enumerate(newest[:_MOST_SEEN]):
        time, bits = found[product]
        amount = _RANK**rank * _halved(now_ms - time, _SEEN_HALF_LIFE_DAYS)
        strengths.append((product, amount * (_ADDED if bits & ADDED else 1.0)))
    return tuple(sorted(strengths, key=lambda each: (-each[1], each[0])))


def _bought(held: Sequence[Contribution], now_ms: int) -> tuple[Strengths, frozenset[str]]:
    """What of the purchases others are looked for, and all that is owned: not what was returned."""
    last: dict[str, int] = {}
    for order in orders_of({purchase for each in held for purchase in each.purchases}):
        if not order.is_returned:
            for product in order.products:
                last[product] = max(order.time, last.get(product, 0))
    newest = sorted(last, key=lambda product: (-last[product], product))[:_MOST_BOUGHT]
    strengths = ((p, _halved(now_ms - last[p], _BOUGHT_HALF_LIFE_DAYS)) for p in newest)
    return tuple(strengths), frozenset(last)


def _halved(age_ms: int, half_life_days: float) -> float:
    return float(0.5 ** (max(0, age_ms) / DAY_MS / half_life_days))
