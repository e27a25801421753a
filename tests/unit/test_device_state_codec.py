"""What is stored of a device comes back as it was, and rubbish is an error that readers know."""

from __future__ import annotations

import uuid
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.device_state import DeviceState, decode_device_state, encode_device_state
from schemas.profiles import Fact
from schemas.purchases import Purchase
from schemas.redis_keys import device_key
from schemas.sessions import add_event, session_starts
from schemas.topics import RAW, partition_of

GAP_MS = 1_800_000

histories = st.lists(
    st.tuples(st.integers(0, 2**42), st.sampled_from(["", "", "search", "mail"])),
    min_size=1,
    max_size=12,
    unique_by=lambda event: event[0],
)


def device(events: list[tuple[int, str]], cuts: list[int]) -> DeviceState:
    """A device that sent events at these times (ms), and whose owner changed at `cuts`."""
    times = [time for time, _ in events]
    state = DeviceState(first_seen=min(times), last_seen=max(times))
    for time, source in events:
        state.runs, state.marks = add_event(state.runs, state.marks, time, source, GAP_MS)
    state.starts = tuple(session_starts(state.runs, state.marks, cuts))
    return state


@given(histories, st.lists(st.integers(0, 2**42), max_size=3), st.integers(0, 2**41))
def test_a_device_comes_back_as_it_was(
    events: list[tuple[int, str]], cuts: list[int], before: int
) -> None:
    state = device(events, sorted(cuts))
    state.first_seen = max(0, state.first_seen - before)  # of an event that came too late
    assert decode_device_state(encode_device_state(state)) == state


ids = st.text(max_size=9)
moments = st.integers(0, 2**42)
marks = st.lists(st.tuples(ids, moments, st.integers(0, 3_600_000)), max_size=9)
packed_days = st.dictionaries(
    st.integers(-2, 30_000), st.binary(min_size=1, max_size=9), max_size=4
)


def by_time(said: list[tuple[str, int, int]]) -> tuple[tuple[str, int, int], ...]:
    """As `schemas.identity` keeps marks."""
    spans = {(first, user, first + lasted) for user, first, lasted in said}
    return tuple((user, first, last) for first, user, last in sorted(spans))


@given(
    histories,
    st.builds(
        dict,
        seen=packed_days,
        minutes=packed_days,
        past_sessions=st.integers(0, 10**6),
        logins=marks.map(by_time),
        clicks=marks.map(by_time),
        orders=st.lists(
            st.builds(Purchase, moments, st.binary(max_size=6), st.integers(-9, 2**62)), max_size=3
        ).map(tuple),
        profiles=st.just({}) | st.just({"anna": {"": {"age": Fact(7, b"e", 5)}}}),
        layout=st.integers(0, 2**32 - 1),
        evidence=st.binary(max_size=40),
        revoked=st.lists(st.tuples(ids, moments), max_size=2).map(tuple),
        activity=st.dictionaries(ids, st.lists(moments, max_size=3).map(tuple), max_size=3),
        past_days=st.lists(st.integers(0, 30_000), max_size=3).map(tuple),
        sightings=st.binary(max_size=48),
        bot_days=st.dictionaries(st.integers(0, 30_000), ids, max_size=2),
    ),
    st.sets(st.integers(0, 12)),
)
def test_every_field_comes_back_whichever_others_are_there(
    events: list[tuple[int, str]], given: dict[str, Any], left_out: set[int]
) -> None:
    fields = {name: value for at, (name, value) in enumerate(given.items()) if at not in left_out}
    state = msgspec.structs.replace(device(events, []), **fields)
    assert decode_device_state(encode_device_state(state)) == state


def test_sessions_may_be_years_apart() -> None:
    year = 365 * 86_400_000
    for apart in (year, 2**32 - 1, 2**32, 50 * year):
        state = device([(year, ""), (year + 5, "mail"), (year + apart, "")], [])
        assert decode_device_state(encode_device_state(state)) == state


@pytest.mark.parametrize(("first", "last"), [(-1, 5), (5, 4), (2**47, 2**47)])
def test_what_is_no_moment_is_refused(first: int, last: int) -> None:
    with pytest.raises(ValueError, match="was seen from"):
        encode_device_state(DeviceState(first_seen=first, last_seen=last))


def test_minutes_take_fewer_bytes_than_the_times_they_lie_between() -> None:
    now = 1_795_316_403_989
    events = [
        (now, "search"),
        (now + 60_000, ""),
        (now + 90_000_000, "mail"),
        (now + 90_060_000, ""),
    ]
    assert len(encode_device_state(device(events, []))) < 64


@pytest.mark.parametrize(
    "rubbish",
    [
        b"",
        b"\xc1",
        b"garbage",
        b"\x90",
        b"\x91\x90",
        b"\x92\x91\x91\x01\x80",
        b"\x91\x91\x93\x01\x02\x03",
    ],
)
def test_rubbish_is_no_device(rubbish: bytes) -> None:
    with pytest.raises((msgspec.MsgspecError, ValueError)):
        decode_device_state(rubbish)


def test_a_uuid_has_a_short_key_of_its_own_partition() -> None:
    cookie = str(uuid.uuid5(uuid.NAMESPACE_URL, "cookie"))
    key = device_key(cookie)
    assert len(key) <= 30
    assert f"{{r{partition_of(cookie, RAW)}}}" in key
    others = {device_key(name) for name in (cookie.upper(), cookie[1:], "d", key[-22:])}
    assert len({key, *others}) == 5
