"""What visitors looked at next, to learn from and to judge by.

A case is a product that a person looked at for the first time, with all that person had done until
then. What picks are trained from ends before the first case: nothing of a case is in its training.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Mapping

import msgspec
import polars as pl

from personalize_api.picks.taste import Taste, interests_of
from schemas.person_profile import HALF_LIFE_MS
from schemas.profiles import AttributeValue

_DAY_MS = 86_400_000
_MOST_SEEN = 24
_RANK, _HALF_LIFE_DAYS, _ADDED = 0.85, 7.0, 1.5  # as personalize_api.picks.taste has them
_INTEREST = {False: 1.0, True: 3.0}
_attributes = msgspec.json.Decoder(dict[str, AttributeValue])


class Case(msgspec.Struct, frozen=True):
    """`found`: the product that was looked at; `known`: how many products had been before."""

    person: int
    found: str
    taste: Taste
    known: int
    visit: int = 0


def cases_of(done: pl.DataFrame, since_ms: int) -> Iterator[Case]:
    """`done`: person, visit, at (ms), product, category, source, scenario, what ('look', 'add',
    'order', or 'profile' with its attributes as JSON in product); all of each person, also what was
    before `since_ms`, when cases begin.
    """
    ordered = done.sort(["person", "at", "product"])
    for (person,), mine in ordered.group_by("person", maintain_order=True):
        if mine["at"][-1] >= since_ms:
            yield from _of_person(int(str(person)), mine, since_ms)


def _of_person(person: int, mine: pl.DataFrame, since_ms: int) -> Iterator[Case]:
    seen: OrderedDict[str, tuple[int, bool]] = OrderedDict()
    owned: dict[str, int] = {}
    interests: list[tuple[str, int, float]] = []
    profile: dict[str, AttributeValue] = {}
    columns = mine.select("visit", "at", "product", "category", "source", "scenario", "what")
    for visit, at, product, category, source, scenario, what in columns.iter_rows():
        if what == "order":
            owned[product] = at
            continue
        if what == "profile":
            profile = _attributes.decode(product)
            continue
        if at >= since_ms and product not in seen and product not in owned:
            taste = _taste(seen, owned, interests, at)
            taste = msgspec.structs.replace(
                taste, source=source, scenario=scenario, attributes=profile
            )
            yield Case(person, product, taste, len(seen), visit)
        was_added = seen.pop(product, (0, False))[1]
        seen[product] = at, was_added or what == "add"
        interests.append((category, at, _INTEREST[what == "add"]))


def _taste(
    seen: Mapping[str, tuple[int, bool]],
    owned: Mapping[str, int],
    interests: list[tuple[str, int, float]],
    now_ms: int,
) -> Taste:
    newest = list(seen.items())[: -_MOST_SEEN - 1 : -1]
    strengths = []
    for rank, (product, (at, was_added)) in enumerate(newest):
        amount = _RANK**rank * 0.5 ** ((now_ms - at) / _DAY_MS / _HALF_LIFE_DAYS)
        strengths.append((product, amount * (_ADDED if was_added else 1.0)))
    weights: dict[str, float] = {}
    for category, at, amount in interests:
        if category:
            decayed = amount * 2.0 ** (-(now_ms - at) / HALF_LIFE_MS)
            weights[category] = weights.get(category, 0.0) + decayed
    return Taste(
        seen=tuple(sorted(strengths, key=lambda each: (-each[1], each[0]))),
        bought=tuple((product, 1.0) for product in owned),
        owned=frozenset(owned),
        interests=interests_of(weights),
    )
