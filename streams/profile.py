"""What a device contributes to each person behind it: the content of its registers."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from schemas.sessions import session_start_of, session_starts

from schemas.event import Hit, is_pseudonym
from schemas.redis_keys import DeviceState
from streams.funnels import Funnels
from streams.identity import Segment, segments_of

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


def shares(device_id: str, state: DeviceState | None, funnels: Funnels) -> dict[str, Share]:
    """Person id -> what the device contributes, as a function of the device's state."""
    if state is None:
        return {}
    counted = not is_pseudonym(device_id)
    if not counted and not funnels.any_per_session:
        return {}
    segments = segments_of(device_id, state.logins)
    starts = starts_of(state, segments)
    visible = [s for s in _spans(segments, state) if s[1] <= s[2]]
    result: dict[str, Share] = {}
    for segment, since, until in visible:
        person = segment.person(device_id)
        share = _share(segment, since, until, counted, state, starts, funnels, len(visible) == 1)
        earlier = result.get(person)
        result[person] = share if earlier is None else _both(earlier, share)
    return result


def starts_of(state: DeviceState, segments: Sequence[Segment]) -> list[int]:
    """The device's session starts (ms) inside the horizon."""
    return session_starts(state.runs, state.marks, [s.since for s in segments[1:]])


def _spans(segments: Sequence[Segment], state: DeviceState) -> list[tuple[Segment, int, int]]:
    """Each segment with the times (ms, inclusive) between which the device was seen in it."""
    spans = []
    for index, segment in enumerate(segments):
        following = segments[index + 1].since - 1 if index + 1 < len(segments) else state.last_seen
        since = max(segment.since, state.first_seen)
        spans.append((segment, since, min(following, state.last_seen)))
    return spans


def _share(
    segment: Segment,
    since: int,
    until: int,
    counted: bool,
    state: DeviceState,
    starts: Sequence[int],
    funnels: Funnels,
    alone: bool,
) -> Share:
    def within(time_ms: int) -> bool:
        return alone or since <= time_ms <= until

    hits: dict[str, tuple[Hit, ...]] = {}
    for key, evidence in state.hits.items():
        per_session = funnels.per_session(key)
        if not (counted or per_session):
            continue
        mine = tuple(hit for hit in evidence if within(hit.time))
        if per_session:
            mine = tuple(
                Hit(h.time, h.steps, h.values, session_start_of(starts, h.time)) for h in mine
            )
        if mine:
            hits[key] = mine
    past = state.past_sessions if since == state.first_seen else 0
    return Share(
        user_id=segment.user_id,
        counted=counted,
        first_seen=since,
        last_seen=until - until % _ROUND_MS,
        sessions=past + sum(1 for start in starts if within(start)),
        orders=len({digest for time_ms, digest in state.orders if within(time_ms)}),
        hits=hits,
    )


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
    )
