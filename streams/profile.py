"""What a device contributes to each person behind it: the content of its registers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from schemas import activity
from schemas.device_state import DeviceState
from schemas.evidence import Layout
from schemas.identity import Segment, segments_of
from schemas.ids import is_pseudonym, person_of_user
from schemas.messages import Register
from schemas.profiles import Profiles
from schemas.purchases import Purchases
from streams.bots import without_bot_days
from streams.device import visit_days
from streams.evidence import between
from streams.funnels import Funnels
from streams.known_layouts import KnownLayouts

_ROUND_MS = 300_000  # `last_seen` alone sends a register at most every five minutes


_Registers = dict[str, Register]
"""By person."""


def changed_registers(
    device_id: str,
    before: DeviceState | None,
    after: DeviceState | None,
    funnels: Funnels,
    version: int,
    record_time: int,
) -> list[Register]:
    """What the device has to tell anew, to every person for whom it changed."""
    counted = not is_pseudonym(device_id)
    if not counted and not funnels.any_per_session:
        return []
    owner = _who_surely_hears(device_id, before, after)
    if owner is not None and after is not None:
        layout = funnels.layouts.get(after.layout) if after.evidence else ()
        return [_whole(device_id, owner, after, layout, version, record_time, counted=counted)]
    layouts = funnels.layouts
    now = _registers(device_id, after, layouts, version, record_time, counted=counted)
    earlier = _registers(device_id, before, layouts, version, record_time, counted=counted)
    return [*_news(earlier, now), *_gone(earlier, now)]


def _news(earlier: _Registers, now: _Registers) -> list[Register]:
    return [told for person, told in now.items() if told != earlier.get(person)]


def _gone(earlier: _Registers, now: _Registers) -> list[Register]:
    return [
        Register(
            person_id=person,
            device_id=told.device_id,
            version=told.version,
            record_time=told.record_time,
            gone=True,
        )
        for person, told in earlier.items()
        if person not in now
    ]


def _who_surely_hears(
    device_id: str, before: DeviceState | None, after: DeviceState | None
) -> Segment | None:
    """Whose all is that the device says, where that is certainly something else than before: as
    nearly always. None where it takes a comparison to tell.
    """
    if after is None or after.bot_days or after.profiles or not after.seen:
        return None
    segments = segments_of(device_id, after)
    if len(segments) > 1:
        return None
    if before is None:
        return segments[0]
    if before.evidence == after.evidence or before.bot_days or before.profiles or not before.seen:
        return None
    same_marks = before.logins is after.logins and before.clicks is after.clicks
    if same_marks and before.revoked is after.revoked:
        return segments[0]
    return segments[0] if segments_of(device_id, before) == segments else None


def _registers(
    device_id: str,
    state: DeviceState | None,
    layouts: KnownLayouts,
    version: int,
    record_time: int,
    *,
    counted: bool,
) -> _Registers:
    """What the device contributes, as a function of the device's state."""
    if state is None or not state.seen:
        return {}
    result: _Registers = {}
    left = without_bot_days(state) if state.bot_days else state
    if left is not None:
        segments = segments_of(device_id, state)
        if len(segments) == 1 and (counted or left is state):
            told = [_whole(device_id, segments[0], left, (), 0, 0, counted=counted)]
        else:
            told = _by_segment(device_id, segments, counted, left)
        result = {register.person_id: register for register in told}
    for user, profiles in state.profiles.items():
        # what was said of a user is that user's, wherever the device's timeline leads
        result.setdefault(person_of_user(user), _only_told(device_id, user, profiles))
    layout = layouts.get(state.layout) if state.evidence else ()
    for register in result.values():
        register.version, register.record_time = version, record_time
        if register.evidence:
            register.layout = layout
    return result


def _by_segment(
    device_id: str, segments: Sequence[Segment], counted: bool, state: DeviceState
) -> list[Register]:
    spans: dict[str, list[_Span]] = {}
    for span in _spans(segments, state):
        if span.since <= span.until:
            spans.setdefault(span.segment.person(device_id), []).append(span)
    return [_of_spans(person, device_id, mine, counted, state) for person, mine in spans.items()]


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
    rounded = last_seen - last_seen % _ROUND_MS
    return rounded if rounded > first_seen else first_seen


def _whole(
    device_id: str,
    segment: Segment,
    state: DeviceState,
    layout: Layout,
    version: int,
    record_time: int,
    *,
    counted: bool,
) -> Register:
    """Of a device that has only one owner, which is nearly every device."""
    evidence = state.evidence
    return Register(
        person_id=segment.person(device_id),
        device_id=device_id,
        version=version,
        record_time=record_time,
        counted=counted,
        user_id=segment.user_id,
        first_seen=state.first_seen,
        last_seen=_rounded(state.last_seen, state.first_seen),
        sessions=state.past_sessions + len(state.starts),
        orders=_count(state.orders) if state.orders else 0,
        profiles=state.profiles.get(segment.user_id, {}) if state.profiles else {},
        layout=layout,
        starts=state.starts if evidence else (),
        evidence=evidence,
        purchases=state.orders,
        activity=state.activity,
        days=visit_days(state.starts, state.past_days) if counted else (),
    )


def _count(purchases: Purchases) -> int:
    """Different orders that were completed."""
    return len({each.order for each in purchases if each.amount >= 0}) if purchases else 0


def _of_spans(
    person_id: str, device_id: str, spans: Sequence[_Span], counted: bool, state: DeviceState
) -> Register:
    """For a person who has the device in these spans, in order."""
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
    return Register(
        person_id=person_id,
        device_id=device_id,
        version=0,
        record_time=0,
        user_id=first.segment.user_id,
        counted=counted,
        first_seen=first.since,
        last_seen=max(_rounded(span.until, span.since) for span in spans),
        sessions=past + len(starts),
        orders=_count(purchases),
        profiles=state.profiles.get(first.segment.user_id, {}),
        starts=starts if evidence else (),
        evidence=evidence,
        purchases=purchases,
        activity=activity.within(state.activity, times) if state.activity else {},
        days=visit_days(starts, past_days) if counted else (),
    )


def _only_told(device_id: str, user_id: str, profiles: Profiles) -> Register:
    """For a user of whom the device only tells profiles."""
    times = [fact.time for profile in profiles.values() for fact in profile.values()]
    return Register(
        person_id=person_of_user(user_id),
        device_id=device_id,
        version=0,
        record_time=0,
        user_id=user_id,
        counted=False,
        first_seen=min(times),
        last_seen=max(times),
        profiles=profiles,
    )
