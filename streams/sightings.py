"""Where a device was seen: what its state keeps, and what it tells the pseudonyms of log lines.

A sighting is (pseudonym that a log line of the hit would carry, time). Of one pseudonym those in
steps at most WINDOW_MS apart are one span: of the first its time is kept, of the last its step.
A span is 24 bytes: the pseudonym's 16, the first's time (6, ms), and how many steps later the last
is (2). Spans are sorted by their end, so that the usual event, the newest, finds its own at the
end, and changes it every STEP_MS. The newest are kept; what was told of older ones stays told.

A pseudonym's own state keeps in the same place, under itself, when it had log lines.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from schemas.bot_days import BotDays, reason_at
from schemas.device_state import DeviceState
from schemas.event import Event
from schemas.identity import Segment, segments_of
from schemas.ids import PSEUDONYM_PREFIX, RESERVED_PREFIXES, is_pseudonym
from schemas.sightings import STEP_MS, WINDOW_MS, Logged, Sighting, SightingLine

MAX_SPANS = 48

_SPAN = 24
_APART = WINDOW_MS // STEP_MS
_NEAR_MS = 25 * 3_600_000  # whose the device is this far from its spans: all of their day

Span = tuple[bytes, int, int]  # pseudonym, first ms, step of the last (since 1970)


def with_sighting(held: bytes, event: Event) -> bytes:
    """`held` with what this event says; the same object where it says nothing new."""
    keys = event.address_keys
    if not keys:
        if event.protocol != "log" or not is_pseudonym(event.device_id):
            return held
        keys = [event.device_id]
    elif not held and event.device_id.startswith(RESERVED_PREFIXES):
        return held
    at = event.seen_at
    step = at // STEP_MS
    for name in keys:
        try:
            key = bytes.fromhex(name[len(PSEUDONYM_PREFIX) :])
        except ValueError:
            continue
        if held[-_SPAN:-8] == key:
            first = int.from_bytes(held[-8:-2], "big")
            last = first // STEP_MS + (held[-2] << 8 | held[-1])
            if at >= first and last - _APART <= step <= last:
                continue
        if len(key) == 16:
            held = pack(_added(unpack(held), key, at))
    return held


def is_news(before: DeviceState | None, after: DeviceState) -> bool:
    """Whether `news` might find any: what it depends on is another object."""
    return bool(after.sightings) and (
        before is None
        or after.sightings is not before.sightings
        or _counts_otherwise(before, after)
    )


def _counts_otherwise(before: DeviceState, after: DeviceState) -> bool:
    """Whether the owners or what they own of it might be others now."""
    return (
        after.logins is not before.logins
        or after.clicks is not before.clicks
        or after.revoked is not before.revoked
        or after.bot_days is not before.bot_days
    )


def news(
    device: str, before: DeviceState | None, after: DeviceState, version: int, record_time: int
) -> list[SightingLine]:
    """What the pseudonyms that the device was seen under have to be told anew."""
    old, new = before.sightings if before is not None else b"", after.sightings
    if is_pseudonym(device):
        return [] if old == new else [Logged(pseudonym=device, spans=_logged(new))]
    tell = _told(device, unpack(new), segments_of(device, after), after.bot_days)
    told: Mapping[bytes, _Told] = {}
    if before is not None and _counts_otherwise(before, after):
        told = _told(device, unpack(old), segments_of(device, before), before.bot_days)
    elif before is not None and len(new) > _SPAN:  # an only one is what has changed
        changed = {span[0] for span in {*unpack(new)} - {*unpack(old)}}
        tell = {key: what for key, what in tell.items() if key in changed}
    return [
        Sighting(
            pseudonym=PSEUDONYM_PREFIX + key.hex(),
            device_id=device,
            version=version,
            record_time=record_time,
            spans=spans,
            owners=owners_then,
        )
        for key, (spans, owners_then) in tell.items()
        if told.get(key, _NOTHING) != (spans, owners_then)
    ]


def _added(spans: Iterable[Span], key: bytes, at: int) -> list[Span]:
    first, last = at, at // STEP_MS
    kept = []
    for span in spans:
        if span[0] == key and span[1] // STEP_MS - _APART <= at // STEP_MS <= span[2] + _APART:
            first, last = min(first, span[1]), max(last, span[2])
        else:
            kept.append(span)
    kept.append((key, first, last))
    return sorted(kept, key=lambda span: (span[2], span[0], span[1]))[-MAX_SPANS:]


def pack(spans: Iterable[Span]) -> bytes:
    """What `unpack` takes apart."""
    return b"".join(
        key + first.to_bytes(6, "big") + (last - first // STEP_MS).to_bytes(2, "big")
        for key, first, last in spans
    )


def unpack(held: bytes) -> Iterator[Span]:
    """The spans of a device."""
    for at in range(0, len(held), _SPAN):
        first = int.from_bytes(held[at + 16 : at + 22], "big")
        steps = int.from_bytes(held[at + 22 : at + 24], "big")
        yield held[at : at + 16], first, first // STEP_MS + steps


_Told = tuple[tuple[tuple[int, int], ...], tuple[tuple[int, str], ...]]
_NOTHING: _Told = ((), ())


def _told(
    device: str, held: Iterable[Span], segments: Sequence[Segment], bot_days: BotDays
) -> Mapping[bytes, _Told]:
    """Pseudonym -> (spans in ms, owners around them); nothing of days as a bot."""
    spans: dict[bytes, list[tuple[int, int]]] = {}
    for key, first, last in held:
        mine = spans.setdefault(key, [])
        if not (reason_at(bot_days, first) or reason_at(bot_days, last * STEP_MS)):
            mine.append((first, max(first, last * STEP_MS)))
    return {
        key: (tuple(sorted(mine)), _owners(device, segments, mine)) if mine else _NOTHING
        for key, mine in spans.items()
    }


def _logged(held: bytes) -> tuple[tuple[int, int], ...]:
    """The spans of a pseudonym's log lines, in ms, rounded outwards."""
    return tuple(
        (first // STEP_MS * STEP_MS, last * STEP_MS + STEP_MS - 1)
        for _, first, last in unpack(held)
    )


def _owners(
    device: str, segments: Sequence[Segment], spans: Sequence[tuple[int, int]]
) -> tuple[tuple[int, str], ...]:
    if len(segments) == 1:
        return ((0, segments[0].person(device)),)
    begin = min(first for first, _ in spans) - _NEAR_MS
    end = max(last for _, last in spans) + _NEAR_MS
    following = [segment.since for segment in segments[1:]] + [end + 1]
    near = [
        (segment.since, segment.person(device))
        for segment, until in zip(segments, following, strict=True)
        if until > begin and segment.since <= end
    ]
    return ((0, near[0][1]), *near[1:])
