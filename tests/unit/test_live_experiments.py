"""Live outcomes of experiments: both stages together, against a slow count over all events."""

from __future__ import annotations

import random
from collections import Counter
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from personalize_api.experiments.outcomes import Counts, Outcomes
from schemas.activity import Activity, exposure_name, goal_name, with_cell
from schemas.batch import encode_batch, encode_line
from schemas.decision_token import Decided, mint
from schemas.decision_token import read as decided
from schemas.event import Event
from schemas.identity import LOGOUT
from schemas.messages import Register
from schemas.person_state import Contribution, PersonState
from schemas.persons import contribution_key
from schemas.site import Experiment, Site
from streams.device_stage import DeviceStage, States
from streams.experiments import Experiments
from streams.person_stage import PersonStage
from streams.person_stage import States as PersonStates
from streams.records import Record
from tests.unit.test_device_stage import NOW, SITE, event
from tests.unit.test_identity import oracle as owner_oracle

HERO = Experiment(name="hero", arms={"big": 1.0, "small": 1.0}, goal="Order Completed")
SHOP = msgspec.structs.replace(SITE, experiments={"hero": HERO})
HOUR = 3_600_000
HURRY = msgspec.structs.replace(
    SITE, experiments={"hero": msgspec.structs.replace(HERO, within_ms=HOUR)}
)
Found = dict[str, dict[str, tuple[int, int]]]  # referrer medium -> arm -> exposed, converted
GOOGLE = "https://www.google.com/"


def one(minute: int, device: str, n: int, name: str = "", user: str = "", **more: Any) -> Event:
    event_id = f"{n:08}-0000-4000-8000-000000000000"
    return event(minute, name, user, device_id=device, event_id=event_id, **more)


def shown(minute: int, device: str, arm: str, n: int, referrer: str = "") -> Event:
    decision = mint(Decided("search-toys", arm, "hero", arm), "secret")
    return one(minute, device, n, decision_id=decision, referrer=referrer)


def bought(minute: int, device: str, n: int) -> Event:
    return one(minute, device, n, "Order Completed")


def logged_in(minute: int, device: str, user: str, n: int) -> Event:
    return one(minute, device, n, user=user)


def logged_out(minute: int, device: str, n: int) -> Event:
    return one(minute, device, n, "Logged Out")


minutes = st.integers(0, 600)
devices = st.sampled_from(["phone", "laptop"])
numbers = st.integers(0, 10**8 - 1)
histories = st.lists(
    st.one_of(
        st.builds(
            shown,
            minutes,
            devices,
            st.sampled_from(["big", "small"]),
            numbers,
            st.sampled_from(["", GOOGLE]),
        ),
        st.builds(bought, minutes, devices, numbers),
        st.builds(logged_in, minutes, devices, st.sampled_from(["anna", "ben"]), numbers),
        st.builds(logged_out, minutes, devices, numbers),
    ),
    max_size=14,
    unique_by=lambda e: e.event_id,
)


def live(batches: list[list[Event]], chance: random.Random, site: Site = SHOP) -> Found:
    """What the counters hold after both stages; registers of devices come in any order."""
    device_stage, person_stage = DeviceStage(site, "secret"), PersonStage(site)
    states: States = {}
    registers: dict[str, list[bytes]] = {}
    for offset, batch in enumerate(batches):
        for device in sorted({each.device_id for each in batch}):
            value = encode_batch([each for each in batch if each.device_id == device])
            record = Record(0, offset, NOW, value, lambda: None)
            mine: States = {device: states.get(device)}
            lines = [(record, device_stage.decode(record))]
            emitted = device_stage.fold(mine, lines, 1).emissions.lines
            states[device] = mine[device]
            for (topic, _), found in emitted.items():
                if topic == "footfall.registers":
                    registers.setdefault(device, []).extend(found)
    persons: PersonStates = {}
    counters: Counter[tuple[str, str]] = Counter()
    sources = list(registers.values())
    offset = 0
    while sources := [source for source in sources if source]:
        record = Record(0, offset, NOW, chance.choice(sources).pop(0), lambda: None)
        effects = person_stage.fold(persons, [(record, person_stage.decode(record))], 1)
        for change in effects.counters:
            counters[change.key, change.field] += change.delta
        offset += 1
    return read(counters, site)


def read(counters: Counter[tuple[str, str]], site: Site) -> Found:
    """As the personalization API reads them: by minutes, and in total, which is the same here."""
    by_minutes, totals = Counts(), Counts()
    assert all(count >= 0 for count in counters.values())
    for (key, field), count in counters.items():
        kind, *rest = key.split(":")[2:]
        if kind in ("x", "xt"):
            assert ":".join(rest[:2]) == site.experiments["hero"].key
        if kind == "x":
            by_minutes.add_minutes(int(rest[2]), {field.encode(): b"%d" % count}, 0)
        elif kind == "xt":
            totals.add_totals({field.encode(): b"%d" % count})
    assert plain(by_minutes.outcomes()) == plain(totals.outcomes())
    assert not by_minutes.garbled + totals.garbled
    return plain(totals.outcomes())


def plain(outcomes: Outcomes) -> Found:
    return {
        medium: {arm: (shown, converted) for arm, (shown, converted) in arms.items()}
        for medium, arms in outcomes.items()
    }


def slowly(history: list[Event], within_ms: int) -> Found:
    """Person by person: the earliest exposure, and whether an order came then or later."""
    marks: dict[str, list[tuple[int, str]]] = {}
    for each in history:
        if each.user_id:
            marks.setdefault(each.device_id, []).append((each.event_time, each.user_id))
        elif each.name == "Logged Out":
            marks.setdefault(each.device_id, []).append((each.event_time, LOGOUT))
    exposures: dict[tuple[str, str], list[tuple[int, str, str]]] = {}
    orders: dict[tuple[str, str], list[int]] = {}
    for each in history:
        user, logout = owner_oracle(marks.get(each.device_id, []), each.event_time)
        person = (user, "") if user else (each.device_id, str(logout))
        if each.decision_id:
            decision = decided(each.decision_id, "secret")
            assert decision is not None
            medium = "search" if each.referrer else "direct"
            exposures.setdefault(person, []).append((each.event_time, decision.arm, medium))
        elif each.name == "Order Completed":
            orders.setdefault(person, []).append(each.event_time)
    found: Found = {}
    for person, shown_at in exposures.items():
        time, arm, medium = min(shown_at)
        exposed, converted = found.setdefault(medium, {}).get(arm, (0, 0))
        until = time + within_ms if within_ms else NOW + HOUR
        converted += any(time <= at <= until for at in orders.get(person, []))
        found[medium][arm] = (exposed + 1, converted)
    return found


@settings(max_examples=150, deadline=None)
@given(histories, st.randoms(use_true_random=False))
def test_any_order_batching_and_repetition_counts_each_person_once(
    history: list[Event], chance: random.Random
) -> None:
    events = history + history[:3]
    chance.shuffle(events)
    cuts = sorted(chance.sample(range(len(events) + 1), k=min(2, len(events))))
    batches = [events[a:b] for a, b in zip([0, *cuts], [*cuts, len(events)], strict=True)]
    batches = [batch for batch in batches if batch]
    assert live(batches, chance) == slowly(history, 0)
    assert live(batches, chance, HURRY) == slowly(history, HOUR)


def test_a_goal_counts_to_the_millisecond_of_its_time() -> None:
    for late, converted in ((0, 1), (1, 0)):
        order = bought(61, "d", 2)
        order = msgspec.structs.replace(order, event_time=order.event_time + late)
        found = live([[shown(1, "d", "big", 1), order]], random.Random(0), HURRY)
        assert found == {"direct": {"big": (1, converted)}}


def test_of_two_persons_who_turn_out_to_be_one_the_earlier_arm_holds() -> None:
    apart = [shown(1, "phone", "big", 1), shown(5, "laptop", "small", 2), bought(9, "laptop", 3)]
    assert live([apart], random.Random(0)) == {"direct": {"big": (1, 0), "small": (1, 1)}}
    joined = [*apart, logged_in(20, "phone", "anna", 4), logged_in(21, "laptop", "anna", 5)]
    for batches in ([joined], [apart, joined[3:]], [joined[3:], apart]):
        assert live(batches, random.Random(0)) == {"direct": {"big": (1, 1)}}


def test_who_is_an_alias_counts_where_the_root_is() -> None:
    activity = with_cell(Activity(), exposure_name(HERO.key, "big"), NOW)
    held = Contribution(1, False, NOW, NOW, 1, 0, activity=activity)
    alone = PersonState(user_id="anna", counted=True, devices={"phone": held})
    alias = msgspec.structs.replace(alone, root="ann")
    root = PersonState(
        user_id="ann", counted=True, devices={contribution_key("phone", "anna's person"): held}
    )
    experiments = Experiments(SHOP)
    assert experiments.standings(alone) == experiments.standings(root) != set()
    assert experiments.standings(alias) == set()
    assert [delta for _, delta in experiments.changes(alone, alias)] == [-1]


def test_what_was_bought_before_is_no_success_of_what_was_shown_after() -> None:
    history = [bought(1, "d", 1), shown(2, "d", "big", 2)]
    assert live([history], random.Random(0)) == {"direct": {"big": (1, 0)}}


def test_a_late_event_shows_nothing() -> None:
    late = msgspec.structs.replace(shown(1, "d", "big", 1), received_at=NOW + 86_400_000)
    assert live([[late]], random.Random(0)) == {}


def test_an_arm_that_nobody_decided_is_not_shown() -> None:
    forged_id = mint(Decided("search-toys", "big", "hero", "big"), "another secret")
    forged = one(1, "d", 1, decision_id=forged_id, variant="big")
    assert live([[forged]], random.Random(0)) == {}


def test_totals_know_what_comes_after_the_live_horizon() -> None:
    def held(*names: str, time: int) -> Register:
        activity = Activity()
        for name in names:
            activity = with_cell(activity, name, time)
        return Register(
            person_id="anna's person",
            device_id="phone",
            version=time,
            record_time=time,
            first_seen=NOW,
            last_seen=time,
            activity=with_cell(activity, exposure_name(HERO.key, "big", "ai"), NOW),
        )

    later = NOW + 3 * 86_400_000
    person_stage, persons = PersonStage(SHOP), PersonStates()
    changes: list[dict[str, int]] = []
    for register in (held(time=NOW), held(goal_name(HERO.goal), time=later)):
        record = Record(0, 0, register.record_time, encode_line(register), lambda: None)
        effects = person_stage.fold(persons, [(record, person_stage.decode(record))], 1)
        changes.append(
            {f"{each.key.partition('}')[2]} {each.field}": each.delta for each in effects.counters}
        )
    minute, hour = NOW // 60_000 % 60, NOW // 3_600_000
    assert changes == [
        {f":x:{HERO.key}:{hour} {minute}|0|ai|big": 1, f":xt:{HERO.key} 0|ai|big": 1},
        {f":xt:{HERO.key} 1|ai|big": 1},
    ]
