"""Shoppers who come now: they ask for their homepage, see it, and act on it.

Every message has its true time and goes to the collector within moments; every homepage is asked
for, and credited by the decision's own id. Where the service is away the default is shown, as a
shop would.
"""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Callable
from random import Random

import httpx
import msgspec

from infra.demo.catalogue import Catalogue
from infra.simulate.acts import Act
from infra.simulate.arrivals import arrive
from infra.simulate.checkout import Checkout
from infra.simulate.crawls import Crawls
from infra.simulate.delivery import connected
from infra.simulate.mails import Mails
from infra.simulate.messages import Sender
from infra.simulate.odds import (
    COMES_AGAIN,
    MAX_SKEW_MIN,
    MIN_SKEW_MIN,
    PACE,
    PAUSE_MS,
    Dirt,
    is_drawn,
)
from infra.simulate.outbox import LiveCounts, Outbox
from infra.simulate.people import Device, Person
from infra.simulate.shelves import Shelves
from infra.simulate.steps import Shown, Step
from infra.simulate.town import Town
from infra.simulate.truth import Truth
from infra.simulate.visits import Visit
from schemas.site import Site

_ASK_TIMEOUT_S = 2.0
_MAX_KNOWN = 500


class LivePlan(msgspec.Struct, frozen=True, kw_only=True):
    """`shoppers`: visits to play, 0 for no end. `pace` shortens thinking times."""

    site: Site
    catalogue: Catalogue
    seed: int
    per_minute: float
    shoppers: int = 0
    pace: float = PACE
    shop_url: str = ""  # of the shop whose checkout has to work for an order
    secret: str = ""  # signs tokens of mails
    dirt: Dirt = Dirt()


async def live(
    plan: LivePlan,
    collect_url: str,
    personalize_url: str,
    key: str,
    stop: asyncio.Event,
    on_truth: Callable[[Truth], None],
    counts: LiveCounts | None = None,
) -> LiveCounts:
    """Plays shoppers until `stop` is set or all have been; then what was done is delivered.

    `on_truth` gets the truth of what the collector has taken, each event once; `counts` is kept
    up to date. Raises SendingFailed where the collector stays away.
    """
    async with (
        connected(collect_url, key) as collector,
        httpx.AsyncClient(timeout=_ASK_TIMEOUT_S, trust_env=False) as client,
    ):
        counts = counts if counts is not None else LiveCounts()
        outbox = Outbox(collector, on_truth, counts)
        desk = _Desk(client, personalize_url, key, plan.site.homepage.default)
        street = _Street(plan, desk, Checkout(client, plan.shop_url), outbox, stop, counts)
        sending = asyncio.create_task(outbox.run())
        playing = asyncio.create_task(street.run())
        await asyncio.wait((sending, playing), return_when=asyncio.FIRST_COMPLETED)
        if sending.done():  # only a failure ends it before it is closed
            stop.set()
        await playing
        outbox.close()
        await sending
        return counts


class _Desk:
    """Asks the personalization service which homepage somebody gets."""

    def __init__(self, client: httpx.AsyncClient, url: str, key: str, default: str) -> None:
        self._client = client
        self._url = url.rstrip("/") + "/v1/homepage"
        self._headers = {"authorization": f"Bearer {key}"}
        self._default = default

    async def ask(self, person: Person, device: Device, url: str, referrer: str) -> Shown | None:
        """None where there is no answer."""
        question = {
            "anonymous_id": device.id,
            "user_id": device.user_id,
            "profile_id": device.profile_id,
            "url": url,
            "referrer": referrer,
            "ip": device.ip,
            "user_agent": device.user_agent,
            "language": person.language,
            "consent": "granted" if device.id else "denied",
        }
        try:
            answer = await self._client.post(self._url, json=question, headers=self._headers)
            answer.raise_for_status()
            decided = answer.json()
            return Shown(decided["variant"], decided["decision_id"])
        except (httpx.HTTPError, ValueError, KeyError):
            return None


class _Street:
    """People come along, one after the other; many are in the shop at a time."""

    def __init__(
        self,
        plan: LivePlan,
        desk: _Desk,
        checkout: Checkout,
        outbox: Outbox,
        stop: asyncio.Event,
        counts: LiveCounts,
    ) -> None:
        self._plan = plan
        self._desk = desk
        self._checkout = checkout
        self._outbox = outbox
        self._stop = stop
        self._counts = counts
        began = int(time.time())
        self._world = f"{plan.seed}x{began:x}"  # no run meets another's people
        self._chance = Random(self._world)
        self._origin = f"https://{plan.site.hosts[0]}"
        self._shelves = Shelves(plan.catalogue)
        categories = self._shelves.categories
        self._town = Town(self._chance, self._world, categories, plan.dirt.refusals)
        self._crawls = Crawls(self._chance, self._shelves, self._origin, plan.dirt, self._world)
        self._sender = Sender(self._chance, self._origin, plan.secret)
        self._mails = Mails(self._chance, plan.secret)
        self._order_numbers = (f"o-{self._world}-{n:05d}" for n in itertools.count(1))
        self._known: list[Person] = []
        self._skews: dict[str, int] = {}

    async def run(self) -> None:
        """Returns when nobody is in the shop any more."""
        async with asyncio.TaskGroup() as shop:
            while not self._stop.is_set():
                person, device = self._somebody()
                shop.create_task(self._visit(person, device))
                if self._crawls.one_comes():
                    shop.create_task(self._crawl())
                if self._counts.visits == self._plan.shoppers:
                    break
                await self._pause(self._chance.expovariate(self._plan.per_minute / 60))

    def _somebody(self) -> tuple[Person, Device]:
        """Who comes next; visits of one device are as far apart as visits are."""
        self._counts.visits += 1
        now = _now_ms()
        if self._known and is_drawn(self._chance, COMES_AGAIN):
            person = self._chance.choice(self._known)
            free = [device for device in person.devices if device.free_at <= now]
            if free and person.free_at <= now:
                return person, self._chance.choice(free)
        person = next(self._town.people(1))
        return person, self._chance.choice(person.devices)

    async def _visit(self, person: Person, device: Device) -> None:
        person.free_at = device.free_at = 1 << 62  # busy
        name = f"live-{self._world}-{self._counts.visits:05d}"
        arrival = arrive(self._chance, self._shelves, self._mails, person, device, _now_ms())
        script = Visit(
            self._chance,
            self._shelves,
            self._origin,
            person,
            device,
            arrival,
            self._plan.site.homepage.default,
            self._order_numbers,
        ).script()
        shown: Shown | None = None
        at = 0
        try:
            while True:
                step = script.send(shown)
                if not await self._pause(step.wait * self._plan.pace):
                    break
                if step.name == "Order Completed" and not await self._checkout.works():
                    break
                shown = await self._homepage(person, device, step) if step.is_home else None
                at = max(_now_ms(), at + 1)
                self._do(Act(at, step, person.id, name, device.id, device.ip, device.user_agent,
                             person.language, shown, blocked=person.blocks,
                             clicked_by=arrival.clicked_by(step)))  # fmt: skip
        except StopIteration:
            self._counts.finished += 1
        device.visits += 1
        person.visits += 1
        person.free_at = at
        device.free_at = at + PAUSE_MS
        if len(self._known) < _MAX_KNOWN:
            self._known.append(person)

    async def _homepage(self, person: Person, device: Device, step: Step) -> Shown:
        self._counts.homepages += 1
        url = self._origin + step.path
        shown = await self._desk.ask(person, device, url, step.referrer)
        if shown is None:
            self._counts.undecided += 1
            return Shown(self._plan.site.homepage.default)
        return shown

    async def _crawl(self) -> None:
        before = _now_ms()
        for act in self._crawls.crawl(before):
            if not await self._pause((act.at - before) / 1000 * self._plan.pace):
                return
            before, act.at = act.at, _now_ms()
            self._outbox.put(self._sender.happening(act), 0)

    def _do(self, act: Act) -> None:
        self._crawls.pages_seen += act.step.type == "page"
        if act.blocked:
            return
        self._counts.orders += act.step.name == "Order Completed"
        skew = self._skew(act.device)
        happening = self._sender.happening(act, skew)
        self._outbox.put(happening, skew)
        if is_drawn(self._chance, self._plan.dirt.duplicates):
            self._outbox.put_again(happening, skew)

    def _skew(self, device: str) -> int:
        """How far a device's clock is ahead, in ms: whole minutes, mostly none."""
        if not device:
            return 0
        if device not in self._skews:
            minutes = 0
            if is_drawn(self._chance, self._plan.dirt.wrong_clocks):
                minutes = self._chance.randint(MIN_SKEW_MIN, MAX_SKEW_MIN)
                minutes *= self._chance.choice((-1, 1))
            self._skews[device] = minutes * 60_000
        return self._skews[device]

    async def _pause(self, seconds: float) -> bool:
        """Whether nobody asked to stop meanwhile."""
        try:
            await asyncio.wait_for(self._stop.wait(), seconds)
        except TimeoutError:
            return True
        return False


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
