"""Where people live: households, offices, a public computer; the same for the same seed."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from random import Random

from infra.simulate.agents import BROWSERS
from infra.simulate.odds import (
    AT_ONE_OFFICE,
    BLOCKS_BEACON,
    DEVICES,
    FORGETS_LOGOUT,
    HAS_ACCOUNT,
    HOUSEHOLDS,
    IN_AN_OFFICE,
    IS_PARENT,
    MEMBERS_NEWSLETTER,
    NEWSLETTER,
    PUBLIC_COMPUTER_FOR,
    SECOND_ACCOUNT,
    SHARES_COMPUTER,
    SHARES_EMAIL,
    SPEAKS,
    Weighted,
    is_drawn,
)
from infra.simulate.people import Child, Device, Person, uuid4

_NAMES = """
Ada Ben Clara David Emil Frida Greta Hugo Ida Jonas Klara Leo Mila Nora Oskar Paula Quentin Rosa
Sofia Theo Uma Vera Willi Xenia Yara Zoe Anton Bela Carla Dora Elias Fanny Gustav Hanna Ivo Jette
""".split()  # noqa: SIM905
_INITIALS = "ABDEFGHKLMNPRSTW"
_LANGUAGES = Weighted(SPEAKS.items())
_ADDRESSES = (1 << 17) - (36 << 8)  # up to 198.19.219.255
_HOUSEHOLDS = Weighted(HOUSEHOLDS.items())
_MEAN_HOUSEHOLD = sum(n * weight for n, weight in HOUSEHOLDS.items()) / sum(HOUSEHOLDS.values())


class Town:
    """Makes people. `world` tells its people from another's."""

    def __init__(
        self, chance: Random, world: str, categories: Sequence[str], refusals: float
    ) -> None:
        self._chance = chance
        self._world = world
        self._first_address = Random(world).randrange(_ADDRESSES)
        self._categories = list(categories)
        self._refusals = refusals
        self._people = 0
        self._desk: Device | None = None  # the first one of the office that is being filled
        self._desks = 0
        self.public_computers: list[Device] = []

    def people(self, count: int) -> Iterator[Person]:
        """`count` people, household by household; public computers are there before them."""
        for _ in range(round(count / PUBLIC_COMPUTER_FOR)):
            self.public_computers.append(self._public_computer())
        # of households, so that it is SHARES_COMPUTER of people
        shares = SHARES_COMPUTER / (_MEAN_HOUSEHOLD - SHARES_COMPUTER * (_MEAN_HOUSEHOLD - 1))
        while count > 0:
            size = min(count, _HOUSEHOLDS.draw(self._chance)) if count > 1 else 1
            if not is_drawn(self._chance, shares):
                size = 1
            household = [self._person() for _ in range(size)]
            if size > 1:
                self._share_a_computer(household)
            else:
                self._work(household[0])
            yield from household
            count -= size

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
        person = Person(
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
            email=f"{account}@mail.example",
            telephone=f"+999{self._first_address % 1000:03d}{number:07d}",  # nobody's country
            blocks=is_drawn(chance, BLOCKS_BEACON),
            user_id=account if consents and is_drawn(chance, HAS_ACCOUNT) else "",
            account_number=account,
        )
        if person.user_id and is_drawn(chance, MEMBERS_NEWSLETTER):
            person.newsletter = True
        if len(person.devices) > 1 and person.user_id and is_drawn(chance, SECOND_ACCOUNT):
            person.devices[-1].account = f"{account}-b"
        return person

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
        """One computer, several logins; who consents is then a matter of the machine."""
        first = household[0]
        computer = self._device("computer", first.devices[0].ip, first.consents)
        computer.shared = True
        one_email = is_drawn(self._chance, SHARES_EMAIL)
        for person in household:
            person.email = first.email if one_email else person.email
            person.consents, person.blocks = first.consents, first.blocks
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

    def _work(self, person: Person) -> None:
        """An office's computers are alike, and have one address to the world."""
        computer = next((each for each in person.devices if each.kind == "computer"), None)
        if computer is None or not is_drawn(self._chance, IN_AN_OFFICE):
            return
        if self._desk is None or self._desks == AT_ONE_OFFICE:
            self._desk, self._desks = computer, 0
        self._desks += 1
        computer.ip, computer.user_agent = self._desk.ip, self._desk.user_agent

    def _public_computer(self) -> Device:
        """Of a library, say: everybody's cookie, and more logins a day than any household's."""
        number = len(self.public_computers)
        computer = self._device("computer", f"198.19.220.{number % 250}", consents=True)
        computer.shared = True
        return computer


def _address(number: int) -> str:
    """Of the block that is reserved for benchmarks (RFC 2544), so that it is nobody's.

    What lies above is left to public computers and bots.
    """
    at = number % _ADDRESSES
    return f"198.{18 + (at >> 16)}.{at >> 8 & 255}.{at & 255}"
