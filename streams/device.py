"""One device's state, folded event by event: (state, event) -> (state, what follows).

Pure: no clock, no I/O, no other device. What an event emits depends on the state before it and
on the event, so a repeated emission is the same emission (design.md section 3a).
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b

import msgspec

from schemas.bot_days import counted_starts
from schemas.device_state import DeviceState
from schemas.event import Event
from schemas.evidence import Evidence
from schemas.identity import Revoked, Segment, differs_until, is_void, segment_at, segments_of
from schemas.ids import is_identifier, is_pseudonym, person_of_user, session_of
from schemas.messages import Correction
from schemas.profiles import MAX_USERS, Profile, join, smallest
from schemas.redis_keys import LIVE_HORIZON_MS
from schemas.sessions import add_event, add_newest, session_start_of, session_starts
from streams import evidence
from streams.copied import copied
from streams.corrections import person_corrections, session_corrections, void_corrections
from streams.known_layouts import KnownLayouts
from streams.said import NOTHING, Said, note_said
from streams.sessions import HORIZON_MS, MAX_OLD_RUNS

DAY_MS = 86_400_000
MAX_DIGESTS = 4096
DIGEST_BYTES = 6
SEEN_BYTES = 5
"""So many of a digest are kept to tell a repeated event."""

MAX_DAYS = 64
_MAX_SEEN = SEEN_BYTES * MAX_DIGESTS


class Step(msgspec.Struct, frozen=True, gc=False):
    """What one event did to its device, and where the event belongs, as known when it came."""

    state: DeviceState
    person_id: str | None
    session_id: str
    corrections: Sequence[Correction]


def digest(text: str) -> bytes:
    """Six bytes that stand for an id within one device (decision 0015)."""
    return blake2b(text.encode(), digest_size=DIGEST_BYTES).digest()


def is_repeated(state: DeviceState | None, mark: bytes) -> bool:
    """Whether this device has sent the event of that digest before, within the live horizon."""
    if state is not None:
        kept = mark[:SEEN_BYTES]
        for digests in state.seen.values():
            at = digests.find(kept)
            while at >= 0:
                if at % SEEN_BYTES == 0:
                    return True
                at = digests.find(kept, at + 1)  # what it was found in is two others
    return False


def is_closed(state: DeviceState | None, time_ms: int) -> bool:
    """Whether the device's sessions of that time are counted and gone: nothing can join them."""
    return (
        state is not None
        and state.past_sessions > 0
        and bool(state.runs)
        and time_ms < state.runs[0][0]
        and time_ms <= state.last_seen - HORIZON_MS
    )


def follow(
    state: DeviceState | None,
    event: Event,
    mark: bytes,
    source: str,
    late: bool,
    gap_ms: int,
    version: int,
    said: Said,
) -> Step:
    """Sessionize the event, resolve its person, and say what that changed about earlier ones.

    `mark`: digest of the event's id. `source`: the external source the event names, '' for none.
    A late event joins a session that is there or is one of its own; it extends none.
    """
    device, time = event.device_id, event.event_time
    before = state or DeviceState(first_seen=time, last_seen=time)
    if not before.seen:  # a node of which there were only claims
        before = msgspec.structs.replace(before, first_seen=time, last_seen=time)
    after = _seen_at(before, time)
    after.seen = _remember(before.seen, mark[:SEEN_BYTES], time // DAY_MS)
    segments = segments_before = segments_of(device, before)
    same_owners = True
    if said is not NOTHING and note_said(after, said, time):
        segments = segments_of(device, after)
        same_owners = segments == segments_before
    corrections: Sequence[Correction] = ()
    may_move = True  # earlier events, into another session
    if late or not (same_owners or len(segments) == len(segments_before) == 1):
        start = _anywhere(after, segments, time, source, late, gap_ms)
    elif _is_newest(before, segments, time):
        after.runs, after.marks, starts = add_newest(
            before.runs, before.marks, before.starts, time, source, gap_ms
        )
        if starts is not before.starts:
            after.starts = starts
        start = starts[-1]
        may_move = time <= before.last_seen
    elif not source and before.runs[-1][0] <= time <= before.runs[-1][1]:
        start = session_start_of(before.starts, time)
    else:
        start = _anywhere(after, segments, time, source, late, gap_ms)
    if state is not None and may_move and after.starts is not before.starts:
        corrections = session_corrections(device, before, after, version)
    if not same_owners or after.revoked is not before.revoked:
        old = before if state is not None else None
        owners = _owner_corrections(device, old, after, segments_before, segments, version)
        corrections = [*corrections, *owners]
    if len(after.runs) > MAX_OLD_RUNS:
        _close_old_runs(after, segments)
    person = _person_of(event, segments, after.revoked)
    return Step(after, person, session_of(device, start), corrections)


def _owner_corrections(
    device: str,
    before: DeviceState | None,
    after: DeviceState,
    segments_before: Sequence[Segment],
    segments: Sequence[Segment],
    version: int,
) -> list[Correction]:
    """Of events whose owner is another now, and of logins that are taken back."""
    revoked = before.revoked if before is not None else ()
    taken_back = after.revoked != revoked
    found = []
    if before is not None and (
        taken_back or differs_until(segments_before, segments, before.last_seen)
    ):
        newest = before.last_seen
        found += person_corrections(device, segments_before, segments, newest, version)
    if taken_back:
        found += void_corrections(device, revoked, after.revoked, version)
    return found


def add_evidence(
    state: DeviceState, entry: Evidence | None, layouts: KnownLayouts, newest: bool, horizon: int
) -> None:
    """Puts what an event means for funnels into `state`; evidence before `horizon` goes.

    `newest`: the event is later than all that the device has sent before.
    """
    if state.layout != layouts.own_id:
        if kept := evidence.since(state.evidence, horizon):
            kept = evidence.moved(kept, layouts.fingerprints(state.layout), layouts.own)
        state.evidence, state.layout = kept, layouts.own_id
    if state.first_seen < horizon and state.evidence:
        state.evidence = evidence.since(state.evidence, horizon)
    if entry is not None and entry.time >= horizon:
        state.evidence = evidence.with_entry(state.evidence, entry, newest)


def with_profile(state: DeviceState, user_id: str, profile_id: str, profile: Profile) -> bool:
    """Adds what was said of a user's profile; whether all of it is within the limits."""
    if not profile:
        return True
    known = state.profiles.get(user_id, {})
    joined = join(known, {profile_id: profile})
    if joined is not known:
        state.profiles = smallest({**state.profiles, user_id: joined}, MAX_USERS)
    kept = state.profiles.get(user_id, {}).get(profile_id, {})
    return profile.keys() <= kept.keys()


def _person_of(event: Event, segments: Sequence[Segment], revoked: Revoked) -> str | None:
    device, user = event.device_id, event.user_id
    if is_pseudonym(device):
        return None
    names = user and event.type != "alias" and is_identifier(user)
    if names and not is_void(revoked, user, event.event_time):
        return person_of_user(user)
    segment = segments[0] if len(segments) == 1 else segment_at(segments, event.event_time)
    return segment.person(device)


def _seen_at(before: DeviceState, time: int) -> DeviceState:
    """A copy, seen at that time too."""
    after = copied(before)
    if time < before.first_seen:
        after.first_seen = time
    if time > before.last_seen:
        after.last_seen = time
    return after


def _remember(seen: dict[int, bytes], mark: bytes, day: int) -> dict[int, bytes]:
    """The digests of the last three days the device was seen on, with one more."""
    held = seen.get(day, b"")
    if held and len(seen) == 1 and len(held) < _MAX_SEEN:
        return {day: held + mark}
    newest = max(seen) if seen else day
    if day < newest - 2:
        return seen
    kept = _since(day - 2, seen) if day > newest else seen
    if sum(map(len, kept.values())) >= _MAX_SEEN:
        return kept
    return {**kept, day: held + mark}


def _since(day: int, seen: dict[int, bytes]) -> dict[int, bytes]:
    return {each: digests for each, digests in seen.items() if each >= day}


def _start_for(time: int, starts: Sequence[int], runs: Sequence[tuple[int, int]]) -> int:
    """The start of the session an event is in; its own time where no run covers it."""
    covered = any(first <= time <= last for first, last in runs)
    return session_start_of(starts, time) if covered else time


def _close_old_runs(state: DeviceState, segments: Sequence[Segment]) -> None:
    """Count and let go the runs that ended before the horizon, but for the newest of them."""
    edge = state.last_seen - HORIZON_MS
    closing = sum(1 for run in state.runs if run[1] < edge) - MAX_OLD_RUNS
    if closing <= 0:
        return
    last = state.runs[closing - 1][1]
    closed = [start for start in counted_starts(state) if start <= last]
    state.past_sessions += len(closed)
    state.past_days = visit_days(closed, state.past_days)
    state.runs = state.runs[closing:]
    state.marks = tuple(mark for mark in state.marks if mark[0] > last)
    state.starts = starts_of(state, segments)


def visit_days(starts: Sequence[int], earlier: Sequence[int] = ()) -> tuple[int, ...]:
    """The UTC days (since 1970) on which sessions began, the newest MAX_DAYS of them, sorted."""
    if starts and not earlier:
        day = starts[0] // DAY_MS
        if starts[-1] < (day + 1) * DAY_MS:
            return (day,)
    return tuple(sorted({*earlier, *(start // DAY_MS for start in starts)})[-MAX_DAYS:])


def starts_of(state: DeviceState, segments: Sequence[Segment]) -> tuple[int, ...]:
    """The device's session starts (ms) inside the horizon."""
    return tuple(session_starts(state.runs, state.marks, [s.since for s in segments[1:]]))


def _is_newest(state: DeviceState, segments: Sequence[Segment], time: int) -> bool:
    """Whether an event is later than all runs, and no owner begins after them."""
    return not state.runs or (
        time > state.runs[-1][1] and (len(segments) == 1 or segments[-1].since <= state.runs[-1][1])
    )


def _anywhere(
    state: DeviceState,
    segments: Sequence[Segment],
    time: int,
    source: str,
    late: bool,
    gap_ms: int,
) -> int:
    """Puts an event where it belongs among others; the start of its session."""
    if not late:
        state.runs, state.marks = add_event(state.runs, state.marks, time, source, gap_ms)
    state.starts = starts_of(state, segments)
    return _start_for(time, state.starts, state.runs)


def live_horizon(record_time: int) -> int:
    """What is older than this (ms) touches no live counter."""
    return record_time - LIVE_HORIZON_MS
