"""What of a person's contributions counts for that person: a function of the set of registers.

A person whose root is another counts nothing himself; the root has it all. Of more than MAX_DEVICES
devices those with the smallest (first_seen, device id) stay; each other is *apart*: what was done
on it counts for the device's own anonymous person. What servers told of a profile stays.

A user of more than MAX_KEPT devices (a shared account, or somebody who makes up cookies) is OVER:
all that user's devices are apart, for good, and none is kept, or the state would grow with every
cookie. So are those that an alias hands on to such a user.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from schemas.ids import RESERVED_PREFIXES
from schemas.person_state import Contribution, PersonState

MAX_DEVICES = 100
MAX_KEPT = 1000

_VIA_END = "\x1f"  # in no identifier: ingest refuses control characters
_NOTHING: Mapping[str, Contribution] = {}


def contribution_key(device_id: str, via: str = "") -> str:
    """The key of a register in `PersonState.devices`. `via`: see `schemas.event.Register`."""
    return f"{via}{_VIA_END}{device_id}" if via else device_id


def device_of(key: str) -> str:
    return key.rpartition(_VIA_END)[2]


def via_of(key: str) -> str:
    """Who handed it on; '' where the device itself says so."""
    return key.rpartition(_VIA_END)[0]


def is_device(device_id: str) -> bool:
    """Pseudonyms, and what stands for a server's word, are no devices that somebody has."""
    return not device_id.startswith(RESERVED_PREFIXES)


def counting(state: PersonState | None) -> Mapping[str, Contribution]:
    """The contributions that count for this person now; tombstones may be among them."""
    if state is None or state.root:
        return _NOTHING
    apart = apart_devices(state)
    if not apart:
        return state.devices
    return {key: held for key, held in state.devices.items() if device_of(key) not in apart}


def is_apart(state: PersonState | None, device_id: str) -> bool:
    """Whether a device that says it is this person's counts for itself."""
    if state is not None and state.over and device_id and is_device(device_id):
        return True
    return device_id in apart_devices(state)


def apart_devices(state: PersonState | None) -> frozenset[str]:
    """Those of the devices in the state that are above a limit."""
    if state is None:
        return frozenset()
    if state.over:
        return frozenset(filter(is_device, map(device_of, state.devices)))
    if state.root or len(state.devices) <= MAX_DEVICES:
        return frozenset()
    first_seen: dict[str, int] = {}
    for key, held in state.devices.items():
        device = device_of(key)
        if not held.gone and is_device(device):
            first_seen[device] = min(held.first_seen, first_seen.get(device, held.first_seen))
    if len(first_seen) <= MAX_DEVICES:
        return frozenset()
    return frozenset(sorted(first_seen, key=lambda d: (first_seen[d], d))[MAX_DEVICES:])


def is_over(state: PersonState) -> bool:
    """Whether the state says so, or now holds too many devices of this user's own."""
    if state.over or len(state.devices) <= MAX_KEPT:
        return state.over
    return sum(1 for key in state.devices if not via_of(key) and is_device(key)) > MAX_KEPT


def to_keep(state: PersonState) -> PersonState:
    """The state as it is stored: of one that is over, without devices."""
    if not state.over or not (apart := apart_devices(state)):
        return state
    kept = {key: held for key, held in state.devices.items() if device_of(key) not in apart}
    return msgspec.structs.replace(state, devices=kept)
