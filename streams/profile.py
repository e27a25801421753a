"""What a device contributes to each person behind it: the content of its registers."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from schemas.event import Hit, is_pseudonym, person_of_user
from schemas.identity import Segment, segments_of
from schemas.profiles import Profiles
from schemas.redis_keys import DeviceState
from streams.funnels import Funnels

_ROUND_MS = 300_000  # `last_seen` alone sends a register at most every five minutes


class Share(msgspec.Struct, frozen=True):
    """One device's contribution to one person; see `schemas.event.Register`."""

    user_id: str
    counted: bool
    first_seen: int
    last_seen: int
    sessions: int
    orders: int
    hits: dict[str, tuple[Hit, ...]]
    profiles: Profiles = {}


def shares(device_id: str, state: DeviceState | None, funnels: Funnels) -> dict[str, Share]:
    """Person id -> what the device contributes, as a function of the device's state."""
    if state is None:
        return {}
    counted = not is_pseudonym(device_id)
    if not counted and not funnels.any_per_session:
        return {}
    segments = segments_of(device_id, state.logins)
    if counted and len(segments) == 1:
        result = {segments[0].person(device_id): _whole(segments[0], state, funnels)}
    else:
        result = _by_segment(device_id, segments, counted, state, funnels)
    for user, profiles in state.profiles.items():
        # what was said of a user is that user's, wherever the device's timeline leads
        result.setdefault(person_of_user(user), _only_told(user, profiles))
    return result


def _by_segment(
    device_id: str,
    segments: Sequence[Segment],
    counted: bool,
    state: DeviceState,
    funnels: Funnels,
) -> dict[str, Share]:
    visible = [s for s in _spans(segments, state) if s[1] <= s[2]]
    result: dict[str, Share] = {}
    for segment, since, until in visible:
        person = segment.person(device_id)
        share = _share(segment, since, until, counted, state, funnels)
        earlier = result.get(person)
        result[person] = share if earlier is None else _both(earlier, share)
    return result


def _spans(segments: Sequence[Segment], state: DeviceState) -> list[tuple[Segment, int, int]]:
    """Each segment with the times (ms, inclusive) between which the device was seen in it."""
    spans = []
    for index, segment in enumerate(segments):
        following = segments[index + 1].since - 1 if index + 1 < len(segments) else state.last_seen
        since = max(segment.since, state.first_seen)
        spans.append((segment, since, min(following, state.last_seen)))
    return spans


def _rounded(last_seen: int, first_seen: int) -> int:
    return max(first_seen, last_seen - last_seen % _ROUND_MS)


def _whole(segment: Segment, state: DeviceState, funnels: Funnels) -> Share:
    """The share of a device that has only one owner, which is nearly every device."""
    return Share(
        user_id=segment.user_id,
        counted=True,
        first_seen=state.first_seen,
        last_seen=_rounded(state.last_seen, state.first_seen),
        sessions=state.past_sessions + len(state.starts),
        orders=len(state.orders),
        hits=_in_sessions(state, funnels) if funnels.any_per_session else state.hits,
        profiles=state.profiles.get(segment.user_id, {}),
    )


def _share(
    segment: Segment,
    since: int,
    until: int,
    counted: bool,
    state: DeviceState,
    funnels: Funnels,
) -> Share:
    def within(time_ms: int) -> bool:
        return since <= time_ms <= until

    hits: dict[str, tuple[Hit, ...]] = {}
    for key, evidence in _in_sessions(state, funnels).items():
        mine = tuple(hit for hit in evidence if within(hit.time))
        if mine and (counted or funnels.per_session(key)):
            hits[key] = mine
    past = state.past_sessions if since == state.first_seen else 0
    return Share(
        user_id=segment.user_id,
        counted=counted,
        first_seen=since,
        last_seen=_rounded(until, since),
        sessions=past + sum(1 for start in state.starts if within(start)),
        orders=sum(1 for time_ms, _ in state.orders if within(time_ms)),
        hits=hits,
        profiles=state.profiles.get(segment.user_id, {}),
    )


def _in_sessions(state: DeviceState, funnels: Funnels) -> dict[str, tuple[Hit, ...]]:
    """All evidence; that of funnels per session names the session it is in."""
    spans = _session_spans(state)
    return {
        key: _placed(hits, spans) if funnels.per_session(key) else hits
        for key, hits in state.hits.items()
    }


def _session_spans(state: DeviceState) -> list[tuple[int, int]]:
    """[start, last moment at which an event is in it] of each session, in order."""
    spans: list[tuple[int, int]] = []
    at = 0
    for index, start in enumerate(state.starts):
        while start > state.runs[at][1]:
            at += 1
        following = state.starts[index + 1 : index + 2]
        last = state.runs[at][1]
        spans.append((start, min(last, following[0] - 1) if following else last))
    return spans


def _placed(hits: Sequence[Hit], spans: Sequence[tuple[int, int]]) -> tuple[Hit, ...]:
    """Sorted hits with their sessions; one outside all spans is a session of its own."""
    placed = []
    at = -1
    for hit in hits:
        while at + 1 < len(spans) and spans[at + 1][0] <= hit.time:
            at += 1
        inside = at >= 0 and hit.time <= spans[at][1]
        session = spans[at][0] if inside else hit.time
        placed.append(Hit(hit.time, hit.steps, hit.values, session))
    return tuple(placed)


def _both(one: Share, other: Share) -> Share:
    """A person who has two segments of the same device."""
    hits = {
        key: tuple(sorted({*one.hits.get(key, ()), *other.hits.get(key, ())}))
        for key in one.hits.keys() | other.hits.keys()
    }
    return Share(
        user_id=one.user_id,
        counted=one.counted,
        first_seen=min(one.first_seen, other.first_seen),
        last_seen=max(one.last_seen, other.last_seen),
        sessions=one.sessions + other.sessions,
        orders=one.orders + other.orders,
        hits=hits,
        profiles=one.profiles,
    )


def _only_told(user_id: str, profiles: Profiles) -> Share:
    """The share of a user of whom the device only tells profiles."""
    times = [fact.time for profile in profiles.values() for fact in profile.values()]
    return Share(
        user_id=user_id,
        counted=False,
        first_seen=min(times),
        last_seen=max(times),
        sessions=0,
        orders=0,
        hits={},
        profiles=profiles,
    )
