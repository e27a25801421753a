"""What a device contributes to each person behind it: the content of its registers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from schemas import activity
from schemas.device_state import DeviceState
from schemas.identity import Segment, segments_of
from schemas.ids import is_pseudonym, person_of_user
from schemas.messages import Register
from schemas.profiles import Profiles
from schemas.purchases import Purchases
from streams.bots import without_bot_days
from streams.device import visit_days
from streams.evidence import between
from streams.funnels import Funnels

_ROUND_MS = 300_000  # `last_seen` alone sends a register at most every five minutes


def changed_registers(
    device_id: str,
    before: DeviceState | None,
    after: DeviceState | None,
    funnels: Funnels,
    version: int,
    record_time: int,
) -> Iterator[Register]:
    """What the device has to tell anew, to every person for whom it changed."""
    if _tells_all_anew(device_id, before, after):
        yield from _registers(device_id, after, funnels, version, record_time).values()
        return
    earlier = _registers(device_id, before, funnels, version, record_time)
    now = _registers(device_id, after, funnels, version, record_time)
    for person, register in now.items():
        if register != earlier.get(person):
            yield register
    for person in earlier:
        if person not in now:
            yield Register(
                person_id=person,
                device_id=device_id,
                version=version,
                record_time=record_time,
                gone=True,
            )


def _tells_all_anew(device_id: str, before: DeviceState | None, after: DeviceState | None) -> bool:
    """Whether each register is certainly another, of the same persons: nearly always."""
    if before is None:
        return True
    if after is None or before.evidence == after.evidence:
        return False
    owner = _only_owner(device_id, after)
    return owner is not None and owner == _only_owner(device_id, before)


def _only_owner(device_id: str, state: DeviceState) -> Segment | None:
    """Whose all is that the state says; None where it says something to several, or to nobody."""
    if state.bot_days or state.profiles or not state.seen:
        return None
    segments = segments_of(device_id, state)
    return segments[0] if len(segments) == 1 else None


def _registers(
    device_id: str,
    state: DeviceState | None,
    funnels: Funnels,
    version: int,
    record_time: int,
) -> dict[str, Register]:
    """Person id -> what the device contributes, as a function of the device's state."""
    if state is None or not state.seen:
        return {}
    counted = not is_pseudonym(device_id)
    if not counted and not funnels.any_per_session:
        return {}
    left = without_bot_days(state) if state.bot_days else state
    result: dict[str, Register] = {}
    if left is not None:
        segments = segments_of(device_id, state)
        if len(segments) == 1 and (counted or left is state):
            told = [_whole(device_id, segments[0], left, counted)]
        else:
            told = _by_segment(device_id, segments, counted, left)
        result = {register.person_id: register for register in told}
    for user, profiles in state.profiles.items():
        # what was said of a user is that user's, wherever the device's timeline leads
        result.setdefault(person_of_user(user), _only_told(device_id, user, profiles))
    layout = funnels.layouts.get(state.layout) if state.evidence else ()
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
    return max(first_seen, last_seen - last_seen % _ROUND_MS)


def _whole(device_id: str, segment: Segment, state: DeviceState, counted: bool) -> Register:
    """Of a device that has only one owner, which is nearly every device."""
    register = Register(
        person_id=segment.person(device_id),
        device_id=device_id,
        version=0,
        record_time=0,
        counted=counted,
        user_id=segment.user_id,
        first_seen=state.first_seen,
        last_seen=_rounded(state.last_seen, state.first_seen),
        sessions=state.past_sessions + len(state.starts),
    )
    if state.evidence:
        register.starts, register.evidence = state.starts, state.evidence
    if counted:
        register.orders, register.purchases = _count(state.orders), state.orders
        register.activity = state.activity
        register.days = visit_days(state.starts, state.past_days)
    if state.profiles:
        register.profiles = state.profiles.get(segment.user_id, {})
    return register


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
