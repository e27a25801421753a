"""Which homepage a simulated visitor was shown in the past.

The shop switched personalization on at some time: before it everybody saw the site's default,
after it what the scenarios of the site file choose for the visitor's true class and login.
"""

from __future__ import annotations

from datetime import datetime
from random import Random
from zoneinfo import ZoneInfo

from infra.simulate.people import Device, Person
from infra.simulate.steps import Shown
from personalize_api.decision.arrival import Arrival
from personalize_api.decision.scenarios import Takes, decide, facts_of
from personalize_api.recognize.visitors import Visitor
from schemas.decision_token import Decided, mint
from schemas.referrer import classify
from schemas.site import Site, VisitorClass


class PastHomepage:
    """`secret` signs the decisions' ids, which `chance` draws; without one there are none."""

    def __init__(self, site: Site, launch_ms: int, secret: str, chance: Random) -> None:
        self._site = site
        self._launch_ms = launch_ms
        self._secret = secret
        self._chance = chance
        self._timezone = ZoneInfo(site.timezone)

    def show(self, person: Person, device: Device, url: str, referrer: str, at_ms: int) -> Shown:
        if at_ms < self._launch_ms:
            return Shown(self._site.homepage.default)
        visitor = visitor_of(person, device)
        local = datetime.fromtimestamp(at_ms / 1000, self._timezone)
        arrival = Arrival(language=person.language.lower())
        facts = facts_of(visitor, classify(url, referrer, self._site), arrival, local)
        choice = decide(self._site, facts, Takes(unit=device.id))
        if not self._secret:
            return Shown(choice.variant)
        decided = Decided(choice.scenario, choice.variant, choice.experiment, choice.arm)
        return Shown(choice.variant, mint(decided, self._secret, self._chance.randbytes(16)))


def visitor_of(person: Person, device: Device) -> Visitor:
    """What the service would know of them."""
    if not person.consents:
        return Visitor(class_="unknown")
    orders = device.orders
    if device.user_id and device.user_id == person.account_on(device):
        orders = max(orders, person.orders)
    class_: VisitorClass = "first-time"
    if orders:
        class_ = "customer"
    elif device.known_users:
        class_ = "registered"
    elif device.visits:
        class_ = "returning"
    return Visitor(
        class_=class_,
        logged_in=bool(device.user_id),
        anonymous_id=device.id,
        user_id=device.user_id,
        attributes={"age": device.age} if device.user_id and device.age is not None else {},
    )
