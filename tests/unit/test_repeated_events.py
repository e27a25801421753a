"""An event is told from a repetition by five bytes of its id's digest, within one device."""

from __future__ import annotations

from schemas.device_state import DeviceState
from streams.device import DIGEST_BYTES, SEEN_BYTES, digest, is_repeated

KEPT = [digest(name)[:SEEN_BYTES] for name in ("one", "other", "third")]


def device(*kept: bytes) -> DeviceState:
    return DeviceState(first_seen=0, last_seen=0, seen={1: kept[0], 2: b"".join(kept[1:])})


def test_an_event_of_any_kept_day_is_repeated() -> None:
    state = device(*KEPT)
    assert all(is_repeated(state, digest(name)) for name in ("one", "other", "third"))
    assert not is_repeated(state, digest("fourth"))
    assert not is_repeated(None, digest("one"))


def test_what_stands_across_two_digests_is_neither() -> None:
    across = (KEPT[1] + KEPT[2])[2 : 2 + DIGEST_BYTES]
    assert not is_repeated(device(*KEPT), across)
    assert is_repeated(device(KEPT[0], KEPT[1], KEPT[2], across[:SEEN_BYTES]), across)
