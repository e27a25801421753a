"""What is kept of one past hour of a funnel."""

from __future__ import annotations

import msgspec


class StepHour(msgspec.Struct, array_like=True):
    """One step of one hour. What was not measured, or was not as usual, is 0 or empty."""

    before: int = 0  # arrivals at the step before in windows of NOW_MINUTES whose middle is in it
    after: int = 0  # at the step
    came: int = 0  # arrivals at the step in the hour
    due: list[float] = []  # by DELAYS: as many as would have come if all came on
    misfit: list[float] = []  # by DELAYS: squared deviations of the minutes from that


class Hour(msgspec.Struct, array_like=True):
    steps: list[StepHour]  # from the second on
    entered: int = -1  # arrivals at the first step; -1: not measured
    sources: dict[str, int] = {}  # of them, by where they came from; -1: not learned


_encode = msgspec.json.encode
_decoder = msgspec.json.Decoder(Hour)


def encode_hour(hour: Hour) -> bytes:
    return _encode(hour)


def decode_hour(blob: bytes) -> Hour:
    """Raises msgspec.MsgspecError."""
    return _decoder.decode(blob)
