"""Reads the live funnels' counters from Redis, and again only where something changed.

The stream counts how often it has changed the counters of an hour, a partition (`touched_key`).
An hour whose numbers are the same is not read again, but for the last two, and but for each after a
while all the same. Where much is changing (whoever comes back leaves the hour in which he
came last), the hours before the last two are read in turn, as far as the time allows: what they say
may then be some seconds old.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet

import msgspec
import redis.asyncio
from redis.exceptions import ResponseError

from personalize_api.live.funnel_counts import Hash, HourCounts
from personalize_api.seldom import SeldomLogger
from schemas.begun import Begun, begun_decoder
from schemas.redis_keys import TOUCHED_HOURS, begun_key, funnel_key, touched_key
from schemas.topics import RAW, REGISTERS

_SOCKET_TIMEOUT_S = 2.0
_OLDER_HOURS_S = 0.2  # for what is older than two hours, once it has been read
_AT_LATEST_S = 60.0
_SLICE_S = 0.002  # visitors are waiting in the same loop

Touched = tuple[bytes | None, ...]  # a partition


class _Hour:
    """What was read of an hour, by Funnel.key."""

    def __init__(self) -> None:
        self.counts: dict[str, HourCounts] = {}
        self.touched: Touched | None = None  # when it was read
        self.read_at = 0.0  # monotonic, s


class FunnelReader:
    """Must be made and used in one event loop."""

    def __init__(self, redis_url: str) -> None:
        self._redis = redis.asyncio.Redis.from_url(
            redis_url, socket_timeout=_SOCKET_TIMEOUT_S, socket_connect_timeout=_SOCKET_TIMEOUT_S
        )
        self._log = SeldomLogger(logging.getLogger(__name__))
        self._hours: dict[int, _Hour] = {}
        self._reading = asyncio.Lock()
        self._yielded = 0.0
        self.begun: list[Begun | None] = [None] * RAW.partitions
        """By partition: since when it is counted by which funnel."""

    async def read(self, keys: AbstractSet[str], first: int, last: int) -> None:
        """Brings the hours (since 1970, inclusive) up to date for the funnels of these keys.

        Raises RedisError, OSError.
        """
        async with self._reading:
            self._forget(keys, last)
            touched = await self._look()
            began = self._yielded = time.perf_counter()
            wanted = range(first, last + 1)
            for hour in self._in_turn(wanted, keys, touched, last):
                known = self._hours.get(hour)
                is_urgent = known is None or hour >= last - 1 or not keys <= known.counts.keys()
                if is_urgent or time.perf_counter() - began < _OLDER_HOURS_S:
                    await self._read_hour(hour, keys, touched, is_recent=hour >= last - 1)

    def counts(self, key: str, hour: int) -> HourCounts | None:
        known = self._hours.get(hour)
        return known.counts.get(key) if known is not None else None

    async def close(self) -> None:
        await self._redis.aclose()

    def _forget(self, keys: AbstractSet[str], last: int) -> None:
        for hour, known in list(self._hours.items()):
            if hour < last - TOUCHED_HOURS + 2:
                del self._hours[hour]
            for key in known.counts.keys() - keys:
                del known.counts[key]

    async def _look(self) -> list[dict[bytes, bytes]]:
        """How often each partition's hours have been touched; takes note of what has begun."""
        async with self._redis.pipeline(transaction=False) as pipe:
            for partition in range(REGISTERS.partitions):
                pipe.hgetall(touched_key(partition))
            for partition in range(RAW.partitions):
                pipe.get(begun_key(RAW, partition))
            found = await pipe.execute(raise_on_error=False)
        touched = [each if isinstance(each, dict) else {} for each in found[: REGISTERS.partitions]]
        self.begun = [_begun(each) for each in found[REGISTERS.partitions :]]
        return touched

    def _in_turn(
        self,
        wanted: Iterable[int],
        keys: AbstractSet[str],
        touched: Sequence[dict[bytes, bytes]],
        last: int,
    ) -> list[int]:
        """Which hours to read: the present ones first, then what was read longest ago."""
        now = time.monotonic()
        stale = []
        for hour in wanted:
            known = self._hours.get(hour)
            if (
                hour >= last - 1
                or known is None
                or known.touched != _of_hour(touched, hour)
                or now - known.read_at > _AT_LATEST_S
                or not keys <= known.counts.keys()
            ):
                stale.append((hour < last - 1, known.read_at if known else 0.0, hour))
        return [hour for _, _, hour in sorted(stale)]

    async def _read_hour(
        self,
        hour: int,
        keys: AbstractSet[str],
        touched: Sequence[dict[bytes, bytes]],
        *,
        is_recent: bool,
    ) -> None:
        known = self._hours.get(hour) or _Hour()
        for key in keys:
            counts = known.counts.get(key) if is_recent else None
            counts = counts or HourCounts()
            for partition, said in enumerate(await self._read_counters(key, hour)):
                if said is not None:
                    counts.put(partition, said)
                    await self._breathe()
            if not is_recent:
                counts.settle()
            known.counts[key] = counts
        known.touched, known.read_at = _of_hour(touched, hour), time.monotonic()
        self._hours[hour] = known

    async def _read_counters(self, key: str, hour: int) -> list[Hash | None]:
        """Of every partition; None where it is no hash."""
        async with self._redis.pipeline(transaction=False) as pipe:
            for partition in range(REGISTERS.partitions):
                pipe.hgetall(funnel_key(partition, key, hour))
            found = await pipe.execute(raise_on_error=False)
        for each in found:
            if isinstance(each, ResponseError):
                self._log.warning("counters of %s are garbled: %s", key, each)
        return [each if isinstance(each, dict) else None for each in found]

    async def _breathe(self) -> None:
        if time.perf_counter() - self._yielded > _SLICE_S:
            await asyncio.sleep(0)
            self._yielded = time.perf_counter()


def _of_hour(touched: Sequence[dict[bytes, bytes]], hour: int) -> Touched:
    field = b"%d" % (hour % TOUCHED_HOURS)
    return tuple([each.get(field) for each in touched])


def _begun(blob: object) -> Begun | None:
    try:
        return begun_decoder.decode(blob) if isinstance(blob, bytes) else None
    except msgspec.MsgspecError:
        return None
