"""Who shops: people with their children, tastes and accounts, and the browsers they use."""

from __future__ import annotations

import math
from random import Random

import msgspec

from infra.simulate.odds import EAGERNESS, FURTHER_VISITS_A_WEEK


class Device(msgspec.Struct):
    """One browser, with what it and the shop remember. Times are ms."""

    id: str  # the cookie `ff_id`; '' where consent is refused
    kind: str  # phone, computer or tablet
    user_agent: str
    ip: str
    shared: bool = False  # several people log in and out here
    account: str = ""  # its owner's other account, where that is the one used here
    user_id: str = ""  # who is logged in
    profile_id: str = ""  # the child that is selected
    age: int | None = None  # that child's
    known_users: bool = False  # somebody has logged in here once
    orders: int = 0  # by whoever is here without login
    visits: int = 0
    free_at: int = 0  # the next visit begins no earlier

    def forget(self, new_id: str) -> None:
        """The cookies are gone: the shop meets a new device."""
        self.id = new_id
        self.user_id = self.profile_id = ""
        self.age = None
        self.known_users = False
        self.orders = self.visits = 0


class Child(msgspec.Struct):
    profile_id: str
    age: int
    interests: list[str]  # category slugs


class Person(msgspec.Struct):
    """One human. Money is in minor units."""

    id: str
    name: str
    language: str
    consents: bool
    taste: tuple[str, ...]  # category slugs
    budget: int  # for one product
    children: list[Child]
    newsletter: bool
    forgets_logout: bool
    devices: list[Device]
    email: str
    telephone: str
    blocks: bool = False  # runs no beacon: only the web server sees these visits
    user_id: str = ""  # the member number, once there is an account
    account_number: str = ""  # what it is going to be
    orders: int = 0
    visits: int = 0
    has_profiles: bool = False
    free_at: int = 0
    coming: list[int] = []  # starts of visits, the next one last

    @property
    def is_parent(self) -> bool:
        return bool(self.children)

    def account_on(self, device: Device) -> str:
        """The member number that this person logs in with there; '' without an account."""
        return (device.account or self.user_id) if self.user_id else ""


def visit_count(chance: Random, days: float) -> int:
    """How often somebody comes in so many days: at least once, a few people often."""
    mean = chance.gammavariate(EAGERNESS, FURTHER_VISITS_A_WEEK / EAGERNESS) * days / 7
    if mean > 100:
        return 1 + max(0, round(chance.gauss(mean, math.sqrt(mean))))
    count, product, limit = 0, chance.random(), math.exp(-mean)  # Knuth's way to Poisson
    while product > limit:
        count += 1
        product *= chance.random()
    return 1 + count


def uuid4(chance: Random) -> str:
    """A random UUID in its canonical form."""
    text = f"{chance.getrandbits(128):032x}"
    variant = "89ab"[int(text[16], 16) & 3]
    return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-{variant}{text[17:20]}-{text[20:]}"
