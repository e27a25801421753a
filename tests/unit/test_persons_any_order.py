"""Both stages together: what a person's devices say of them, in whatever order it came."""

from __future__ import annotations

import json
import random
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from personalize_api.recognize.visitors import profiles_of
from schemas.batch import encode_batch
from schemas.device_state import DeviceState, decode_device_state, encode_device_state
from schemas.event import Event
from schemas.identity import LOGOUT
from schemas.ids import person_of_device, person_of_user
from schemas.person_state import PersonState, encode_person_state
from schemas.person_state import person_decoder as person_codec
from schemas.profiles import AttributeValue, attributes
from schemas.purchases import orders_of
from schemas.redis_keys import LIVE_HORIZON_MS
from streams.device_stage import DeviceStage, States
from streams.person_stage import PersonStage
from streams.person_stage import States as PersonStates
from streams.records import Record
from tests.unit.test_device_stage import NOW, SITE, event
from tests.unit.test_identity import oracle as owner_oracle

HOUR = 3_600_000
Profile = dict[str, AttributeValue]


def told(hours_ago: int, device: str, user: str, profile: str, traits: Profile, n: int) -> Event:
    return _at(hours_ago, n, device, user=user, server=True, profile_id=profile,
               properties=msgspec.Raw(json.dumps(traits).encode()))  # fmt: skip


def bought(hours_ago: int, device: str, order: int, n: int) -> Event:
    said = msgspec.Raw(b'{"order_id": %d}' % order)
    return _at(hours_ago, n, device, name="Order Completed", properties=said)


def logged_out(hours_ago: int, device: str, n: int) -> Event:
    return _at(hours_ago, n, device, name="Logged Out")


def _at(hours_ago: int, n: int, device: str, **more: Any) -> Event:
    name, user = str(more.pop("name", "")), str(more.pop("user", ""))
    device_id = f"user:{user}" if device == "none" and user else device
    time = NOW - hours_ago * HOUR
    return event(0, name, user, event_id=f"{n:08}-0000-4000-8000-000000000000", device_id=device_id,
                 event_time=time, received_at=NOW, **more)  # fmt: skip


hours = st.integers(0, 30 * 24)
devices = st.sampled_from(["phone", "laptop"])
numbers = st.integers(0, 10**8 - 1)
traits = st.dictionaries(
    st.sampled_from(["age", "likes"]), st.sampled_from([None, 3, 7, "trains"]), max_size=2
)
histories = st.lists(
    st.one_of(
        st.builds(
            told,
            hours,
            st.sampled_from(["phone", "laptop", "none"]),
            st.sampled_from(["anna", "ben"]),
            st.sampled_from(["", "child"]),
            traits,
            numbers,
        ),
        st.builds(bought, hours, devices, st.integers(1, 5), numbers),
        st.builds(logged_out, hours, devices, numbers),
    ),
    min_size=1,
    max_size=12,
    unique_by=lambda e: e.event_id,
)


def stored(state: DeviceState | None) -> DeviceState | None:
    """The state as it comes back from Redis: the same."""
    if state is None:
        return None
    back = decode_device_state(encode_device_state(state))
    assert back == state
    return back


def persons(arrival: list[list[Event]], chance: random.Random) -> dict[str, PersonState]:
    """Persons after both stages; states travel through their codecs between records, registers
    of different devices come in any order."""
    device_stage, person_stage = DeviceStage(SITE, "secret"), PersonStage(SITE)
    devices: dict[str, DeviceState | None] = {}
    registers: dict[str, list[bytes]] = {}
    for offset, batch in enumerate(arrival):
        for device in sorted({one.device_id for one in batch}):
            value = encode_batch([one for one in batch if one.device_id == device])
            record = Record(0, offset, NOW, value, lambda: None)
            states: States = {device: devices.get(device)}
            lines = [(record, device_stage.decode(record))]
            emitted = device_stage.fold(states, lines, 1).emissions.lines
            devices[device] = stored(states[device])
            for (topic, _), found in emitted.items():
                if topic == "footfall.registers":
                    registers.setdefault(device, []).extend(found)
    sources = list(registers.values())
    known: PersonStates = {}
    offset = 0
    while sources := [source for source in sources if source]:
        source = chance.choice(sources)
        record = Record(0, offset, NOW, source.pop(0), lambda: None)
        person_stage.fold(known, [(record, person_stage.decode(record))], 1)
        offset += 1
    return {
        name: person_codec.decode(encode_person_state(state))
        for name, state in known.items()
        if state
    }


def profiles_wanted(history: list[Event]) -> dict[str, dict[str, Profile]]:
    """Person -> profile -> attributes, slowly: each attribute's latest word."""
    wanted: dict[str, dict[str, Profile]] = {}
    for one in sorted(history, key=lambda e: (e.event_time, e.event_id)):
        if one.type == "identify":
            profile = wanted.setdefault(person_of_user(one.user_id), {})
            profile.setdefault(one.profile_id, {}).update(msgspec.json.decode(one.properties))
    return {
        person: {p: {n: v for n, v in held.items() if v is not None} for p, held in told.items()}
        for person, told in wanted.items()
    }


def orders_wanted(history: list[Event]) -> dict[str, int]:
    """Person -> different orders, by who had the device that told of them then."""
    wanted: dict[str, set[bytes]] = {}
    for one in history:
        if one.name == "Order Completed":
            wanted.setdefault(owner(history, one), set()).add(bytes(one.properties))
    return {person: len(orders) for person, orders in wanted.items()}


def owner(history: list[Event], of: Event) -> str:
    """Whose an event without a user is, slowly."""
    mine = [one for one in history if one.device_id == of.device_id]
    marks = [(e.event_time, e.user_id) for e in mine if e.user_id]
    marks += [(e.event_time, LOGOUT) for e in mine if e.name == "Logged Out"]
    user, logout = owner_oracle(marks, of.event_time)
    return person_of_user(user) if user else person_of_device(of.device_id, logout)


@settings(max_examples=300, deadline=None)
@given(histories, st.randoms(use_true_random=False))
def test_any_order_batching_and_repetition_gives_the_same_profiles_and_orders(
    history: list[Event], chance: random.Random
) -> None:
    events = history + history[:3]
    chance.shuffle(events)
    cuts = sorted(chance.sample(range(len(events) + 1), k=min(2, len(events))))
    batches = [events[a:b] for a, b in zip([0, *cuts], [*cuts, len(events)], strict=True)]
    found = persons([batch for batch in batches if batch], chance)
    profiles = {
        name: {p: attributes(held) for p, held in profiles_of(state).items()}
        for name, state in found.items()
    }
    assert without_empty(profiles) == without_empty(profiles_wanted(history))
    orders = {
        name: len(orders_of(p for held in state.devices.values() for p in held.purchases))
        for name, state in found.items()
    }
    assert {name: count for name, count in orders.items() if count} == orders_wanted(history)


def without_empty(profiles: dict[str, dict[str, Profile]]) -> dict[str, dict[str, Profile]]:
    held = {name: {p: a for p, a in told.items() if a} for name, told in profiles.items()}
    return {name: told for name, told in held.items() if told}


def test_who_ordered_before_the_live_horizon_has_ordered() -> None:
    long_ago = 2 * LIVE_HORIZON_MS // HOUR
    (person,) = persons([[bought(long_ago, "phone", 1, 1)]], random.Random(0)).values()
    assert [held.orders for held in person.devices.values()] == [1]


def test_a_user_whom_the_timeline_forgot_has_the_profile_all_the_same() -> None:
    family = [told(1, "kiosk", f"user-{n}", "", {"age": n}, n) for n in range(1, 8)]
    found = persons([family], random.Random(0))
    ages = [
        attributes(profiles_of(found[person_of_user(f"user-{n}")])[""]) for n in range(1, 8)
    ]  # more users in a day than a timeline takes
    assert ages == [{"age": n} for n in range(1, 8)]


def test_what_an_older_version_wrote_can_still_be_read() -> None:
    person = PersonState("anna", True, {})
    held = msgspec.msgpack.encode(["anna", True, {"d": [1, False, 0, 0, 0, 1, {}]}])
    assert person_codec.decode(held).devices["d"].profiles == {}
    assert person_codec.decode(encode_person_state(person)) == person
