"""What stands in Redis of devices, persons and aliases, decoded for readers."""

from __future__ import annotations

import msgspec

from schemas.aliases import Component, component_decoder
from schemas.device_state import DeviceState, decode_device_state
from schemas.person_state import PersonState, person_decoder


class GarbledState(Exception):
    """What stands under a key is not what belongs there."""


def decode_device(value: bytes | None) -> DeviceState | None:
    """Raises GarbledState."""
    try:
        return None if value is None else decode_device_state(value)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise GarbledState(f"device state: {error}") from error


def decode_person(value: bytes | None) -> PersonState | None:
    """Raises GarbledState."""
    try:
        return None if value is None else person_decoder.decode(value)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise GarbledState(f"person state: {error}") from error


def decode_component(value: bytes | None) -> Component | None:
    """Raises GarbledState."""
    try:
        return None if value is None else component_decoder.decode(value)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise GarbledState(f"aliases: {error}") from error
