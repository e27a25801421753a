"""Log lines join who alone was seen at their address: through both stages, in any order."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterable
from typing import Any, NamedTuple

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.event import Event
from schemas.identity import LOGOUT
from schemas.ids import person_of_device, person_of_user
from schemas.sightings import STEP_MS, WINDOW_MS, Unconsented
from streams.join_stage import JoinStage, States
from streams.joins import MAX_DEVICES
from streams.records import Record
from tests.joined_world import (
    MINUTE,
    NOW,
    ONE,
    OTHER,
    SITE,
    START,
    RawEvent,
    World,
    line,
    login,
    logout,
    refusal,
    seen,
)
from tests.unit.test_identity import oracle as owner_oracle

ANONYMOUS = person_of_device("cookie")


def test_a_line_joins_the_device_that_was_seen_there() -> None:
    world = World().send(seen(60)).send(line(65))
    assert world.person() == ANONYMOUS
    assert world.links() == {(ONE, ANONYMOUS, "cookie")}


def test_it_does_not_matter_which_came_first() -> None:
    assert World().send(line(65)).send(seen(60)).person() == ANONYMOUS


@pytest.mark.parametrize("minute", [30, 60, 75, 90])
def test_lines_up_to_thirty_minutes_away_join(minute: int) -> None:
    assert World().send(seen(60)).send(line(minute)).person() == ANONYMOUS


@pytest.mark.parametrize("minute", [29.9, 90.1, 240])
def test_lines_further_away_join_nobody(minute: float) -> None:
    world = World().send(seen(60)).send(line(minute))
    assert world.person() is None


def test_another_address_joins_nobody() -> None:
    assert World().send(seen(60)).send(line(65, OTHER)).person() is None


@pytest.mark.parametrize("other", [35, 60, 95])
def test_with_two_candidates_a_line_joins_none(other: int) -> None:
    assert World().send(line(65)).send(seen(60)).send(seen(other, "phone")).person() is None


def test_two_who_were_always_there_together_are_linked_to_nothing() -> None:
    world = World().send(line(65)).send(seen(60))
    assert world.links() == {(ONE, ANONYMOUS, "cookie")}
    assert world.send(seen(60, "phone")).links() == set()


def test_a_candidate_of_another_time_is_not_in_the_way() -> None:
    assert World().send(line(65), seen(60), seen(101, "phone")).person() == ANONYMOUS


def test_a_candidate_who_may_still_have_been_there_is_in_the_way() -> None:
    """The end of the phone's visit is known to five minutes: 29 minutes before, or 31."""
    world = World().send(seen(21, "phone")).send(seen(24, "phone")).send(line(54.5), seen(60))
    assert world.person() is None


@pytest.mark.parametrize("minute", [40, 60, 94])
def test_near_somebody_without_consent_nobody_is_joined(minute: int) -> None:
    world = World().send(seen(60), line(65))
    assert world.person() == ANONYMOUS
    assert world.send(refusal(minute)).person() is None


def test_who_refuses_at_another_time_or_place_is_not_in_the_way() -> None:
    world = World().send(seen(60), line(65), refusal(110), refusal(65, OTHER))
    assert world.person() == ANONYMOUS


def test_a_line_is_of_whom_the_device_belonged_to_then() -> None:
    world = World().send(login(50, "anna"), seen(60), logout(62), seen(64), login(70, "ben"))
    world.send(line(61), line(66))
    assert sorted(world.persons().values(), key=str) == sorted(map(person_of_user, ("anna", "ben")))


def test_who_logs_in_later_gets_the_lines_of_before() -> None:
    world = World().send(seen(60)).send(line(65))
    assert world.person() == ANONYMOUS
    assert world.send(login(600, "anna")).person() == person_of_user("anna")
    assert world.links() == {(ONE, person_of_user("anna"), "cookie")}


def test_a_bot_is_no_candidate() -> None:
    world = World().send(seen(60, "crawler", user_agent="Googlebot/2.1"), line(65))
    assert world.person() is None


def test_a_device_found_to_be_a_bot_is_no_candidate_any_more() -> None:
    world = World().send(seen(60), line(65))
    assert world.person() == ANONYMOUS
    world.send(seen(70, url="https://toyhouse.example/robots.txt"))
    assert (world.person(), world.links()) == (None, set())


def test_a_device_found_to_be_a_bot_is_not_in_the_way() -> None:
    world = World().send(seen(60), line(65), seen(60, "crawler"))
    assert world.person() is None
    world.send(seen(61, "crawler", url="https://toyhouse.example/robots.txt"))
    assert world.person() == ANONYMOUS


def test_a_backend_that_speaks_for_a_user_was_at_no_address() -> None:
    world = World().send(seen(60, "user:anna", user_id="anna"), line(65))
    assert world.person() is None


def test_a_page_is_where_it_was_when_its_event_arrived() -> None:
    late: dict[str, Any] = {"received_at": START + 300 * MINUTE}
    assert World().send(seen(60, **late), line(65)).person() is None
    assert World().send(seen(60, **late), line(305)).person() == ANONYMOUS
    assert World().send(seen(60, server=True, **late), line(65)).person() == ANONYMOUS


def test_without_join_logs_nothing_is_told() -> None:
    site = msgspec.structs.replace(SITE, join_logs=False)
    assert World(site).told(seen(60), line(65)) == []


def test_links_are_made_only_where_there_are_log_lines() -> None:
    world = World().send(seen(60), seen(200, "phone"), line(65))
    assert world.links() == {(ONE, ANONYMOUS, "cookie")}


def test_what_is_told_does_not_grow_with_every_event() -> None:
    world = World()
    told = [world.told(seen(60 + second / 60)) for second in range(0, 900, 10)]
    assert sum(map(len, told)) == 3  # every five minutes


def test_behind_one_address_with_very_many_devices_nobody_is_told_apart() -> None:
    world = World().send(line(65), seen(60))
    for device in range(MAX_DEVICES):
        world.send(seen(600, f"phone-{device}"))
    assert world.person() is None
    state = world.states[ONE]
    assert state is not None
    assert state.crowded
    assert state.devices == {}


def test_what_is_older_than_the_horizon_joins_nobody() -> None:
    """Others who were seen that day may be forgotten by then."""
    after = START + SITE.identity_horizon_ms + 86_400_000
    world = World().send(seen(60), time_ms=after).send(line(65), time_ms=after)
    assert world.person() is None


def test_a_line_that_is_none_of_the_topics_is_rejected_and_the_rest_kept() -> None:
    world = World()
    world.tell([b"{}", *world.told(seen(60), line(65))])
    assert world.person() == ANONYMOUS
    assert [one.original for one in world.rejected] == [b"{}"]


def test_what_is_emitted_does_not_depend_on_batch_borders() -> None:
    history: list[RawEvent] = [
        seen(60),
        line(65),
        seen(62, "phone"),
        login(70, "anna"),
        refusal(64),
    ]
    world = World()
    told = [world.told(one) for one in history]
    records = [Record(0, n, NOW, b"\n".join(one), lambda: None) for n, one in enumerate(told)]
    stage = JoinStage(SITE)
    batch = [(record, stage.decode(record)) for record in records]
    together = stage.fold({}, batch, 1).emissions.lines
    states: States = {}
    apart: dict[tuple[str, int], list[bytes]] = {}
    for one in batch:
        for place, lines in stage.fold(states, [one], 1).emissions.lines.items():
            apart.setdefault(place, []).extend(lines)
    assert apart == together


# -- order, batching, repetition --------------------------------------------------------------


class Histories(NamedTuple):
    events: list[RawEvent]
    seed: int


minutes = st.integers(0, 240).map(lambda half: half / 2)
devices = st.sampled_from(["cookie", "cookie", "cookie", "phone", "tablet"])
addresses = st.sampled_from([ONE, ONE, ONE, OTHER])


def _some(
    of: st.SearchStrategy[RawEvent], least: int, most: int
) -> st.SearchStrategy[list[RawEvent]]:
    return st.lists(of, min_size=least, max_size=most)


logins = st.builds(login, minutes, st.sampled_from(["anna", "ben"]), devices)
histories = st.builds(
    lambda seed, *parts: Histories(_different(itertools.chain(*parts)), seed),
    st.integers(0, 10_000),
    _some(st.builds(seen, minutes, devices, addresses), 1, 6),
    _some(st.builds(line, minutes, addresses), 1, 6),
    _some(st.one_of(logins, st.builds(logout, minutes, devices)), 0, 4),
    _some(st.builds(refusal, minutes, addresses), 0, 1),
)


def _different(events: Iterable[RawEvent]) -> list[RawEvent]:
    named = {one.event_id if isinstance(one, Event) else one.device_id: one for one in events}
    return list(named.values())


def _persons(events: list[RawEvent], chance: random.Random) -> dict[str, str | None]:
    """In any order and batches, each line for the second stage once or twice, late or at once."""
    world = World()
    waiting: list[bytes] = []
    chance.shuffle(events)
    while events:
        size = chance.randrange(1, 4)
        batch, events = events[:size], events[size:]
        waiting += world.told(*batch)
        waiting += chance.sample(waiting, chance.randrange(len(waiting) + 1))
        chance.shuffle(waiting)
        cut = chance.randrange(len(waiting) + 1)
        world.tell(waiting[:cut])
        waiting = waiting[cut:]
    world.tell(waiting)
    return world.persons()


def _there(events: list[RawEvent], one: Event, reach_ms: int) -> set[str]:
    """Devices, and '' for those without consent, seen at the line's address around it."""
    found = set()
    for other in events:
        if isinstance(other, Unconsented):
            near = other.at - reach_ms <= one.event_time < other.at + STEP_MS + reach_ms
            if other.pseudonym == one.device_id and near:
                found.add("")
        elif (
            one.device_id in other.address_keys
            and abs(other.event_time - one.event_time) <= reach_ms
        ):
            found.add(other.device_id)
    return found


def _owner(events: list[RawEvent], device: str, at: int) -> str:
    mine = [e for e in events if isinstance(e, Event) and e.device_id == device]
    marks = [(e.event_time, e.user_id) for e in mine if e.user_id]
    marks += [(e.event_time, LOGOUT) for e in mine if e.name == "Logged Out"]
    user, after = owner_oracle(marks, at)
    return person_of_user(user) if user else person_of_device(device, after)


@settings(max_examples=300, deadline=None)
@given(histories)
def test_a_line_is_of_the_only_one_who_was_there_whatever_the_order(history: Histories) -> None:
    events = history.events
    chance = random.Random(history.seed)
    persons = _persons(events[:], chance)
    assert _persons(events[:], chance) == persons
    for one in events:
        if not (isinstance(one, Event) and one.protocol == "log"):
            continue
        found = persons[one.event_id]
        exactly = _there(events, one, WINDOW_MS)
        if found is not None:
            assert len(exactly) == 1
            (device,) = exactly
            assert device
            assert found == _owner(events, device, one.event_time)
        surely = _there(events, one, WINDOW_MS - STEP_MS)
        if len(surely) == 1 and surely == _there(events, one, WINDOW_MS + STEP_MS) != {""}:
            assert found is not None
