"""What of a person's contributions counts for that person: a function of the set of registers.

A person whose root is another counts nothing himself; the root has it all. Of more than MAX_DEVICES
devices those with the smallest (first_seen, device id) stay; each other is *apart*: what was done
on it counts for the device's own anonymous person. What servers told of a profile stays.
"""

from __future__ import annotations

from collections.abc import Mapping

from schemas.event import RESERVED_PREFIXES
from schemas.redis_keys import Contribution, PersonState

MAX_DEVICES = 100

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


def counting(state: PersonState | None) -> Mapping[str, Contribution]:
    """The contributions that count for this person now; tombstones may be among them."""
    if state is None or state.root:
        return _NOTHING
    apart = apart_devices(state)
    if not apart:
        return state.devices
    return {key: held for key, held in state.devices.items() if device_of(key) not in apart}


def apart_devices(state: PersonState | None) -> frozenset[str]:
    """The devices above the limit. Pseudonyms and what stands for a server's word are none."""
    if state is None or state.root or len(state.devices) <= MAX_DEVICES:
        return frozenset()
    first_seen: dict[str, int] = {}
    for key, held in state.devices.items():
        device = device_of(key)
        if not held.gone and not device.startswith(RESERVED_PREFIXES):
            first_seen[device] = min(held.first_seen, first_seen.get(device, held.first_seen))
    if len(first_seen) <= MAX_DEVICES:
        return frozenset()
    return frozenset(sorted(first_seen, key=lambda d: (first_seen[d], d))[MAX_DEVICES:])
