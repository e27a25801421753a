"""States without what is to be forgotten: (state, what) -> state, None where nothing is left.

Of a device that others use too only one person's times go, so what it says of the others stays as
it was. Nothing here can tell how many sessions of long ago were whose; they go with the first.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from copy import copy

import msgspec

from schemas import activity
from schemas.aliases import Component
from schemas.device_state import DeviceState
from schemas.forget import Forget, Span, is_whole, left_between
from schemas.identifiers import is_node
from schemas.identity import segments_of, without_revoked
from schemas.person_state import PersonState
from schemas.persons import device_of, via_of
from schemas.sightings import Seen, SightedState
from streams.device import starts_of
from streams.evidence import between
from streams.sightings import pack, unpack

_EVER = 2**53


def device_without(device: str, state: DeviceState, line: Forget) -> DeviceState | None:
    spans = line.devices.get(device, ())
    gone = tuple((user, line.at) for user in line.users)
    after = copy(state)
    after.logins = without_revoked(state.logins, gone)
    after.clicks = without_revoked(state.clicks, gone)
    after.revoked = tuple(one for one in state.revoked if one[0] not in line.users)
    after.profiles = {u: told for u, told in state.profiles.items() if u not in line.users}
    if is_whole(spans, max(line.at, state.last_seen)):
        if not (is_node(device) and after.logins):
            return None
        return DeviceState(
            state.first_seen, state.last_seen, logins=after.logins, revoked=after.revoked
        )
    if spans:
        _cut(device, after, spans)
    return after if after.runs or after.logins or after.past_sessions or after.orders else None


def _cut(device: str, state: DeviceState, spans: Sequence[Span]) -> None:
    left = left_between(spans, _EVER)

    def stays(time_ms: int) -> bool:
        return any(first <= time_ms <= last for first, last in left)

    state.orders = tuple(order for order in state.orders if stays(order.time))
    state.evidence = between(state.evidence, left)
    state.activity = activity.within(state.activity, left)
    state.sightings = pack(span for span in unpack(state.sightings) if stays(span[1]))
    state.runs = _runs_within(state.runs, state.starts, left)
    state.marks = tuple(mark for mark in state.marks if stays(mark[0]))
    if not stays(state.first_seen):
        state.past_sessions, state.past_days = 0, ()
    state.starts = starts_of(state, segments_of(device, state))
    _set_ends(state, stays)


def _runs_within(
    runs: Sequence[Span], starts: Sequence[int], left: Sequence[Span]
) -> tuple[Span, ...]:
    """What of the runs lies between the holes.

    Behind a hole others' events begin with a session of their own, since owners cut sessions.
    """
    kept = []
    for first, last in runs:
        for begins, ends in left:
            since, until = max(first, begins), min(last, ends)
            if since > first:
                since = min((start for start in starts if since <= start <= until), default=_EVER)
            if since <= until:
                kept.append((since, until))
    return tuple(kept)


def _set_ends(state: DeviceState, stays: Callable[[int], bool]) -> None:
    """First and last time that is left, where those known until now are forgotten."""
    marks = [at for _, first, last in (*state.logins, *state.clicks) for at in (first, last)]
    times = [*(at for run in state.runs for at in run), *(o.time for o in state.orders), *marks]
    known = [at for at in times if stays(at)]
    if known and not stays(state.first_seen):
        state.first_seen = min(known)
    if known and not stays(state.last_seen):
        state.last_seen = max(known)


def person_without(person: str, state: PersonState, line: Forget) -> PersonState | None:
    if person in line.persons:
        return None
    whole = line.whole
    devices = {
        key: held
        for key, held in state.devices.items()
        if device_of(key) not in whole and not _is_via(via_of(key), line.persons)
    }
    if len(devices) == len(state.devices):
        return state
    if not devices and not state.root:
        return None
    return msgspec.structs.replace(state, devices=devices)


def _is_via(via: str, persons: Collection[str]) -> bool:
    return bool(via) and any(person in persons for person in via.split(">"))


def component_without(user: str, state: Component, line: Forget) -> Component | None:
    if user in line.users:
        return None
    edges = tuple(edge for edge in state.edges if not {*edge.pair} & {*line.users})
    return msgspec.structs.replace(state, edges=edges) if edges or state.over else None


def sighted_without(state: SightedState, line: Forget) -> SightedState | None:
    """One with nothing left stays empty: that log lines were there names nobody."""
    whole = line.whole
    devices = {}
    for device, seen in state.devices.items():
        if device in whole:
            continue
        gone = line.devices.get(device, ())
        owners = tuple(owner for owner in seen.owners if owner[1] not in line.persons)
        if gone or owners != seen.owners:
            left = left_between(gone, _EVER)
            spans = tuple(s for s in seen.spans if any(a <= s[0] <= b for a, b in left))
            if spans and owners:
                devices[device] = Seen(seen.version, spans, ((0, owners[0][1]), *owners[1:]))
            continue
        devices[device] = seen
    return msgspec.structs.replace(state, devices=devices)
