"""What one record changes of what a person hands on; single cases."""

from __future__ import annotations

import msgspec
import pytest

from schemas import persons
from schemas.batch import encode_batch
from schemas.ids import person_of_device as anonymous
from schemas.ids import person_of_user as person
from schemas.messages import IdentityLink, Register, Resolution, Root
from schemas.person_state import PersonState
from schemas.persons import contribution_key, counting, is_apart
from schemas.profiles import Fact
from schemas.redis_keys import LIVE_HORIZON_MS
from schemas.topics import version_of
from streams.person_stage import PersonStage, States
from streams.records import Effects, Record
from tests.unit.test_device_stage import NOW, SITE

TOLD = {"": {"likes": Fact(1, b"", "trains")}}


class Persons:
    """The person stage, one record after the other; what it sends is not brought anywhere."""

    def __init__(self) -> None:
        self._stage = PersonStage(SITE)
        self.states: States = {}
        self._offset = 0

    def take(self, *lines: Register | Root) -> dict[str, list[bytes]]:
        """Emitted lines by topic."""
        self._offset += 1
        record = Record(0, self._offset, NOW, encode_batch(lines), lambda: None)
        effects: Effects = self._stage.fold(self.states, [(record, self._stage.decode(record))], 1)
        emitted: dict[str, list[bytes]] = {}
        for (topic, _), found in effects.emissions.lines.items():
            emitted.setdefault(topic.removeprefix("footfall."), []).extend(found)
        return emitted

    def handed(self, *lines: Register | Root) -> list[Register]:
        emitted = self.take(*lines).get("registers", [])
        return [msgspec.json.decode(line, type=Register) for line in emitted]

    def state(self, user: str) -> PersonState:
        state = self.states[person(user)]
        assert state is not None
        return state


def register(user: str, device: str, first_seen: int = 0, **more: object) -> Register:
    one = Register(
        person_id=person(user),
        device_id=device,
        version=1,
        record_time=NOW,
        user_id=user,
        first_seen=first_seen,
        sessions=1,
        profiles=TOLD,
    )
    return msgspec.structs.replace(one, **more)


def root(user: str, of: str, version: int = 1) -> Root:
    return Root(person_id=person(user), root=of, version=version, record_time=NOW)


def test_a_user_hands_all_on_to_the_root_in_the_versions_of_the_own_partition() -> None:
    world = Persons()
    world.take(register("ben", "phone", version=77))
    (sent,) = world.handed(root("ben", "anna"))
    assert (sent.person_id, sent.device_id, sent.via) == (person("anna"), "phone", person("ben"))
    assert (sent.user_id, sent.sessions, sent.profiles) == ("anna", 1, TOLD)
    assert sent.version == version_of(1, 2)
    (sent,) = world.handed(register("ben", "phone", version=78, sessions=2))
    assert (sent.sessions, sent.version) == (2, version_of(1, 3))
    assert counting(world.state("ben")) == {}


def test_another_root_gets_it_and_the_one_before_loses_it() -> None:
    world = Persons()
    world.take(register("ben", "phone"), root("ben", "anna"))
    sent = {one.person_id: one.gone for one in world.handed(root("ben", "amy", version=2))}
    assert sent == {person("anna"): True, person("amy"): False}
    sent = {one.person_id: one.gone for one in world.handed(root("ben", "", version=3))}
    assert sent == {person("amy"): True}


def test_what_was_handed_on_to_somebody_is_not_handed_on_to_the_next() -> None:
    world = Persons()
    world.take(register("ben", "phone", via=person("cleo")))
    assert world.handed(root("ben", "anna")) == []


def test_an_older_root_says_nothing_new() -> None:
    world = Persons()
    world.take(root("ben", "anna", version=5))
    world.take(root("ben", "", version=4))
    assert world.state("ben").root == "anna"


def test_who_is_somebody_elses_is_not_forgotten_with_the_visitors() -> None:
    stage = PersonStage(SITE)
    states: States = {}
    record = Record(0, 0, NOW, encode_batch([root("ben", "anna")]), lambda: None)
    (write,) = stage.fold(states, [(record, stage.decode(record))], 1).states
    assert write.ttl_ms > SITE.retention.visitors_ms > LIVE_HORIZON_MS


@pytest.fixture
def two_devices(monkeypatch: pytest.MonkeyPatch) -> Persons:
    """A world in which a person may have two devices, and users may come with four."""
    monkeypatch.setattr(persons, "MAX_DEVICES", 2)
    monkeypatch.setattr(persons, "MAX_KEPT", 4)
    return Persons()


def test_the_devices_seen_first_stay(two_devices: Persons) -> None:
    world = two_devices
    assert world.handed(register("ben", "new", 3), register("ben", "old", 1)) == []
    emitted = world.take(register("ben", "middle", 2))
    (sent,) = [msgspec.json.decode(line, type=Register) for line in emitted["registers"]]
    assert (sent.person_id, sent.via) == (anonymous("new"), person("ben"))
    assert (sent.user_id, sent.profiles) == ("", {}), "what servers told of Ben stays with him"
    (line,) = [msgspec.json.decode(line, type=Resolution) for line in emitted["resolutions"]]
    assert (line.device_id, line.resolved_id) == ("new", anonymous("new"))
    (link,) = [msgspec.json.decode(line, type=IdentityLink) for line in emitted["identity"]]
    assert (link.identifier, link.status, link.valid_from) == ("new", "suspicious", 3)
    assert set(counting(world.state("ben"))) == {"old", "middle"}


def test_a_device_comes_back_when_there_is_room(two_devices: Persons) -> None:
    world = two_devices
    world.take(*(register("ben", device, at) for at, device in enumerate("abc")))
    emitted = world.take(register("ben", "a", version=2, gone=True))
    (sent,) = [msgspec.json.decode(line, type=Register) for line in emitted["registers"]]
    assert (sent.person_id, sent.gone) == (anonymous("c"), True)
    (line,) = [msgspec.json.decode(line, type=Resolution) for line in emitted["resolutions"]]
    assert line.resolved_id == person("ben")
    (link,) = [msgspec.json.decode(line, type=IdentityLink) for line in emitted["identity"]]
    assert link.removed


def test_servers_words_and_pseudonyms_are_no_devices(two_devices: Persons) -> None:
    named = ("user:ben", "email:" + "0" * 24, "p_0", "phone", "laptop")
    assert two_devices.handed(*(register("ben", device) for device in named)) == []


def test_one_device_of_two_user_ids_goes_on_twice_and_is_one(two_devices: Persons) -> None:
    world = two_devices
    world.take(register("anna", "a", 1), register("anna", "b", 2), register("anna", "c", 3))
    (sent,) = world.handed(register("anna", "c", 3, via=person("ben")))
    assert (sent.device_id, sent.via) == ("c", f"{person('ben')}>{person('anna')}")
    assert set(counting(world.state("anna"))) == {"a", "b"}


def test_of_a_user_with_far_too_many_devices_none_is_kept(two_devices: Persons) -> None:
    world = two_devices
    world.take(register("ben", "user:ben"), *(register("ben", device) for device in "abcd"))
    handed = world.handed(register("ben", "e", version=5))
    told = {one.person_id: (one.via, one.version) for one in handed if not one.gone}
    way = person("ben") + "!"
    assert told == {anonymous(d): (way, 5 if d == "e" else 1) for d in "abcde"}
    lost = {one.person_id: one.via for one in handed if one.gone}
    assert lost == dict.fromkeys((anonymous("c"), anonymous("d")), person("ben"))
    assert set(world.state("ben").devices) == {"user:ben"}
    assert world.state("ben").over
    (sent_on,) = world.handed(register("ben", "a", version=2, sessions=9))
    assert (sent_on.person_id, sent_on.sessions) == (anonymous("a"), 9)
    (gone,) = world.handed(register("ben", "a", version=3, gone=True))
    assert (gone.person_id, gone.gone) == (anonymous("a"), True)
    assert is_apart(world.state("ben"), "z")
    assert not is_apart(world.state("ben"), "user:ben")
    assert contribution_key("a") not in world.state("ben").devices
