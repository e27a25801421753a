"""Aliases: which user ids are one person, and what is recorded of it."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from itertools import pairwise

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas import aliases
from schemas.aliases import (
    MAX_USERS,
    Component,
    component_decoder,
    edge_of,
    encode_component,
    same_person,
)
from schemas.batch import encode_batch
from schemas.ids import person_of_user
from schemas.messages import Alias, IdentityLink, Resolution, Root
from streams.alias_stage import AliasStage, States, alias_of
from streams.records import Record
from tests.unit.test_device_stage import NOW, event


def alias(one: str, other: str, at: int = 0, *, revoked: bool = False, n: int = 0) -> Alias:
    return Alias(
        one=one,
        other=other,
        event_time=NOW + at,
        event_id=f"{at}-{n}-{one}-{other}",
        record_time=NOW,
        revoked=revoked,
    )


USERS = ["anna", "ben", "cleo", "dora", "emil"]


class World:
    """The alias stage, and what it told others; states travel through their codec."""

    def __init__(self) -> None:
        self.stage = AliasStage()
        self.redis: dict[str, bytes] = {}
        self.told: list[Root] = []
        self.roots: dict[str, str] = {}
        self.links: dict[tuple[str, str], IdentityLink] = {}
        self.resolutions: dict[str, Resolution] = {}
        self._offset = 0

    def say(self, *lines: Alias) -> None:
        """One record; a lane that holds nothing reads the states that the stage asks for."""
        record = Record(0, self._offset, NOW, encode_batch(lines), lambda: None)
        self._offset += 1
        decoded = self.stage.decode(record)
        states: States = {
            name: component_decoder.decode(self.redis[key]) if key in self.redis else None
            for name, key in self.stage.state_keys(decoded)
        }
        effects = self.stage.fold(states, [(record, decoded)], 1)
        for write in effects.states:
            self.redis[write.key] = write.blob
        for (topic, _), emitted in effects.emissions.lines.items():
            for line in emitted:
                self._take(topic, line)

    def _take(self, topic: str, line: bytes) -> None:
        match topic:
            case "footfall.registers":
                root = msgspec.json.decode(line, type=Root)
                self.told.append(root)
                self.roots[root.person_id] = root.root
            case "footfall.identity":
                link = msgspec.json.decode(line, type=IdentityLink)
                self.links[link.identifier, link.person_id] = link
            case "footfall.resolutions":
                resolution = msgspec.json.decode(line, type=Resolution)
                self.resolutions[resolution.person_id] = resolution

    def root(self, user: str) -> str:
        person = person_of_user(user)
        root = self.roots.get(person, "")
        resolution = self.resolutions.get(person)
        resolved = resolution.resolved_id if resolution else person
        assert resolved == person_of_user(root or user), "what ClickHouse is told is another thing"
        return root or user

    def status(self, user: str, root: str) -> str:
        link = self.links.get((user, person_of_user(root)))
        return "" if link is None or link.removed else link.status


def test_the_smallest_user_id_stands_for_all() -> None:
    world = World()
    world.say(alias("ben", "cleo"), alias("anna", "cleo"))
    assert [world.root(user) for user in ("anna", "ben", "cleo")] == ["anna", "anna", "anna"]
    assert [world.status(user, "anna") for user in ("ben", "cleo")] == ["applied", "applied"]


def test_a_link_says_which_alias_and_since_when() -> None:
    world = World()
    world.say(alias("anna", "ben", at=7))
    link = world.links["ben", person_of_user("anna")]
    said = (link.kind, link.reason, link.valid_from, link.evidence)
    assert said == ("user_id", "alias", NOW + 7, "7-0-anna-ben")


def test_revoking_a_bridge_parts_what_it_joined() -> None:
    world = World()
    world.say(alias("anna", "ben"), alias("ben", "cleo"), alias("cleo", "dora"))
    assert world.root("dora") == "anna"
    world.say(alias("ben", "cleo", at=1, revoked=True))
    assert [world.root(user) for user in ("anna", "ben")] == ["anna", "anna"]
    assert [world.root(user) for user in ("cleo", "dora")] == ["cleo", "cleo"]
    assert world.status("cleo", "anna") == "", "that link rested on the bridge"
    assert world.status("cleo", "ben") == "revoked"


def test_a_revocation_that_overtook_its_alias_holds() -> None:
    world = World()
    world.say(alias("anna", "ben", at=5, revoked=True))
    world.say(alias("anna", "ben", at=3))
    assert world.root("ben") == "ben"
    assert world.told == [], "nobody's root has ever changed"
    world.say(alias("anna", "ben", at=6))
    assert world.root("ben") == "anna"
    assert world.status("ben", "anna") == "applied"


def test_only_whose_root_changed_is_told() -> None:
    world = World()
    world.say(alias("anna", "ben"), alias("cleo", "dora"))
    world.told.clear()
    world.say(alias("ben", "cleo"))
    assert {told.person_id for told in world.told} == {person_of_user(u) for u in ("cleo", "dora")}
    world.told.clear()
    world.say(alias("anna", "dora"))
    assert world.told == []


def chain(names: Sequence[str]) -> list[Alias]:
    return [alias(one, other, at) for at, (one, other) in enumerate(pairwise(names))]


def test_too_many_users_are_no_person_and_all_of_it_is_suspicious() -> None:
    names = [f"user-{n:03}" for n in range(MAX_USERS + 1)]
    world = World()
    world.say(*chain(names[:-1]))
    assert {world.root(name) for name in names[:-1]} == {names[0]}
    world.say(alias(names[-2], names[-1]))
    assert [world.root(name) for name in names] == names
    assert {world.status(b, a) for a, b in pairwise(names)} == {"suspicious"}
    assert world.status(names[9], names[0]) == "", "that link rested on the others"
    world.say(alias("zoe", names[0]))
    assert (world.root("zoe"), world.status("zoe", names[0])) == ("zoe", "suspicious")
    world.say(*[alias(a, b, at=99, revoked=True) for a, b in pairwise(names)])
    assert [world.root(name) for name in names] == names, "what was ever named stays named"


def said(server: bool = True, previous: str = "anna", revoke: bool = False) -> Alias | None:
    """What an alias event that names ben says."""
    one = event(0, user="ben", type="alias", server=server, previous_id=previous, revoke=revoke)
    return alias_of(one, NOW)


def test_who_may_say_an_alias() -> None:
    told = said()
    assert told is not None
    assert (told.one, told.other, told.revoked) == ("anna", "ben", False)
    taken_back = said(revoke=True)
    assert taken_back is not None
    assert taken_back.revoked
    assert said(server=False) is None
    assert said(previous="ben") is None
    assert said(previous="null") is None
    assert alias_of(event(0, user="ben", server=True), NOW) is None


def oracle(lines: Iterable[Alias], most: int) -> dict[str, str]:
    """Root of every user who was ever named, slowly: the latest line of each pair, closed."""
    lines = list(lines)
    latest: dict[tuple[str, str], Alias] = {}
    for line in sorted(lines, key=lambda a: (a.event_time, a.event_id)):
        latest[min(line.one, line.other), max(line.one, line.other)] = line
    users = {user for line in lines for user in (line.one, line.other)}
    ever = _closed(users, latest)
    holding = _closed(users, [pair for pair, line in latest.items() if not line.revoked])
    return {user: min(holding[user]) if len(ever[user]) <= most else user for user in users}


def _closed(users: set[str], pairs: Iterable[tuple[str, str]]) -> dict[str, set[str]]:
    """User -> all that can be reached."""
    pairs = list(pairs)
    reached = {user: {user} for user in users}
    for _ in users:
        for one, other in pairs:
            reached[one] |= reached[other]
            reached[other] |= reached[one]
    return reached


lines = st.lists(
    st.builds(
        lambda users, at, revoked, n: alias(users[0], users[1], at, revoked=revoked, n=n),
        st.permutations(USERS).map(lambda users: users[:2]),
        st.integers(0, 9),
        st.booleans(),
        st.integers(0, 10**6),
    ),
    min_size=1,
    max_size=9,
    unique_by=lambda a: a.event_id,
)


@settings(max_examples=300, deadline=None)
@given(lines, st.sampled_from([3, 64]), st.randoms(use_true_random=False))
def test_any_order_batching_and_repetition_gives_the_same_persons(
    said: list[Alias], most: int, chance: random.Random
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(aliases, "MAX_USERS", most)
        roots = oracle(said, most)
        states = []
        for _ in range(2):
            world = World()
            arrival = said + said[:3]
            chance.shuffle(arrival)
            while arrival:
                size = chance.randint(1, 4)
                world.say(*arrival[:size])
                del arrival[:size]
            assert {user: world.root(user) for user in roots} == roots
            assert applied(world) == {(u, root) for u, root in roots.items() if u != root}
            states.append(world.redis)
        assert states[0] == states[1]


def applied(world: World) -> set[tuple[str, str]]:
    names = {person_of_user(user): user for user in USERS}
    return {
        (user, names[person])
        for (user, person), link in world.links.items()
        if link.status == "applied" and not link.removed
    }


def test_who_is_the_same_person_can_be_read_from_one_key() -> None:
    component = Component(
        tuple(
            sorted(edge_of(a) for a in (alias("anna", "ben"), alias("ben", "cleo", revoked=True)))
        )
    )
    assert component_decoder.decode(encode_component(component)) == component
    assert list(same_person(component, "anna")) == ["anna", "ben"]
    assert list(same_person(component, "cleo")) == ["cleo"]
    assert list(same_person(None, "dora")) == ["dora"]
