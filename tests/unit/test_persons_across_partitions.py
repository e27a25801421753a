"""All stages together: persons, roots and live counts are the same in any order of messages.

Every producer's lines keep their order, as in a partition; those of different producers come in any
order, some of them twice and late, as from a worker that was thought to be dead.
"""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas import persons
from schemas.activity import PAGE
from schemas.batch import encode_batch
from schemas.event import Event
from schemas.identity import LOGOUT
from schemas.ids import person_of_device, person_of_user
from schemas.messages import IdentityLink, Resolution
from schemas.person_state import Contribution, PersonState, encode_person_state, person_decoder
from schemas.persons import counting, device_of
from schemas.redis_keys import ARRIVED
from schemas.site import Funnel, Site
from schemas.topics import ALIASES, IDENTITY, REGISTERS, RESOLUTIONS
from streams.alias_stage import AliasStage, alias_of
from streams.alias_stage import States as Components
from streams.device_stage import DeviceStage
from streams.device_stage import States as Devices
from streams.person_stage import PersonStage
from streams.person_stage import States as Persons
from streams.records import Effects, Record
from tests.unit.test_aliases import oracle as root_oracle
from tests.unit.test_device_stage import NOW, event
from tests.unit.test_device_stage import SITE as PER_PERSON
from tests.unit.test_identity import oracle as owner_oracle

MINUTE = 60_000
USERS = ["anna", "ben", "cleo"]
CHECKOUT = PER_PERSON.funnels["checkout"]
VISIT = msgspec.structs.replace(CHECKOUT, name="visit", per="session")
SITE = msgspec.structs.replace(PER_PERSON, funnels={"checkout": CHECKOUT, "visit": VISIT})
CART = "Product Added"


def at(minute: int, n: int, device: str, name: str = "", **more: object) -> Event:
    """An event of the last ten hours; products are seen on every page."""
    user = str(more.pop("user", ""))
    fields = {
        "event_id": f"{n:08}-0000-4000-8000-000000000000",
        "event_time": NOW - 10 * 60 * MINUTE + minute * MINUTE,
        "received_at": NOW,
        "device_id": f"user:{user}" if device == "server" and user else device,
        **more,
    }
    return msgspec.convert({**msgspec.structs.asdict(event(0, name, user)), **fields}, Event)


def alias_event(minute: int, n: int, users: list[str], revoke: bool) -> Event:
    return at(minute, n, f"user:{users[0]}", user=users[0], previous_id=users[1], type="alias",
              server=True, revoke=revoke)  # fmt: skip


minutes = st.integers(0, 590)
devices = st.sampled_from(["phone", "laptop", "tablet"])
numbers = st.integers(0, 10**8 - 1)
deeds = st.one_of(
    st.builds(at, minutes, numbers, devices),
    st.builds(at, minutes, numbers, devices, st.just(CART)),
    st.builds(at, minutes, numbers, devices, st.just("Logged Out")),
    st.builds(at, minutes, numbers, st.sampled_from(["phone", "laptop", "tablet", "server"]),
              user=st.sampled_from(USERS)),
)  # fmt: skip
saids = st.builds(alias_event, minutes, numbers, st.permutations(USERS), st.booleans())
histories = st.lists(
    st.one_of(deeds, deeds, saids),
    min_size=1,
    max_size=14,
    unique_by=(lambda e: e.event_id, lambda e: (e.event_time, e.device_id)),
)

chances = st.integers(0, 2**32).map(random.Random)


class World:
    """The stages with everything they wrote; states travel through their codecs."""

    def __init__(self, chance: random.Random, site: Site = SITE) -> None:
        self._chance = chance
        self._stages = DeviceStage(site, "secret"), AliasStage(), PersonStage(site)
        self._devices: Devices = {}
        self._components: Components = {}
        self.persons: dict[str, PersonState] = {}
        self._waiting: defaultdict[tuple[str, str], list[bytes]] = defaultdict(list)
        self.counts: Counter[tuple[str, str]] = Counter()  # by key and field
        self.resolutions: dict[tuple[str, str], Resolution] = {}
        self.links: dict[tuple[str, str, str], IdentityLink] = {}
        self._offset = 0

    def fold(self, batches: Iterable[Sequence[Event]]) -> None:
        for batch in batches:
            for device in sorted({one.device_id for one in batch}):
                value = encode_batch([one for one in batch if one.device_id == device])
                self._device(device, value)
        while ways := [way for way, lines in self._waiting.items() if lines]:
            way = self._chance.choice(ways)
            lines = self._waiting[way]
            value = b"\n".join(lines[: self._chance.randint(1, 3)])
            del lines[: value.count(b"\n") + 1]
            if self._chance.random() < 0.2:
                self._waiting[way[0], f"zombie {self._offset}"].append(value)
            (self._alias if way[0] == ALIASES.name else self._person)(value)

    def _record(self, value: bytes) -> Record:
        self._offset += 1
        return Record(0, self._offset, NOW, value, lambda: None)

    def _device(self, device: str, value: bytes) -> None:
        record, stage = self._record(value), self._stages[0]
        self._take(device, stage.fold(self._devices, [(record, stage.decode(record))], 1))

    def _alias(self, value: bytes) -> None:
        record, stage = self._record(value), self._stages[1]
        effects = stage.fold(self._components, [(record, stage.decode(record))], 1)
        self._take("aliases", effects)

    def _person(self, value: bytes) -> None:
        """Each line as a partition of its own would see it: persons do not share one."""
        for line in value.split(b"\n"):
            record, stage = self._record(line), self._stages[2]
            lines = stage.decode(record)
            states: Persons = {n: self.persons.get(n) for n, _ in stage.state_keys(lines)}
            effects = stage.fold(states, [(record, lines)], 1)
            for name, state in states.items():
                assert state is not None
                self.persons[name] = person_decoder.decode(encode_person_state(state))
                self._take(name, effects)

    def _take(self, producer: str, effects: Effects) -> None:
        for change in effects.counters:
            self.counts[change.key, change.field] += change.delta
        for (topic, _), lines in effects.emissions.lines.items():
            if topic in (ALIASES.name, REGISTERS.name):
                self._waiting[topic, producer] += lines
            elif topic == RESOLUTIONS.name:
                for line in lines:
                    found = msgspec.json.decode(line, type=Resolution)
                    key = found.person_id, found.device_id
                    if key not in self.resolutions or self.resolutions[key].version < found.version:
                        self.resolutions[key] = found
            elif topic == IDENTITY.name and producer not in self._devices:
                for line in lines:
                    link = msgspec.json.decode(line, type=IdentityLink)
                    name = link.identifier, link.person_id, link.reason
                    if name not in self.links or self.links[name].version < link.version:
                        self.links[name] = link

    def live(self, funnel: Funnel = CHECKOUT) -> dict[int, int]:
        """Units by step, over all minutes and partitions."""
        live: Counter[int] = Counter()
        for (key, field), count in self.counts.items():
            if f":f:{funnel.key}:" in key and f"|{ARRIVED}|" not in field:
                live[int(field.split("|")[1])] += count
        return {step: count for step, count in live.items() if count}

    def resolved(self, person: str, device: str) -> str:
        """As the view of ClickHouse resolves it: an alias, then what is apart from that person."""
        alias = self.resolutions.get((person, ""))
        root = alias.resolved_id if alias else person
        for one in (root, person):
            apart = self.resolutions.get((one, device))
            if apart is not None and apart.resolved_id != one:
                return apart.resolved_id
        return root

    def standing(self) -> dict[str, set[str]]:
        """Person -> devices that count for this person."""
        found = {
            person: {device_of(key) for key, held in counting(state).items() if not held.gone}
            for person, state in self.persons.items()
        }
        return {person: held for person, held in found.items() if held}


class Wanted:
    """The same, slowly, from the whole set of events."""

    def __init__(self, history: Sequence[Event], *, aliased: bool = True) -> None:
        said = [line for one in history if (line := alias_of(one, NOW)) is not None]
        self._roots = root_oracle(said if aliased else [], 64)
        self._history = history
        self._set_over()
        self.deeds: dict[str, list[Event]] = {}
        for one in history:
            self.deeds.setdefault(self.person(one), []).append(one)
        self._set_apart()

    def person(self, one: Event) -> str:
        if one.user_id and one.type != "alias":
            return self._of_user(one.user_id, one.device_id)
        return self._owner(one.device_id, one.event_time)

    def _owner(self, device: str, time: int) -> str:
        user, logout = device.removeprefix("user:"), 0
        if user == device:
            mine = [e for e in self._history if e.device_id == device]
            marks = [(e.event_time, e.user_id) for e in mine if e.user_id]
            marks += [(e.event_time, LOGOUT) for e in mine if e.name == "Logged Out"]
            user, logout = owner_oracle(marks, time)
        if not user:
            return person_of_device(device, logout)
        return self._of_user(user, device)

    def _of_user(self, user: str, device: str) -> str:
        """Also of a user whose root has too many devices, none is that person's."""
        for one in (user, self._roots.get(user, user)):
            if one in self._over and not device.startswith("user:"):
                self.apart.add((person_of_user(one), device))
                return person_of_device(device)
        return person_of_user(self._roots.get(user, user))

    def _set_over(self) -> None:
        """Users with too many devices."""
        self.apart: set[tuple[str, str]] = set()
        devices: dict[str, set[str]] = {}
        for one in self._history:
            if one.user_id and one.type != "alias" and not one.device_id.startswith("user:"):
                devices.setdefault(one.user_id, set()).add(one.device_id)
        self._over = {u for u, held in devices.items() if len(held) > persons.MAX_KEPT}

    def over(self) -> set[str]:
        return {person_of_user(user) for user in self._over}

    def _since(self, person: str, device: str) -> int:
        """When the device is first the person's: at an event, or as soon as one is over."""
        times = [e.event_time for e in self._history if e.device_id == device]
        moments = sorted({*times, *(time + 1 for time in times)})
        return next(m for m in moments if self._owner(device, m) == person)

    def _set_apart(self) -> None:
        for person, mine in list(self.deeds.items()):
            devices = {one.device_id for one in mine if not one.device_id.startswith("user:")}
            first = {device: self._since(person, device) for device in devices}
            for device in sorted(first, key=lambda d: (first[d], d))[persons.MAX_DEVICES :]:
                self.apart.add((person, device))
                theirs = [one for one in mine if one.device_id == device]
                self.deeds[person] = [one for one in self.deeds[person] if one not in theirs]
                self.deeds.setdefault(person_of_device(device), []).extend(theirs)

    def devices(self) -> dict[str, set[str]]:
        return {p: {one.device_id for one in mine} for p, mine in self.deeds.items() if mine}

    def live(self) -> dict[int, int]:
        """Who saw a product, and who put one into the cart after that."""
        live: Counter[int] = Counter()
        for mine in self.deeds.values():
            seen = [one.event_time for one in mine if one.type == "page"]
            added = [one.event_time for one in mine if one.name == CART]
            live[0] += bool(seen)
            live[1] += any(a <= b for a in seen for b in added)
        return {step: count for step, count in live.items() if count}


def shuffled(history: Sequence[Event], chance: random.Random) -> list[list[Event]]:
    events = [*history, *history[:3]]
    chance.shuffle(events)
    batches = []
    while events:
        size = chance.randint(1, 4)
        batches.append(events[:size])
        del events[:size]
    return batches


def folded(history: Sequence[Event], chance: random.Random) -> World:
    world = World(chance)
    world.fold(shuffled(history, chance))
    return world


@settings(max_examples=300, deadline=None)
@given(histories, st.sampled_from([(1, 1), (1, 2), (1, 9), (2, 9), (100, 1000)]), chances)
def test_any_order_gives_the_same_persons_and_live_counts(
    history: list[Event], most: tuple[int, int], chance: random.Random
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(persons, "MAX_DEVICES", most[0])
        patch.setattr(persons, "MAX_KEPT", most[1])
        world, wanted = folded(history, chance), Wanted(history)
        assert world.standing() == wanted.devices()
        assert world.live() == wanted.live()
        more = suspicious(world) - wanted.apart
        assert suspicious(world) >= wanted.apart
        assert {person for person, _ in more} <= wanted.over(), "all of theirs are, whatever comes"
        patch.setattr(persons, "MAX_KEPT", 1000)
        emitted = Wanted(history, aliased=False)
        for person, mine in wanted.deeds.items():
            for one in mine:
                assert world.resolved(emitted.person(one), one.device_id) == person


def suspicious(world: World) -> set[tuple[str, str]]:
    return {
        (person, device)
        for (device, person, _), link in world.links.items()
        if link.status == "suspicious" and not link.removed
    }


def taken_back(history: Sequence[Event]) -> list[Event]:
    """An event for each pair that was ever aliased, later than all others."""
    pairs = {tuple(sorted((e.user_id, e.previous_id))) for e in history if e.type == "alias"}
    return [alias_event(599, 10**8 + n, list(pair), True) for n, pair in enumerate(sorted(pairs))]


def without_pages(held: Contribution) -> Contribution:
    done = {name: cells for name, cells in held.activity.items() if name[0] != PAGE}
    return msgspec.structs.replace(held, activity=done)


def content(world: World) -> dict[str, dict[str, tuple[object, ...]]]:
    """What decides: of every person all that counts, without the versions of its making, and
    without the last pages, which are kept from the first login on that had come by then.
    """
    return {
        person: {
            device_of(key): msgspec.structs.astuple(without_pages(held))[1:]
            for key, held in counting(state).items()
            if not held.gone
        }
        for person, state in world.persons.items()
        if any(not held.gone for held in counting(state).values())
    }


@settings(max_examples=200, deadline=None)
@given(histories, chances)
def test_an_alias_that_was_taken_back_leaves_what_never_having_been_said_leaves(
    history: list[Event], chance: random.Random
) -> None:
    never = unsaid([*history, *taken_back(history)])
    back, without = folded([*history, *taken_back(history)], chance), folded(never, chance)
    assert content(back) == content(without)
    assert (back.live(), back.live(VISIT)) == (without.live(), without.live(VISIT))
    assert all(r.resolved_id == r.person_id for r in back.resolutions.values())
    assert not any(link.status == "applied" and not link.removed for link in back.links.values())


def unsaid(history: Sequence[Event]) -> list[Event]:
    """The same events, of which no alias comes: they are deeds of their user all the same."""
    return [msgspec.structs.replace(one, server=False) for one in history]


@settings(max_examples=100, deadline=None)
@given(histories, chances)
def test_who_made_a_visit_changes_nothing_about_the_visit(
    history: list[Event], chance: random.Random
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(persons, "MAX_DEVICES", 1)
        joined = folded(history, chance).live(VISIT)
        assert joined == folded(unsaid(history), chance).live(VISIT)
