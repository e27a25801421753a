"""Whatever stands under a visitor's key, reading it says so and nothing worse."""

from __future__ import annotations

import contextlib
import os
import time

from hypothesis import given
from hypothesis import strategies as st

from personalize_api.recognize.states import (
    GarbledState,
    decode_component,
    decode_device,
    decode_person,
)
from schemas.device_state import DeviceState, encode_device_state
from schemas.person_state import Contribution, PersonState, encode_person_state

NOW = time.time_ns() // 1_000_000
DEVICE = encode_device_state(
    DeviceState(
        first_seen=NOW - 90_000,
        last_seen=NOW,
        seen={NOW // 86_400_000: os.urandom(30)},
        runs=((NOW - 90_000, NOW),),
        starts=(NOW - 90_000,),
        logins=(("anna", 5, 5),),
    )
)
HELD = Contribution(1, False, NOW, NOW, 1, 2, {})
PERSON = encode_person_state(PersonState(user_id="anna", counted=True, devices={"d": HELD}))


def read_all(blob: bytes) -> None:
    for decode in (decode_device, decode_person, decode_component):
        with contextlib.suppress(GarbledState):
            decode(blob)


def test_every_torn_state_is_read_or_told() -> None:
    for whole in (DEVICE, PERSON):
        for end in range(len(whole)):
            read_all(whole[:end])


@given(st.sampled_from([DEVICE, PERSON]), st.integers(0, 400), st.integers(1, 255))
def test_a_flipped_byte_is_read_or_told(whole: bytes, place: int, flip: int) -> None:
    at = place % len(whole)
    read_all(whole[:at] + bytes([whole[at] ^ flip]) + whole[at + 1 :])


@given(st.binary(max_size=200))
def test_noise_is_read_or_told(noise: bytes) -> None:
    read_all(noise)
