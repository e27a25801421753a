"""What the shop's backend says of people beside their visits: verified addresses, telephone
orders, parcels, mails, joined accounts; and the mistakes that it takes back.
"""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Iterator
from random import Random

from infra.simulate import odds
from infra.simulate.acts import Act
from infra.simulate.odds import Dirt, is_drawn
from infra.simulate.people import Person
from infra.simulate.shelves import Shelves, money
from infra.simulate.steps import Step

_MINUTE, _HOUR = 60_000, 3_600_000
_REMEMBERED = 50


class Backend:
    """Follows what people do; what it does comes later than that, and never after `until` (ms)."""

    def __init__(
        self, chance: Random, shelves: Shelves, world: str, until: int, dirt: Dirt
    ) -> None:
        self._dirt = dirt
        self._chance = chance
        self._shelves = shelves
        self._world = world
        self._until = until
        self._calls = itertools.count(1)
        self._verified: set[str] = set()
        self._joined: set[str] = set()
        self._others: deque[Person] = deque(maxlen=_REMEMBERED)  # verified not long ago

    def follows(self, act: Act, person: Person) -> Iterator[Act]:
        """What comes of something that a person did who agreed to be known."""
        if not act.consents or act.blocked:
            return
        step = act.step
        if step.type == "identify" and not step.profile_id:
            yield from self._logged_in(act, person)
        elif step.name == "Order Completed":
            yield from self._shipped(act, str(step.properties["order_id"]))
        elif "utm_medium=email" in step.path and not act.clicked_by:
            yield from self._opened(act, person)

    def calls(self, act: Act, person: Person) -> Iterator[Act]:
        """After a visit that began with `act`: now and then somebody orders by telephone."""
        if not (act.consents and is_drawn(self._chance, odds.ORDERS_BY_TELEPHONE)):
            return
        order = f"t-{self._world}-{next(self._calls):06d}"
        product = self._shelves.product_for(self._chance, person)
        step = Step(0.0, "track", "", "", name="Order Completed")
        step.named = {"phone": person.telephone}
        price = money(product.price)
        line = {"product_id": product.sku, "name": product.title, "price": price, "quantity": 1}
        step.properties = {
            **{"order_id": order, "revenue": price, "currency": "EUR"},
            "products": [line],
        }
        for call in self._says(act, step, 10 * _MINUTE, 3 * _HOUR):
            yield call
            yield from self._shipped(call, order)

    def _logged_in(self, act: Act, person: Person) -> Iterator[Act]:
        user = act.step.user_id
        if user not in self._verified and is_drawn(self._chance, odds.VERIFIES):
            self._verified.add(user)
            yield from self._says(act, self._claim(user, person), _MINUTE, 10 * _MINUTE)
            if self._others and is_drawn(self._chance, odds.MISTAKEN):
                yield from self._mistakes(act, user, self._chance.choice(self._others))
            self._others.append(person)
        if user != person.user_id and user not in self._joined:
            self._joined.add(user)
            if is_drawn(self._chance, odds.JOINS_ACCOUNTS):
                step = _alias(person.user_id, user)
                yield from self._says(act, step, _MINUTE, 24 * _HOUR)
        if act.at_shared_device and is_drawn(self._chance, self._dirt.logins_taken_back):
            step = Step(0.0, "identify", "", "", user_id=user, revokes=True)
            yield from self._says(act, step, 2 * _HOUR, 9 * _HOUR, device=act.device)

    def _claim(self, user: str, person: Person) -> Step:
        traits = {"email": person.email, "email_verified": True}
        if is_drawn(self._chance, odds.VERIFIES_TELEPHONE):
            traits |= {"phone": person.telephone, "phone_verified": True}
        return Step(0.0, "identify", "", "", traits=dict(traits), user_id=user)

    def _mistakes(self, act: Act, user: str, other: Person) -> Iterator[Act]:
        """An address, and an account, are taken for this user's; hours later it is noticed."""
        if other.id == act.person:
            return
        traits: dict[str, object] = {"email": other.email, "email_verified": True}
        said = (
            Step(0.0, "identify", "", "", traits=traits, user_id=user),
            _alias(other.user_id, user),
        )
        for step in said:
            for mistake in self._says(act, step, _MINUTE, _HOUR, ends=self._until - 9 * _HOUR):
                yield mistake
                back = Step(0.0, step.type, "", "", traits=step.traits, user_id=step.user_id)
                back.previous_id, back.revokes = step.previous_id, True
                yield from self._says(mistake, back, _HOUR, 8 * _HOUR)

    def _shipped(self, act: Act, order: str) -> Iterator[Act]:
        step = Step(0.0, "track", "", "", name="Order Shipped", properties={"order_id": order})
        yield from self._says(act, step, 8 * _HOUR, 48 * _HOUR)

    def _opened(self, act: Act, person: Person) -> Iterator[Act]:
        step = Step(0.0, "track", "", "", name="Email Opened", named={"email": person.email})
        yield from self._says(act, step, 0, _MINUTE)

    def _says(
        self, act: Act, step: Step, after: int, before: int, device: str = "", ends: int = 0
    ) -> Iterator[Act]:
        """Something about who did `act`, so many ms later; nothing where that is too late."""
        at = act.at + self._chance.randrange(after, before)
        if at <= (ends or self._until):
            visit = f"backend-{self._world}-{next(self._calls):06d}"
            yield Act(at, step, act.person, visit, device, "", "", "", is_backend=True)


def _alias(user: str, other: str) -> Step:
    return Step(0.0, "alias", "", "", user_id=user, previous_id=other)
