"""Where a device was seen: what its state keeps, and what it tells the pseudonyms of log lines.

A sighting is (pseudonym that a log line of the hit would carry, time). Of one pseudonym those at
most WINDOW_MS apart are one span. A span is 26 bytes: the pseudonym's 16, when it began (6, ms)
and how long it lasts (4, ms); spans are sorted by their end, so that the usual event, the newest,
only moves the last four bytes. The newest spans are kept; what was told of older ones stays told.

A pseudonym's own state keeps in the same place, under itself, when it had log lines.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from schemas.bot_days import BotDays, reason_at
from schemas.event import PSEUDONYM_PREFIX, RESERVED_PREFIXES, Event, is_pseudonym
from schemas.identity import Segment, segments_of
from schemas.redis_keys import DeviceState
from schemas.sightings import STEP_MS, WINDOW_MS, Logged, Sighting, SightingLine

MAX_SPANS = 48
_SPAN = 26
_REACH_MS = 25 * 3_600_000  # whose the device is this far from its spans: all of their day

Span = tuple[bytes, int, int]  # pseudonym, first, last


def with_sighting(held: bytes, event: Event, *, logs_joined: bool) -> bytes:
    """`held` with what this event says; the same object where it says nothing new."""
    if not logs_joined:
        return held
    keys = event.address_keys
    if event.protocol == "log" and is_pseudonym(event.device_id):
        keys = [event.device_id]
    elif not keys or event.device_id.startswith(RESERVED_PREFIXES):
        return held
    at = event.seen_at
    for name in keys:
        if (key := _key(name)) is not None:
            held = _with(held, key, at)
    return held


def _with(held: bytes, key: bytes, at: int) -> bytes:
    if held[-_SPAN:-10] == key:
        first = int.from_bytes(held[-10:-4], "big")
        last = first + int.from_bytes(held[-4:], "big")
        if first <= at <= last:
            return held
        if last < at <= last + WINDOW_MS:
            return held[:-4] + (at - first).to_bytes(4, "big")
    return _pack(_added(list(unpack(held)), key, at))


def _added(spans: list[Span], key: bytes, at: int) -> list[Span]:
    first = last = at
    kept = []
    for span in spans:
        if span[0] == key and span[1] - WINDOW_MS <= at <= span[2] + WINDOW_MS:
            first, last = min(first, span[1]), max(last, span[2])
        else:
            kept.append(span)
    kept.append((key, first, last))
    return sorted(kept, key=lambda span: (span[2], span[0], span[1]))[-MAX_SPANS:]


def _pack(spans: Sequence[Span]) -> bytes:
    return b"".join(
        key + first.to_bytes(6, "big") + (last - first).to_bytes(4, "big")
        for key, first, last in spans
    )


def unpack(held: bytes) -> Iterator[Span]:
    """The spans of a device."""
    for at in range(0, len(held) - _SPAN + 1, _SPAN):
        first = int.from_bytes(held[at + 16 : at + 22], "big")
        length = int.from_bytes(held[at + 22 : at + 26], "big")
        yield held[at : at + 16], first, first + length


def news(
    device: str,
    before: DeviceState | None,
    after: DeviceState,
    version: int,
    record_time: int,
) -> list[SightingLine]:
    """What the pseudonyms that the device was seen under have to be told anew."""
    old, new = before.sightings if before is not None else b"", after.sightings
    same = old == new or _sounds_the_same(old, new)
    if is_pseudonym(device):
        return [] if same else [Logged(pseudonym=device, spans=_logged(new))]
    owners_after = segments_of(device, after)
    owners_before = segments_of(device, before) if before is not None else owners_after
    same_owners = owners_before is owners_after or owners_before == owners_after
    bots_before = before.bot_days if before is not None else {}
    if same and same_owners and bots_before == after.bot_days:
        return []
    told = _told(device, old, owners_before, bots_before)
    tell = _told(device, new, owners_after, after.bot_days)
    return [
        Sighting(
            pseudonym=PSEUDONYM_PREFIX + key.hex(),
            device_id=device,
            version=version,
            record_time=record_time,
            spans=spans,
            owners=owners,
            gone=not spans,
        )
        for key, (spans, owners) in tell.items()
        if told.get(key, _NOTHING) != (spans, owners)
    ]


_Told = tuple[tuple[tuple[int, int], ...], tuple[tuple[int, str], ...]]


_NOTHING: _Told = ((), ())


def _told(
    device: str, held: bytes, segments: Sequence[Segment], bot_days: BotDays
) -> Mapping[bytes, _Told]:
    """Pseudonym -> (spans with rounded ends, owners around them); nothing of days as a bot."""
    spans: dict[bytes, list[tuple[int, int]]] = {}
    for key, first, last in unpack(held):
        mine = spans.setdefault(key, [])
        if not (reason_at(bot_days, first) or reason_at(bot_days, last)):
            mine.append((first, max(first, last // STEP_MS * STEP_MS)))
    return {
        key: (tuple(sorted(mine)), _owners(device, segments, mine)) if mine else _NOTHING
        for key, mine in spans.items()
    }


def _logged(held: bytes) -> tuple[tuple[int, int], ...]:
    """The spans of a pseudonym's log lines, rounded outwards."""
    return tuple(
        (first // STEP_MS * STEP_MS, last // STEP_MS * STEP_MS + STEP_MS - 1)
        for _, first, last in unpack(held)
    )


def _owners(
    device: str, segments: Sequence[Segment], spans: Sequence[tuple[int, int]]
) -> tuple[tuple[int, str], ...]:
    begin = min(first for first, _ in spans) - _REACH_MS
    end = max(last for _, last in spans) + _REACH_MS
    following = [segment.since for segment in segments[1:]] + [end + 1]
    near = [
        (segment.since, segment.person(device))
        for segment, until in zip(segments, following, strict=True)
        if until > begin and segment.since <= end
    ]
    return ((0, near[0][1]), *near[1:])


def _sounds_the_same(old: bytes, new: bytes) -> bool:
    """Whether only the end of the newest span moved, and not beyond what is told of it."""
    if len(old) != len(new) or not old or old[:-4] != new[:-4]:
        return False
    first = int.from_bytes(old[-10:-4], "big")
    ends = [max(first, (first + int.from_bytes(held[-4:], "big")) // STEP_MS * STEP_MS)
            for held in (old, new)]  # fmt: skip
    return ends[0] == ends[1]


def _key(pseudonym: str) -> bytes | None:
    try:
        key = bytes.fromhex(pseudonym.removeprefix(PSEUDONYM_PREFIX))
    except ValueError:
        return None
    return key if len(key) == 16 else None
