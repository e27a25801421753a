"""What Redis keeps of one device (`schemas.redis_keys.device_key`), and its codec.

What is the same or nearly the same beside another part is not written again: moments are distances
(`schemas.packed_times`), days are counted from that of the first, a session start that is the start
of a run follows from it, of a user's logins the user stands once. Whoever changes what is written
raises `schemas.states_form.STATES_FORM`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import msgspec

from schemas import packed_times
from schemas.activity import Activity
from schemas.profiles import Profiles
from schemas.purchases import Purchases

_DAY_MS = 86_400_000

Day = tuple[int, bytes, bytes]  # since the day that it was first seen on; digests, minutes
Mark = tuple[int, str]
Login = tuple[str, int, int]


class DeviceState(msgspec.Struct, gc=False):
    """All that is kept about one device. Every field is a function of the set of its events."""

    first_seen: int  # ms
    last_seen: int  # ms
    seen: dict[int, bytes] = {}  # UTC day -> digests of its event ids (streams/digests.py)
    runs: tuple[tuple[int, int], ...] = ()  # [first, last] ms, sorted (design.md, Session)
    marks: tuple[Mark, ...] = ()  # (ms, what stands for an external source), sorted, in the runs
    starts: tuple[int, ...] = ()  # of the sessions in `runs`; follows from the other fields
    past_sessions: int = 0  # sessions whose runs are no longer kept
    # (user or '' for a logout, first, last) an hour; of a node: (claimant, first, last)
    logins: tuple[Login, ...] = ()
    orders: Purchases = ()
    profiles: dict[str, Profiles] = {}  # user -> what servers said of them on this device
    layout: int = 0  # of the evidence, see `schemas.layouts`
    evidence: bytes = b""  # packed, see `schemas.evidence`; of the live horizon
    clicks: tuple[Login, ...] = ()  # users of mail links, as `logins`
    revoked: tuple[tuple[str, int], ...] = ()  # (user, ms): what was said until then is void
    activity: Activity = {}
    past_days: tuple[int, ...] = ()  # UTC days of the sessions that are no longer kept
    sightings: bytes = b""  # packed, see `streams.sightings`
    bot_days: dict[int, str] = {}  # UTC day -> why it is flagged, see `schemas.bot_days`
    minutes: dict[int, bytes] = {}  # UTC day -> packed counts of events a minute


class _Stored(msgspec.Struct, array_like=True, gc=False):
    """What devices usually have stands first: empty fields at the end are not written. Moments but
    for those of `times`, orders and activity are ms since first seen.
    """

    times: bytes
    days: tuple[Day, ...] = ()
    layout: int = 0
    evidence: bytes = b""
    activity: Activity = {}
    marks: dict[str, tuple[int, ...]] = {}  # by source
    sightings: bytes = b""
    logins: dict[str, tuple[int, ...]] = {}  # user -> first and how long until the last, ...
    orders: Purchases = ()
    cuts: tuple[int, ...] = ()  # session starts inside of runs
    past_sessions: int = 0
    past_days: tuple[int, ...] = ()
    profiles: dict[str, Profiles] = {}
    bot_days: dict[int, str] = {}
    clicks: dict[str, tuple[int, ...]] = {}
    revoked: tuple[tuple[str, int], ...] = ()


_encode: Callable[[object], bytes] = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(_Stored).decode
_NONE: Mapping[str, Sequence[int]] = {}


def encode_device_state(state: DeviceState) -> bytes:
    """Raises ValueError for moments that are none."""
    first_seen, runs, starts, marks = state.first_seen, state.runs, state.starts, state.marks
    stored: list[object] = [
        packed_times.pack(first_seen, state.last_seen, runs),
        _days(state.seen, state.minutes, first_seen // _DAY_MS),
        state.layout,
        state.evidence,
        state.activity,
    ]
    if marks:
        stored.append(_by_source(marks, first_seen))
    is_plain = len(starts) == len(runs)
    has_more = (
        state.past_sessions
        or state.profiles
        or state.bot_days
        or state.clicks
        or state.revoked
        or state.past_days
    )
    if state.sightings or state.logins or state.orders or not is_plain or has_more:
        if not marks:
            stored.append(_NONE)
        stored += (
            state.sightings,
            _by_user(state.logins, first_seen) if state.logins else _NONE,
            state.orders,
            () if is_plain else _cuts(starts, runs, first_seen),
        )
        if has_more:
            stored += (
                state.past_sessions,
                state.past_days,
                state.profiles,
                state.bot_days,
                _by_user(state.clicks, first_seen),
                state.revoked,
            )
    while not stored[-1]:
        stored.pop()
    return _encode(stored)


def decode_device_state(blob: bytes) -> DeviceState:
    """Raises msgspec.MsgspecError or ValueError for what `encode_device_state` did not write."""
    stored = _decode(blob)
    first_seen, last_seen, times = packed_times.unpack(stored.times)
    starts = times[::2]
    runs = tuple(zip(starts, times[1::2], strict=True))
    if stored.cuts:
        starts = sorted([*starts, *[first_seen + cut for cut in stored.cuts]])
    seen, minutes, first_day = {}, {}, first_seen // _DAY_MS
    for day, digests, counts in stored.days:
        if digests:
            seen[first_day + day] = digests
        if counts:
            minutes[first_day + day] = counts
    return DeviceState(
        first_seen,
        last_seen,
        seen,
        runs,
        _marks(stored.marks, first_seen) if stored.marks else (),
        tuple(starts),
        stored.past_sessions,
        _logins(stored.logins, first_seen) if stored.logins else (),
        stored.orders,
        stored.profiles,
        stored.layout,
        stored.evidence,
        _logins(stored.clicks, first_seen) if stored.clicks else (),
        stored.revoked,
        stored.activity,
        stored.past_days,
        stored.sightings,
        stored.bot_days,
        minutes,
    )


def _days(seen: Mapping[int, bytes], minutes: Mapping[int, bytes], first_day: int) -> Sequence[Day]:
    days = [(day - first_day, digests, minutes.get(day, b"")) for day, digests in seen.items()]
    if len(minutes) > len(seen) or not all(map(seen.__contains__, minutes)):
        days += [(d - first_day, b"", counts) for d, counts in minutes.items() if d not in seen]
    return days


def _by_source(marks: Sequence[Mark], first_seen: int) -> Mapping[str, Sequence[int]]:
    if len(marks) == 1:
        ((time, source),) = marks
        return {source: (time - first_seen,)}
    grouped: dict[str, list[int]] = {}
    for time, source in marks:
        grouped.setdefault(source, []).append(time - first_seen)
    return grouped


def _marks(grouped: Mapping[str, Sequence[int]], first_seen: int) -> tuple[Mark, ...]:
    marks = [(first_seen + time, source) for source, mine in grouped.items() for time in mine]
    if len(grouped) > 1:
        marks.sort()
    return tuple(marks)


def _by_user(logins: Sequence[Login], first_seen: int) -> Mapping[str, Sequence[int]]:
    grouped: dict[str, list[int]] = {}
    mine, before = [], None
    for user, first, last in logins:
        if user != before:
            mine, before = grouped.setdefault(user, []), user
        mine.append(first - first_seen)
        mine.append(last - first)
    return grouped


def _logins(grouped: Mapping[str, Sequence[int]], first_seen: int) -> tuple[Login, ...]:
    """In the order in which marks are kept (`schemas.identity`): by first moment, then user."""
    logins = []
    for user, mine in grouped.items():
        for at in range(0, len(mine), 2):
            first = first_seen + mine[at]
            logins.append((user, first, first + mine[at + 1]))
    if len(grouped) > 1:
        logins.sort(key=_by_time)
    return tuple(logins)


def _by_time(login: Login) -> tuple[int, str]:
    return login[1], login[0]


def _cuts(starts: Sequence[int], runs: Sequence[tuple[int, int]], first_seen: int) -> Sequence[int]:
    begun = {first for first, _ in runs}
    return [start - first_seen for start in starts if start not in begun]
