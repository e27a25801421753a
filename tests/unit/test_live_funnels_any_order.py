"""Live funnels of every kind equal what trying every way gives, whatever came in whatever order.

Histories of some people on some devices: logins, logouts, logins that are taken back, user ids that
are one person or no longer, crawlers, bursts, late events, repetitions, equal milliseconds; through
all stages, in random interleavings with stale repetitions.
"""

from __future__ import annotations

import random
import uuid
from collections import Counter

import msgspec
import pytest

from schemas.event import Event
from schemas.site import BotRules, Funnel, Homepage, Scenario, Site, Step
from tests import funnel_oracle
from tests.funnel_oracle import ARRIVED, DAY, HOUR, MINUTE, ORIGINS, Counts
from tests.unit.test_device_stage import CHROME, NOW
from tests.unit.test_device_stage import SITE as PLAIN
from tests.unit.test_persons_across_partitions import World, shuffled

TOO_MANY = 5
SHOP = "https://toyhouse.example"
PRODUCT, ANY_PAGE = Step(name="product", page="/p/*"), Step(name="page", page="*")
CART = Step(name="cart", event="Product Added")
RED = Step(name="red", event="Product Added", where={"properties.color": ("red",)})
CHECKOUT = Step(name="checkout", event="Checkout Started", without="Cart Emptied")
ORDER = Step(name="order", event="Order Completed")
BY = ("referrer_source", "variant")
KINDS = (
    Funnel(name="checkout", steps=(PRODUCT, CART, CHECKOUT, ORDER), by=BY),
    Funnel(name="quick", steps=(PRODUCT, RED, ORDER), per="session", within_ms=20 * MINUTE),
    Funnel(name="again", steps=(PRODUCT, ANY_PAGE, PRODUCT), within_ms=3 * HOUR, by=("variant",)),
    Funnel(name="straight", order="strict", steps=(PRODUCT, CART, ORDER), by=BY),
    Funnel(name="sitting", order="strict", per="session", steps=(ANY_PAGE, PRODUCT, CART)),
    Funnel(name="both", order="strict", steps=(PRODUCT, CART), within_ms=2 * MINUTE),
    Funnel(name="itself", order="strict", steps=(ANY_PAGE, PRODUCT, PRODUCT), within_ms=HOUR),
    Funnel(name="whatever", order="any", steps=(PRODUCT, CART, ORDER), by=BY, within_ms=2 * HOUR),
    Funnel(name="mixed", order="any", per="session", steps=(ANY_PAGE, RED, ORDER)),
)
SITE = msgspec.structs.replace(
    PLAIN,
    funnels={funnel.name: funnel for funnel in KINDS},
    bots=BotRules(max_events_a_minute=TOO_MANY),
    homepage=Homepage(
        default="classic",
        scenarios=(Scenario(name="s", when={"logged_in": (True,)}, variant="members"),),
    ),
)
DEVICES = ["phone", "phone", "laptop", "p_nobody"]
USERS = ["anna", "ben"]
NAMES = ["Product Added", "Product Added", "Checkout Started", "Order Completed", "Cart Emptied"]
SEEDS = range(2000)


def history(chance: random.Random) -> list[Event]:
    """Some hours of at most two days; nobody logs in and out in one millisecond."""
    begins = NOW - chance.choice([2 * HOUR, 20 * HOUR, 44 * HOUR])
    step = chance.choice([1000, MINUTE, 9 * MINUTE])
    taken: set[tuple[str, int]] = set()
    events = []
    for number in range(chance.randrange(4, 16)):
        device = chance.choice(DEVICES)
        at = begins + chance.randrange(14) * step + chance.choice([0, 0, 0, HOUR])
        one = _event(chance, device, at, uuid.UUID(int=chance.getrandbits(128)))
        if _must_be_alone(one):
            at = one.event_time = at + number + 1  # of no other event of the device
        if one.type == "alias" or (one.device_id, at) not in taken:
            events.append(one)
        if _must_be_alone(one):
            taken.add((one.device_id, at))
    if chance.random() < 0.3:
        events += _purchase(chance, begins + chance.randrange(14) * step)
    if chance.random() < 0.1:
        events += _burst(chance, begins)
    return [*events, *_twins(chance, events)]


def _twins(chance: random.Random, events: list[Event]) -> list[Event]:
    """Other events that say the same at the same time."""
    chosen = [one for one in events if chance.random() < 0.05 and not _must_be_alone(one)]
    return [
        msgspec.structs.replace(one, event_id=str(uuid.UUID(int=chance.getrandbits(128))))
        for one in chosen
    ]


def _purchase(chance: random.Random, begins: int) -> list[Event]:
    """All the way, mostly in order, on one device or two."""
    devices, found = chance.sample(DEVICES, 2), []
    for number, name in enumerate(["", "Product Added", "Checkout Started", "Order Completed"]):
        at = begins + number * chance.choice([0, 1000, MINUTE])
        one = _event(random.Random(7), chance.choice(devices), at, uuid.UUID(int=100 + number))
        one.type, one.name = ("track", name) if name else ("page", "Page Viewed")
        one.url, one.referrer, one.user_id, one.user_agent = f"{SHOP}/p/1", f"{SHOP}/", "", CHROME
        one.properties = msgspec.Raw(b'{"color": "red"}')
        found.append(one)
    return found


def _must_be_alone(one: Event) -> bool:
    """Of those that come in one millisecond, which is first has a rule that is not meant here."""
    return bool(one.user_id or one.name == "Logged Out" or ORIGINS[one.referrer][0] == "search")


def _event(chance: random.Random, device: str, at: int, event_id: uuid.UUID) -> Event:
    one = Event(
        event_id=str(event_id), event_time=at, received_at=at, type="page", name="Page Viewed",
        protocol="segment", device_id=device, consent="granted", user_agent=CHROME,
        url=f"{SHOP}/{chance.choice(['', 'p/1', 'p/2', 'c'])}",
        referrer=chance.choice([*ORIGINS, f"{SHOP}/"]),
        variant=chance.choice(["", "classic", "members", "strange"]),
    )  # fmt: skip
    kind = chance.random()
    if kind < 0.4:
        one.type, one.name, one.referrer = "track", chance.choice(NAMES), ""
        color = chance.choice(["red", "blue"])
        one.properties = msgspec.Raw(msgspec.json.encode({"color": color}))
    elif kind < 0.5 and device != "p_nobody":
        one.type, one.name, one.referrer = "identify", "", ""
        one.user_id = chance.choice(USERS)
        one.server = one.revoke = chance.random() < 0.2
        if not one.revoke and chance.random() < 0.2:
            one.device_id = f"user:{one.user_id}"
    elif kind < 0.54:
        one.type, one.name, one.referrer = "track", "Logged Out", ""
    elif kind < 0.62:
        one.type, one.name, one.referrer, one.server = "alias", "", "", True
        one.user_id, one.previous_id = chance.sample(USERS, 2)
        one.device_id, one.revoke = f"user:{one.user_id}", chance.random() < 0.4
    elif kind < 0.66:
        one.user_agent = "Googlebot/2.1"
    elif kind < 0.7 and not one.referrer:
        one.received_at = at + DAY + HOUR
    return one


def _burst(chance: random.Random, begins: int) -> list[Event]:
    """More events in one minute than a person makes."""
    device, minute = chance.choice(["phone", "laptop"]), begins // MINUTE * MINUTE
    found = []
    for number in range(TOO_MANY + 1):
        one = _event(random.Random(0), device, minute + number * 7, uuid.UUID(int=number))
        one.type, one.name, one.referrer, one.user_id = "track", "Looked", "", ""
        found.append(one)
    return found


def live(world: World, funnel: Funnel) -> tuple[Counts, Counter[tuple[int, int]]]:
    """By minute, and by hour since 1970 and step."""
    minutes, hours = Counts(), Counter[tuple[int, int]]()
    for (key, field), count in world.counts.items():
        kind, *rest = key.split(":")[2:]
        if not count or ":".join(rest[:2]) != funnel.key:
            continue
        if kind == "f":
            minute, step, by, value = field.split("|")
            minutes[int(rest[2]) * 60 + int(minute), int(step), by, value] += count
        elif kind == "h":
            hour, step = field.split("|")
            hours[int(rest[2]) * 24 + int(hour), int(step)] += count
    return minutes, hours


def folded(events: list[Event], chance: random.Random, site: Site = SITE) -> World:
    world = World(chance, site)
    world.fold(shuffled(events, chance))
    return world


@pytest.mark.parametrize("part", range(4))
def test_every_kind_counts_what_trying_every_way_counts(part: int) -> None:
    reached: Counter[tuple[str, int]] = Counter()
    for seed in SEEDS[part::4]:
        chance = random.Random(seed)
        events = history(chance)
        world, slowly = folded(events, chance), funnel_oracle.World(events, TOO_MANY)
        for funnel in SITE.live_funnels.values():
            wanted = slowly.counts(funnel)
            minutes, hours = live(world, funnel)
            arrivals = {c: n for c, n in wanted.items() if c[2] == ARRIVED}
            by_minute = {c: n for c, n in wanted.items() if c[2] != ARRIVED or c[1]}
            assert minutes == by_minute, (seed, funnel.name)
            by_hour: Counter[tuple[int, int]] = Counter()
            for (minute, step, _, _), count in arrivals.items():
                by_hour[minute // 60, step] += count
                reached[funnel.name, step] += count
            assert hours == by_hour, (seed, funnel.name)
    for funnel in SITE.live_funnels.values():
        for step in range(len(funnel.steps)):
            assert reached[funnel.name, step] > 5, f"{funnel.name} is not tried at step {step}"
