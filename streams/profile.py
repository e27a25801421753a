"""What a device contributes to each person behind it: the content of its registers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from schemas import activity
from schemas.activity import Activity
from schemas.event import is_pseudonym, person_of_user
from schemas.evidence import EMPTY, Layout
from schemas.identity import Segment, segments_of
from schemas.profiles import Profiles
from schemas.purchases import Purchases
from schemas.redis_keys import DeviceState
from streams.bots import without_bot_days
from streams.device import visit_days
from streams.evidence import between
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
    profiles: Profiles
    layout: Layout
    starts: tuple[int, ...]
    evidence: bytes
    purchases: Purchases = ()
    activity: Activity = {}
    days: tuple[int, ...] = ()


def shares(device_id: str, state: DeviceState | None, funnels: Funnels) -> dict[str, Share]:
    """Person id -> what the device contributes, as a function of the device's state."""
    if state is None or not state.seen:
        return {}
    counted = not is_pseudonym(device_id)
    if not counted and not funnels.any_per_session:
        return {}
    segments = segments_of(device_id, state)
    left = without_bot_days(state)
    if left is None:
        result = {}
    elif counted and len(segments) == 1:
        result = {segments[0].person(device_id): _whole(segments[0], left)}
    else:
        result = _by_segment(device_id, segments, counted, left)
    for user, profiles in state.profiles.items():
        # what was said of a user is that user's, wherever the device's timeline leads
        result.setdefault(person_of_user(user), _only_told(user, profiles))
    return result


def _by_segment(
    device_id: str, segments: Sequence[Segment], counted: bool, state: DeviceState
) -> dict[str, Share]:
    spans: dict[str, list[_Span]] = {}
    for span in _spans(segments, state):
        if span.since <= span.until:
            spans.setdefault(span.segment.person(device_id), []).append(span)
    return {person: _share(mine, counted, state) for person, mine in spans.items()}


class _Span(NamedTuple):
    """Between which times (ms, inclusive) the device was seen in a segment."""

    segment: Segment
    since: int
    until: int


def _spans(segments: Sequence[Segment], state: DeviceState) -> list[_Span]:
    spans = []
    for index, segment in enumerate(segments):
        following = segments[index + 1].since - 1 if index + 1 < len(segments) else state.last_seen
        since = max(segment.since, state.first_seen)
        spans.append(_Span(segment, since, min(following, state.last_seen)))
    return spans


def _rounded(last_seen: int, first_seen: int) -> int:
    return max(first_seen, last_seen - last_seen % _ROUND_MS)


def _whole(segment: Segment, state: DeviceState) -> Share:
    """The share of a device that has only one owner, which is nearly every device."""
    return Share(
        segment.user_id,
        True,
        state.first_seen,
        _rounded(state.last_seen, state.first_seen),
        state.past_sessions + len(state.starts),
        _count(state.orders),
        state.profiles.get(segment.user_id, {}),
        state.layout if state.evidence else (),
        state.starts if state.evidence else (),
        state.evidence,
        state.orders,
        state.activity,
        visit_days(state.starts, state.past_days),
    )


def _count(purchases: Purchases) -> int:
    """Different orders that were completed."""
    return len({each.order for each in purchases if each.amount >= 0}) if purchases else 0


def _share(spans: Sequence[_Span], counted: bool, state: DeviceState) -> Share:
    """The share of a person who has the device in these spans, in order."""
    first = spans[0]

    def within(time_ms: int) -> bool:
        return any(span.since <= time_ms <= span.until for span in spans)

    starts = tuple(start for start in state.starts if within(start))
    times = [(span.since, span.until) for span in spans]
    evidence = between(state.evidence, times)
    purchases = tuple(each for each in state.orders if within(each.time)) if counted else ()
    past: int = 0
    past_days: tuple[int, ...] = ()
    if first.since == state.first_seen:
        past, past_days = state.past_sessions, state.past_days
    return Share(
        user_id=first.segment.user_id,
        counted=counted,
        first_seen=first.since,
        last_seen=max(_rounded(span.until, span.since) for span in spans),
        sessions=past + len(starts),
        orders=_count(purchases),
        profiles=state.profiles.get(first.segment.user_id, {}),
        layout=state.layout if evidence else (),
        starts=starts if evidence else (),
        evidence=evidence,
        purchases=purchases,
        activity=activity.within(state.activity, times) if state.activity else {},
        days=visit_days(starts, past_days) if counted else (),
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
        profiles=profiles,
        layout=(),
        starts=(),
        evidence=EMPTY,
    )
