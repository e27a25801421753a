"""How the site and the system are doing now: visitors, events, pages, refusals, stages.

Sums of the streams' minute counters in Redis (`schemas.pulse`) and what services say of themselves
(`schemas.heartbeat`). Read at most once a second, whoever asks. Counts only: no identifier stands
in any of these keys.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import cast

import msgspec
import redis.asyncio
from redis.exceptions import RedisError, ResponseError

from personalize_api.ending import end
from personalize_api.errors import StateUnavailable
from personalize_api.seldom import SeldomLogger
from schemas.funnel_result import iso_time
from schemas.heartbeat import (
    MINUTES,
    Heartbeat,
    ServiceView,
    StageState,
    StageView,
    read_heartbeats,
    services_of,
    stages_of,
)
from schemas.pulse import ACTIVE, BOTS, EVENTS, LAST, MINUTES_NOW
from schemas.redis_keys import HEARTBEATS_KEY, pages_key, pulse_key, rejected_key
from schemas.topics import RAW, REJECTED

PAGES_MINUTES = 30
BEST_PAGES = 10

_AT_MOST_EVERY_S = 0.95  # a little less than the live feed's second
_OLD_PAGES_S = 10.0  # how often minutes are read again to which hardly anything is added
_NEW_MINUTES = 3
_SOCKET_TIMEOUT_S = 2.0

Hash = Mapping[bytes, bytes]


class Visitors(msgspec.Struct, frozen=True, kw_only=True):
    now: int  # devices that were there in the last five minutes
    minutes: list[int]  # devices that were there in each minute of the last hour, oldest first


class Events(msgspec.Struct, frozen=True, kw_only=True):
    per_s: float  # mean of the last minute, without bots
    minutes: list[int]
    bots: list[int]


class Page(msgspec.Struct, frozen=True, kw_only=True):
    path: str
    views: int


class RefusedInput(msgspec.Struct, frozen=True, kw_only=True):
    reason: str
    protocol: str
    count: int
    newest_at: str  # ISO 8601: the minute


class Rejected(msgspec.Struct, frozen=True, kw_only=True):
    minutes: list[int]
    reasons: list[RefusedInput]  # most recent first


class Stage(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    partitions: int
    behind: int  # records
    behind_s: float  # age of the oldest of them
    at: str  # ISO 8601
    state: StageState


class Decisions(msgspec.Struct, frozen=True, kw_only=True):
    minutes: list[int]
    degraded: list[int]


class Pulse(msgspec.Struct, frozen=True, kw_only=True):
    """Lists of minutes have sixty numbers, oldest first, the last being the minute of now."""

    visitors: Visitors
    events: Events
    pages: list[Page]
    rejected: Rejected
    stages: list[Stage]
    decisions: Decisions
    services: list[ServiceView]
    beats: list[Heartbeat]


class LivePulse:
    """Must be made and used in one event loop."""

    def __init__(self, redis_url: str) -> None:
        self._redis = redis.asyncio.Redis.from_url(
            redis_url, socket_timeout=_SOCKET_TIMEOUT_S, socket_connect_timeout=_SOCKET_TIMEOUT_S
        )
        self._log = SeldomLogger(logging.getLogger(__name__))
        self._task: asyncio.Task[Pulse] | None = None
        self._good_until = 0.0  # monotonic
        self._pages = _PagesRead()

    async def now(self) -> Pulse:
        """Raises StateUnavailable."""
        task = self._task
        if task is None or (task.done() and time.monotonic() >= self._good_until):
            self._good_until = time.monotonic() + _AT_MOST_EVERY_S
            self._task = task = asyncio.create_task(self._compute())
            task.add_done_callback(lambda done: done.cancelled() or done.exception())
        return await asyncio.shield(task)

    async def close(self) -> None:
        await end(self._task)
        await self._redis.aclose()

    async def _compute(self) -> Pulse:
        now_ms = time.time_ns() // 1_000_000
        try:
            counts, refused, beats = await self._read(now_ms // 60_000)
            pages = await self._read_pages(now_ms // 60_000)
        except (RedisError, OSError) as error:
            self._log.warning("live counts cannot be read: %s", error)
            raise StateUnavailable("live counters cannot be read: Redis is not there") from error
        return composed(now_ms, counts, refused, pages, read_heartbeats(beats, now_ms))

    async def _read(self, minute: int) -> tuple[list[Counts], list[Counts], list[bytes]]:
        """(counts of events, counts of refusals, heartbeats) of the last hour."""
        hours = sorted({(minute - MINUTES + 1) // 60, minute // 60})
        names = [(pulse_key(p, hour), hour) for p in range(RAW.partitions) for hour in hours]
        of_events = len(names)
        names += [
            (rejected_key(p, hour), hour) for p in range(REJECTED.partitions) for hour in hours
        ]
        async with self._redis.pipeline(transaction=False) as pipe:
            for name, _ in names:
                pipe.hgetall(name)
            pipe.hvals(HEARTBEATS_KEY)
            *hashes, beats = await pipe.execute(raise_on_error=False)
        counts = [
            (hour, cast(Hash, found))
            for (_, hour), found in zip(names[:of_events], hashes[:of_events], strict=True)
            if not self._is_garbled(found)
        ]
        refused = [
            (hour, cast(Hash, found))
            for (_, hour), found in zip(names[of_events:], hashes[of_events:], strict=True)
            if not self._is_garbled(found)
        ]
        return counts, refused, [] if self._is_garbled(beats) else beats

    async def _read_pages(self, minute: int) -> Counter[str]:
        wanted = self._pages.due(minute, time.monotonic())
        async with self._redis.pipeline(transaction=False) as pipe:
            for each in wanted:
                for partition in range(RAW.partitions):
                    pipe.hgetall(pages_key(partition, each))
            found = await pipe.execute(raise_on_error=False)
        for at, each in enumerate(wanted):
            hashes = found[at * RAW.partitions : (at + 1) * RAW.partitions]
            self._pages.take(each, [h for h in hashes if not self._is_garbled(h)])
            await asyncio.sleep(0)  # visitors are waiting in the same loop
        return self._pages.views()

    def _is_garbled(self, found: object) -> bool:
        if isinstance(found, ResponseError):
            self._log.warning("live counts are garbled: %s", found)
        return isinstance(found, Exception)


Counts = tuple[int, Hash]
"""Hour since 1970, and the counters of one partition in it."""


class _PagesRead:
    """Views by minute and path, remembered: only the newest minutes change much."""

    def __init__(self) -> None:
        self._minutes: dict[int, Counter[str]] = {}
        self._read_all_at = 0.0

    def due(self, minute: int, now_s: float) -> list[int]:
        """Minutes to be read; what is too old is let go."""
        first = minute - PAGES_MINUTES + 1
        self._minutes = {m: views for m, views in self._minutes.items() if m >= first}
        if now_s - self._read_all_at >= _OLD_PAGES_S:
            self._read_all_at = now_s
            return list(range(first, minute + 1))
        newest = minute - _NEW_MINUTES
        return [m for m in range(first, minute + 1) if m > newest or m not in self._minutes]

    def take(self, minute: int, partitions: Sequence[Hash]) -> None:
        views = Counter[str]()
        for hash_ in partitions:
            for path, count in hash_.items():
                views[path.decode(errors="replace")] += _number(count)
        self._minutes[minute] = views

    def views(self) -> Counter[str]:
        total = Counter[str]()
        for views in self._minutes.values():
            total.update(views)
        return total


def composed(
    now_ms: int,
    counts: Sequence[Counts],
    refused: Sequence[Counts],
    pages: Mapping[str, int],
    beats: Sequence[Heartbeat],
) -> Pulse:
    """Pure: all that was read, put together. What is garbled counts as nothing."""
    minute = now_ms // 60_000
    by_kind: dict[str, list[int]] = {k: [0] * MINUTES for k in (EVENTS, BOTS, ACTIVE, LAST)}
    for at, (kind,), count in _fields(counts, minute, 1):
        if kind in by_kind:
            by_kind[kind][at] += count
    for series in by_kind.values():
        series[:] = [max(0, count) for count in series]
    best = sorted(pages.items(), key=lambda page: (-page[1], page[0]))
    return Pulse(
        visitors=Visitors(now=sum(by_kind[LAST][-MINUTES_NOW:]), minutes=by_kind[ACTIVE]),
        events=Events(
            per_s=_per_second(by_kind[EVENTS], now_ms),
            minutes=by_kind[EVENTS],
            bots=by_kind[BOTS],
        ),
        pages=[Page(path=path, views=n) for path, n in best if path and n > 0][:BEST_PAGES],
        rejected=_rejected(refused, minute),
        stages=[_stage(view) for view in stages_of(beats, now_ms)],
        decisions=Decisions(
            minutes=_added([beat.decisions for beat in beats], minute),
            degraded=_added([beat.degraded for beat in beats], minute),
        ),
        services=services_of(beats, now_ms),
        beats=list(beats),
    )


def _fields(
    counts: Sequence[Counts], minute: int, names: int
) -> Sequence[tuple[int, tuple[str, ...], int]]:
    """(place among the last sixty minutes, names, count) of each field that is in them."""
    found = []
    for hour, hash_ in counts:
        for field, count in hash_.items():
            at, rest = _parse(field)
            place = hour * 60 + at - (minute - MINUTES + 1)
            if 0 <= place < MINUTES and len(rest) == names:
                found.append((place, rest, _number(count)))
    return found


@lru_cache(16_384)  # fields repeat in every partition and hour
def _parse(field: bytes) -> tuple[int, tuple[str, ...]]:
    """Minute of the hour, and names; no names where it is garbled."""
    at, *names = field.decode(errors="replace").split("|")
    return (int(at), tuple(names)) if at.isdecimal() and at.isascii() else (0, ())


def _per_second(minutes: Sequence[int], now_ms: int) -> float:
    """Of the last sixty seconds; what of them lies in the minute before counts evenly."""
    share = now_ms % 60_000 / 60_000
    return round((minutes[-1] + minutes[-2] * (1 - share)) / 60, 2)


def _rejected(counts: Sequence[Counts], minute: int) -> Rejected:
    minutes = [0] * MINUTES
    newest: dict[tuple[str, ...], int] = {}
    total = Counter[tuple[str, ...]]()
    for at, name, count in _fields(counts, minute, 2):
        minutes[at] += count
        total[name] += count
        newest[name] = max(at, newest.get(name, 0))
    reasons = [
        RefusedInput(
            reason=reason,
            protocol=protocol,
            count=total[reason, protocol],
            newest_at=iso_time((minute - MINUTES + 1 + at) * 60_000),
        )
        for (reason, protocol), at in newest.items()
    ]
    reasons.sort(key=lambda each: (each.newest_at, each.count), reverse=True)
    return Rejected(minutes=minutes, reasons=reasons)


def _stage(view: StageView) -> Stage:
    return Stage(
        name=view.name,
        partitions=view.partitions,
        behind=view.behind,
        behind_s=view.behind_s,
        at=iso_time(view.at),
        state=view.state,
    )


def _added(beats: Sequence[Mapping[int, int]], minute: int) -> list[int]:
    first = minute - MINUTES + 1
    return [sum(beat.get(first + at, 0) for beat in beats) for at in range(MINUTES)]


def _number(count: bytes) -> int:
    try:
        return int(count)
    except ValueError:
        return 0
