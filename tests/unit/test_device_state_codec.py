"""What is stored of a device comes back as it was, and rubbish is an error that readers know."""

from __future__ import annotations

import uuid

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.device_state import DeviceState, decode_device_state, encode_device_state
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


def test_fields_that_are_not_times_come_back_too() -> None:
    state = DeviceState(
        first_seen=1, last_seen=2, seen={20_779: b"12345678"}, past_sessions=3,
        logins=(("anna", 1, 2),), orders=(Purchase(2, b"123456", 5, "EUR"),),
        layout=(1, 2), evidence=b"\x01",
    )  # fmt: skip
    assert decode_device_state(encode_device_state(state)) == state


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
