"""A past stretch of time, played: everything that people and bots did, in order of time."""

from __future__ import annotations

import heapq
import itertools
import time
from collections.abc import Iterator
from datetime import datetime
from random import Random
from zoneinfo import ZoneInfo

import msgspec

from infra.demo.catalogue import Catalogue
from infra.simulate.acts import Act
from infra.simulate.arrivals import arrive
from infra.simulate.backend import Backend
from infra.simulate.crawls import Crawls
from infra.simulate.homepage import PastHomepage
from infra.simulate.mails import Mails
from infra.simulate.odds import HOURS, PAUSE_MS, WEEKDAYS, Dirt, is_drawn
from infra.simulate.people import Device, Person, visit_count
from infra.simulate.shelves import Shelves
from infra.simulate.steps import Shown
from infra.simulate.town import Town
from infra.simulate.visits import Visit
from schemas.site import Site

DAY_MS = 86_400_000


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be played. The same plan plays the same past, to the byte. Times are ms."""

    shoppers: int
    days: float
    seed: int
    site: Site
    catalogue: Catalogue
    until: int  # the past ends here
    launch: int = 0  # personalization was switched on; 0: in the middle
    secret: str = ""  # signs decisions, so that scenarios and arms are credited
    dirt: Dirt = Dirt()

    @property
    def since(self) -> int:
        return self.until - round(self.days * DAY_MS)

    @property
    def launched(self) -> int:
        return self.launch or (self.since + self.until) // 2

    @property
    def origin(self) -> str:
        return f"https://{self.site.hosts[0]}"


def last_minute() -> int:
    """Now, rounded down to the minute, in ms."""
    return int(time.time() // 60) * 60_000


class Past:
    """One playing of a plan; what it holds is people and the visits going on, not events."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._chance = Random(plan.seed)
        self._shelves = Shelves(plan.catalogue)
        self._town = Town(
            self._chance, str(plan.seed), self._shelves.categories, plan.dirt.refusals
        )
        # what bots do, and what is signed, changes nothing that people do
        bots, ids = Random(plan.seed ^ 0xB07), Random(plan.seed ^ 0x1D5)
        self._crawls = Crawls(bots, self._shelves, plan.origin, plan.dirt, str(plan.seed))
        self._homepage = PastHomepage(plan.site, plan.launched, plan.secret, ids)
        self._mails = Mails(Random(plan.seed ^ 0x3A1), plan.secret)
        desk = Random(plan.seed ^ 0xDE5)
        self._backend = Backend(desk, self._shelves, str(plan.seed), plan.until, plan.dirt)
        self._days = _Days(plan)
        self._visits = 0
        self._order_numbers = (f"o-{plan.seed}-{n:06d}" for n in itertools.count(1))

    def acts(self) -> Iterator[Act]:
        """In order of time, up to `until`: who is in the middle of a visit then, stays there."""
        coming = self._everybody()
        heapq.heapify(coming)
        doing: list[tuple[int, int, Act]] = []
        count = 0
        until = self._plan.until
        while coming:
            start, number, person = heapq.heappop(coming)
            while doing and doing[0][0] <= start:
                yield heapq.heappop(doing)[2]
            for act in self._next(person, start):
                if act.at <= until:
                    count += 1
                    heapq.heappush(doing, (act.at, count, act))
            if person.coming:
                heapq.heappush(coming, (max(person.coming.pop(), start), number, person))
        while doing:
            yield heapq.heappop(doing)[2]

    def _everybody(self) -> list[tuple[int, int, Person]]:
        coming = []
        for number, person in enumerate(self._town.people(self._plan.shoppers)):
            visits = visit_count(self._chance, self._plan.days)
            starts = sorted((self._days.draw(self._chance) for _ in range(visits)), reverse=True)
            person.coming = starts
            coming.append((starts.pop(), number, person))
        return coming

    def _next(self, person: Person, start: int) -> Iterator[Act]:
        """One visit; now and then a bot that comes at the same time."""
        device = self._chance.choice(self._devices_of(person))
        start = max(start, device.free_at, person.free_at)
        if self._crawls.one_comes():
            yield from self._crawls.crawl(start)
        if device.id and device.visits and is_drawn(self._chance, self._plan.dirt.deleted_cookies):
            device.forget(self._town.new_cookie())
        offline = is_drawn(self._chance, self._plan.dirt.offline)
        first: Act | None = None
        at = start
        for act in self._visit(person, device, start):
            first, at = first or act, act.at
            act.blocked, act.offline = person.blocks, offline
            self._crawls.pages_seen += act.step.type == "page"
            yield act
            yield from self._backend.follows(act, person)
        if first is not None:
            yield from self._backend.calls(first, person)
        device.visits += 1
        person.visits += 1
        pause = PAUSE_MS + self._chance.randrange(30 * 60_000)
        device.free_at = person.free_at = at + pause

    def _devices_of(self, person: Person) -> list[Device]:
        """One's own, or now and then what everybody uses."""
        public = self._town.public_computers
        share = self._plan.dirt.public_computers
        if share and public and person.user_id and is_drawn(self._chance, share):
            return public
        return person.devices

    def _visit(self, person: Person, device: Device, start: int) -> Iterator[Act]:
        self._visits += 1
        name = f"visit-{self._plan.seed}-{self._visits:06d}"
        arrival = arrive(self._chance, self._shelves, self._mails, person, device, start)
        script = Visit(
            self._chance,
            self._shelves,
            self._plan.origin,
            person,
            device,
            arrival,
            self._plan.site.homepage.default,
            self._order_numbers,
        ).script()
        at = start + self._chance.randrange(1000)
        shown: Shown | None = None
        while True:
            try:
                step = script.send(shown)
            except StopIteration:
                return
            at += round(step.wait * 1000)
            shown = None
            if step.is_home:
                url = self._plan.origin + step.path
                shown = self._homepage.show(person, device, url, step.referrer, at)
            yield Act(
                at,
                step,
                person.id,
                name,
                device.id,
                device.ip,
                device.user_agent,
                person.language,
                shown,
                clicked_by=arrival.clicked_by(step),
                at_shared_device=device.shared,
            )


class _Days:
    """When visits start: by hour and weekday in the site's time zone."""

    def __init__(self, plan: Plan) -> None:
        self._since, self._until = plan.since, plan.until
        self._zone = ZoneInfo(plan.site.timezone)
        self._most = max(HOURS) * max(WEEKDAYS)

    def draw(self, chance: Random) -> int:
        """By rejection: any time, kept as often as people shop then."""
        while True:
            at = self._since + int(chance.random() * (self._until - self._since))
            local = datetime.fromtimestamp(at / 1000, self._zone)
            weight = HOURS[local.hour] * WEEKDAYS[local.weekday()]
            if chance.random() * self._most < weight:
                return at
