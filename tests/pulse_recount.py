"""Live counts of visitors, events and pages from the whole set of events, slowly and plainly."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from redis import Redis

from schemas.bot_days import DAY_MS, MINUTE_MS
from schemas.event import Event
from schemas.ids import USER_DEVICE_PREFIX
from schemas.redis_keys import LIVE_HORIZON_MS

Counts = dict[tuple[int, str], int]
"""(minute since 1970, kind) -> count, see `schemas.pulse`; without what is zero."""


def recount(events: Iterable[Event], record_time: int, limit: int, crawlers: str = "bot") -> Counts:
    """`limit`: events a minute above which a device's day is a bot's. `crawlers`: in their agents.

    Holds where events of servers come in order of time.
    """
    events = list({(event.device_id, event.event_id): event for event in events}.values())
    counts = Counter[tuple[int, str]]()
    seen = set[tuple[str, int]]()
    last: dict[str, int] = {}
    flagged = _flagged(events, limit, crawlers)
    for event in events:
        device, minute = event.device_id, event.event_time // MINUTE_MS
        if crawlers in event.user_agent:
            counts[minute, "b"] += 1
            continue
        is_bot = not event.server and (device, event.event_time // DAY_MS) in flagged
        counts[minute, "b" if is_bot else "e"] += 1
        if not device.startswith(USER_DEVICE_PREFIX):
            last[device] = max(last.get(device, 0), event.event_time)
            if not is_bot:
                seen.add((device, minute))
    for _, minute in seen:
        counts[minute, "a"] += 1
    for device, time in last.items():
        if (device, time // DAY_MS) not in flagged:
            counts[time // MINUTE_MS, "l"] += 1
    first = (record_time - LIVE_HORIZON_MS) // MINUTE_MS
    return {name: count for name, count in counts.items() if count and name[0] >= first}


def _flagged(events: Iterable[Event], limit: int, crawlers: str) -> set[tuple[str, int]]:
    """(device, UTC day) of who was too fast or read robots.txt."""
    minutes = Counter[tuple[str, int]]()
    days = set[tuple[str, int]]()
    for event in events:
        if event.server or crawlers in event.user_agent:
            continue
        minutes[event.device_id, event.event_time // MINUTE_MS] += 1
        if event.url.endswith("/robots.txt"):
            days.add((event.device_id, event.event_time // DAY_MS))
    for (device, minute), count in minutes.items():
        if count > limit:
            days.add((device, minute * MINUTE_MS // DAY_MS))
    return days


def counts_of(hashes: Mapping[str, Mapping[str, int]]) -> Counts:
    """What stands in the hashes of `schemas.redis_keys.pulse_key`, over all partitions."""
    counts = Counter[tuple[int, str]]()
    for key, fields in hashes.items():
        hour = int(key.rpartition(":")[2])
        for field, count in fields.items():
            minute, kind = field.split("|")
            counts[hour * 60 + int(minute), kind] += count
    return {name: count for name, count in counts.items() if count}


def pages_of(hashes: Mapping[str, Mapping[str, int]]) -> dict[tuple[int, str], int]:
    """(minute since 1970, path) -> views, of the hashes of `schemas.redis_keys.pages_key`."""
    views = Counter[tuple[int, str]]()
    for key, fields in hashes.items():
        for path, count in fields.items():
            views[int(key.rpartition(":")[2]), path] += count
    return dict(views)


def stored(redis: Redis, pattern: str) -> dict[str, dict[str, int]]:
    """Key -> field -> number of all hashes of a pattern."""
    found: dict[str, dict[str, int]] = {}
    for key in redis.scan_iter(pattern):
        fields: dict[bytes, bytes] = redis.hgetall(key)  # type: ignore[assignment]
        found[key.decode()] = {name.decode(): int(count) for name, count in fields.items()}
    return found
