"""What a person hands on: to the root of an alias all that the person's devices say; what is said
of devices above the limit to each such device's own anonymous person.

Messages flow device -> user -> root -> anonymous person, and never back: a user hands on only what
devices say, and an anonymous person has no root and one device.
"""

from __future__ import annotations

from schemas.batch import encode_line
from schemas.ids import person_of_device, person_of_user
from schemas.messages import IdentityLink, Register, Resolution
from schemas.person_state import Contribution, PersonState
from schemas.persons import apart_devices, device_of, via_of
from schemas.topics import IDENTITY, REGISTERS, RESOLUTIONS
from streams.records import Emissions

REASON = "device_limit"
_AS_IT_CAME = "!"
_OWN = frozenset({"version", "gone"})
_CONTENT = tuple(n for n in Contribution.__struct_fields__ if n not in _OWN)


def contribution_of(register: Register) -> Contribution:
    return Contribution(
        register.version, register.gone, *[getattr(register, name) for name in _CONTENT]
    )


def hand_on(
    emissions: Emissions,
    person_id: str,
    before: PersonState | None,
    after: PersonState,
    version: int,
    record_time: int,
) -> None:
    """Emits how one record of `footfall.registers` changed what the person hands on.

    `version`: of that record, so that of what goes the same way the latest is the newest.
    """
    if not (_may_hand_on(before) or _may_hand_on(after)):
        return
    old, new = _outbox(person_id, before), _outbox(person_id, after)
    for way, held in new.items():
        if old.get(way) != held:
            at = held.version if way[2].endswith(_AS_IT_CAME) else version
            line = _gone(way, at, record_time) if held.gone else None
            _emit(emissions, line or _register(way, held, after, at, record_time))
    for way in old:
        if way not in new:
            _emit(emissions, _gone(way, version, record_time))
    _emit_apart(emissions, person_id, before, after, version)


_Way = tuple[str, str, str, str]
"""(person to whom it goes, that person's user id or '', via, device)."""


def _may_hand_on(state: PersonState | None) -> bool:
    return state is not None and bool(state.root or apart_devices(state))


def _outbox(person_id: str, state: PersonState | None) -> dict[_Way, Contribution]:
    """All that the person hands on: a function of the state.

    Of a person that is over, whose devices are not kept, only what this record says of them, that
    something is gone among it. Nothing tells then whether it is older than what was handed on
    before; so it goes a way of its own, in the version in which it came.
    """
    if state is None:
        return {}
    apart = apart_devices(state)
    ways: dict[_Way, Contribution] = {}
    for key, held in state.devices.items():
        device, via = device_of(key), via_of(key)
        if device in apart and (state.over or not held.gone):
            route = f"{via}>{person_id}" if via else person_id
            route += _AS_IT_CAME if state.over else ""
            ways[person_of_device(device), "", route, device] = held
        elif state.root and not via and not held.gone:
            ways[person_of_user(state.root), state.root, person_id, device] = held
    return ways


def _register(
    way: _Way, held: Contribution, state: PersonState, version: int, record_time: int
) -> Register:
    person, user, via, device = way
    content = {name: getattr(held, name) for name in _CONTENT}
    if not user:
        content["profiles"] = {}  # they stay with the user of whom they were told
    return Register(
        person_id=person,
        device_id=device,
        via=via,
        version=version,
        record_time=record_time,
        counted=state.counted,
        user_id=user,
        **content,
    )


def _gone(way: _Way, version: int, record_time: int) -> Register:
    person, _, via, device = way
    return Register(
        person_id=person,
        device_id=device,
        via=via,
        version=version,
        record_time=record_time,
        gone=True,
    )


def _emit(emissions: Emissions, register: Register) -> None:
    emissions.add(REGISTERS, register.person_id, encode_line(register))


def _emit_apart(
    emissions: Emissions,
    person_id: str,
    before: PersonState | None,
    after: PersonState,
    version: int,
) -> None:
    """Which devices are apart from the person now, and which no longer are."""
    old, new = apart_devices(before), apart_devices(after)
    for device in sorted(old ^ new):
        is_apart = device in new
        resolution = Resolution(
            person_id=person_id,
            device_id=device,
            resolved_id=person_of_device(device) if is_apart else person_id,
            version=version,
        )
        link = IdentityLink(
            identifier=device,
            kind="cookie",
            person_id=person_id,
            valid_from=_first_seen(after if is_apart else before, device),
            reason=REASON,
            device_id="",
            version=version,
            status="suspicious",
            removed=not is_apart,
        )
        emissions.add(RESOLUTIONS, person_id, encode_line(resolution))
        emissions.add(IDENTITY, person_id, encode_line(link))


def _first_seen(state: PersonState | None, device: str) -> int:
    if state is None:
        return 0
    times = [
        held.first_seen
        for key, held in state.devices.items()
        if device_of(key) == device and not held.gone
    ]
    return min(times, default=0)
