"""Who shops: households with their people, children, tastes and devices."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from random import Random

import msgspec

from infra.simulate.agents import BROWSERS
from infra.simulate.odds import (
    DEVICES,
    EAGERNESS,
    FORGETS_LOGOUT,
    FURTHER_VISITS_A_WEEK,
    HAS_ACCOUNT,
    IS_PARENT,
    NEWSLETTER,
    SHARES_COMPUTER,
    SPEAKS,
    Weighted,
    is_drawn,
)

_NAMES = """
Ada Ben Clara David Emil Frida Greta Hugo Ida Jonas Klara Leo Mila Nora Oskar Paula Quentin Rosa
Sofia Theo Uma Vera Willi Xenia Yara Zoe Anton Bela Carla Dora Elias Fanny Gustav Hanna Ivo Jette
""".split()  # noqa: SIM905
_INITIALS = "ABDEFGHKLMNPRSTW"
_LANGUAGES = Weighted(SPEAKS.items())


class Device(msgspec.Struct):
    """One browser, with what it and the shop remember. Times are ms."""

    id: str  # the cookie `ff_id`; '' where consent is refused
    kind: str  # phone, computer or tablet
    user_agent: str
    ip: str
    shared: bool = False
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


class Town:
    """Makes people, the same for the same seed. `world` tells its people from another's."""

    def __init__(
        self, chance: Random, world: str, categories: Sequence[str], refusals: float
    ) -> None:
        self._chance = chance
        self._world = world
        self._first_address = Random(world).randrange(1 << 17)
        self._categories = list(categories)
        self._refusals = refusals
        self._people = 0

    def people(self, count: int) -> Iterator[Person]:
        """`count` people, household by household."""
        while count > 0:
            pair = count > 1 and is_drawn(self._chance, SHARES_COMPUTER / (2 - SHARES_COMPUTER))
            household = [self._person() for _ in range(2 if pair else 1)]
            if pair:
                self._share_a_computer(household)
            yield from household
            count -= len(household)

    def new_cookie(self) -> str:
        return uuid4(self._chance)

    def _person(self) -> Person:
        chance = self._chance
        number = self._people
        self._people += 1
        account = f"m-{self._world}-{number:05d}"
        consents = not is_drawn(chance, self._refusals)
        ip = _address(self._first_address + number)
        taste = tuple(chance.sample(self._categories, 3))
        children = self._children(account, taste) if is_drawn(chance, IS_PARENT) else []
        devices = [
            self._device(kind, ip, consents)
            for kind, share in DEVICES.items()
            if is_drawn(chance, share)
        ]
        return Person(
            id=f"human-{self._world}-{number:05d}",
            name=f"{chance.choice(_NAMES)} {chance.choice(_INITIALS)}.",
            language=_LANGUAGES.draw(chance),
            consents=consents,
            taste=taste,
            budget=int(chance.lognormvariate(math.log(4000), 0.5)),
            children=children,
            newsletter=is_drawn(chance, NEWSLETTER),
            forgets_logout=False,
            devices=devices or [self._device("phone", ip, consents)],
            user_id=account if consents and is_drawn(chance, HAS_ACCOUNT) else "",
            account_number=account,
        )

    def _children(self, account: str, taste: Sequence[str]) -> list[Child]:
        count = self._chance.choices((1, 2, 3), (5, 4, 1))[0]
        return [
            Child(f"{account}-c{n + 1}", self._chance.randrange(14), list(taste[: n + 1]))
            for n in range(count)
        ]

    def _device(self, kind: str, ip: str, consents: bool) -> Device:
        cookie = self.new_cookie() if consents else ""
        return Device(cookie, kind, BROWSERS[kind].draw(self._chance), ip)

    def _share_a_computer(self, household: Sequence[Person]) -> None:
        """One computer, two logins; who consents is then a matter of the machine."""
        first = household[0]
        computer = self._device("computer", first.devices[0].ip, first.consents)
        computer.shared = True
        for person in household:
            person.consents = first.consents
            person.devices = [
                computer,
                *(each for each in person.devices if each.kind != "computer"),
            ]
            for device in person.devices:
                device.ip = computer.ip
                device.id = (device.id or self.new_cookie()) if first.consents else ""
            if person.consents and is_drawn(self._chance, 0.8):
                person.user_id = person.account_number
            if not person.consents:
                person.user_id = ""
            person.forgets_logout = is_drawn(self._chance, FORGETS_LOGOUT)


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


def _address(number: int) -> str:
    """Of the block that is reserved for benchmarks (RFC 2544), so that it is nobody's."""
    at = number % (1 << 17)
    return f"198.{18 + (at >> 16)}.{at >> 8 & 255}.{at & 255}"
