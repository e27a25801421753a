"""Where alerts stand in Redis, and who may write them: one leader among all processes.

Every write is one script that looks whether the lock is still the writer's, so a process that was
held up for longer than the lock lasts changes nothing when it goes on.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from typing import cast

import msgspec
import redis.asyncio
from redis.asyncio import Redis

from personalize_api.alerts.history import KEPT_DAYS
from personalize_api.alerts.hours import Hour, decode_hour, encode_hour
from personalize_api.alerts.state import (
    AlertState,
    Message,
    encode,
    message_decoder,
    state_decoder,
)
from schemas.redis_keys import (
    ALERTS_LOCK_KEY,
    ALERTS_OUTBOX_KEY,
    ALERTS_STATE_KEY,
    alerts_history_key,
    funnel_days_key,
)
from schemas.topics import REGISTERS

LOCK_MS = 15_000
_SOCKET_TIMEOUT_S = 2.0
_HISTORY_TTL_MS = (KEPT_DAYS + 1) * 86_400_000

# KEYS: lock, state, outbox, days of history...
# ARGV: token, ms that the lock lasts, state ('' : as it is), ms that history lasts,
#       number of messages to write, of messages to delete, of hours;
#       then id and message each, then ids, then index of the day, hour and counts each.
_SAVE = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('PEXPIRE', KEYS[1], ARGV[2])
if ARGV[3] ~= '' then redis.call('SET', KEYS[2], ARGV[3]) end
local arg = 8
for i = 1, tonumber(ARGV[5]) do
  redis.call('HSET', KEYS[3], ARGV[arg], ARGV[arg + 1])
  arg = arg + 2
end
for i = 1, tonumber(ARGV[6]) do
  redis.call('HDEL', KEYS[3], ARGV[arg])
  arg = arg + 1
end
for i = 1, tonumber(ARGV[7]) do
  local key = KEYS[3 + tonumber(ARGV[arg])]
  redis.call('HSET', key, ARGV[arg + 1], ARGV[arg + 2])
  redis.call('PEXPIRE', key, ARGV[4])
  arg = arg + 3
end
return 1
"""

_RELEASE = """
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0
"""

_KEEP = """
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
if redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2]) then return 2 end
return 0
"""


class NotTheLeader(Exception):
    """Another process evaluates alerts now."""


class AlertStore:
    """Must be made and used in one event loop. Everything may raise RedisError."""

    def __init__(self, redis_url: str) -> None:
        self._redis: Redis = redis.asyncio.Redis.from_url(
            redis_url, socket_timeout=_SOCKET_TIMEOUT_S, socket_connect_timeout=_SOCKET_TIMEOUT_S
        )
        self._token = uuid.uuid4().hex
        self._save = self._redis.register_script(_SAVE)
        self._keep = self._redis.register_script(_KEEP)
        self._release = self._redis.register_script(_RELEASE)

    async def lead(self) -> tuple[bool, bool]:
        """(whether this process is the leader, whether it was not a moment ago)."""
        kept = int(await self._keep(keys=[ALERTS_LOCK_KEY], args=[self._token, LOCK_MS]))
        return kept > 0, kept == 2

    async def step_down(self) -> None:
        await self._release(keys=[ALERTS_LOCK_KEY], args=[self._token])

    async def read(self) -> AlertState:
        """A new one where there is none, or none that can be read."""
        blob = cast(bytes | None, await self._redis.get(ALERTS_STATE_KEY))
        try:
            return state_decoder.decode(blob) if blob else AlertState()
        except msgspec.MsgspecError:
            return AlertState()

    async def read_outbox(self) -> list[Message]:
        found = []
        for blob in await self._redis.hvals(ALERTS_OUTBOX_KEY):
            try:
                found.append(message_decoder.decode(blob))
            except msgspec.MsgspecError:
                continue
        return found

    async def read_history(self, funnel_key: str, today: int) -> dict[int, Hour]:
        """By hours since 1970. `today`: days since 1970."""
        days = range(today - KEPT_DAYS, today + 1)
        async with self._redis.pipeline(transaction=False) as pipe:
            for day in days:
                pipe.hgetall(alerts_history_key(funnel_key, day))
            hashes = await pipe.execute()
        found = {}
        for day, hash_ in zip(days, hashes, strict=True):
            for hour, blob in hash_.items():
                try:
                    found[day * 24 + int(hour)] = decode_hour(blob)
                except (msgspec.MsgspecError, ValueError):
                    continue
        return found

    async def read_settled(self, funnel_key: str, steps: int, today: int) -> dict[int, list[int]]:
        """Arrivals by step, by hours since 1970, as the stream has counted them."""
        found: dict[int, list[int]] = {}
        for day in range(today - KEPT_DAYS, today + 1):
            async with self._redis.pipeline(transaction=False) as pipe:
                for partition in range(REGISTERS.partitions):
                    pipe.hgetall(funnel_days_key(partition, funnel_key, day))
                hashes = await pipe.execute(raise_on_error=False)
            for hash_ in hashes:
                if not isinstance(hash_, Exception):
                    _add_day(found, day, hash_, steps)
        return found

    async def save(
        self,
        state: AlertState | None = None,
        messages: Sequence[Message] = (),
        done: Iterable[str] = (),
        hours: Mapping[tuple[str, int], Hour] | None = None,
    ) -> None:
        """All of it or nothing. `hours`: by (funnel key, hour). Raises NotTheLeader."""
        hours, gone = hours or {}, list(done)
        days = {
            name: index + 1
            for index, name in enumerate({(key, hour // 24): None for key, hour in hours})
        }
        arguments: list[bytes | str | int] = [
            self._token,
            LOCK_MS,
            encode(state) if state is not None else "",
            _HISTORY_TTL_MS,
            len(messages),
            len(gone),
            len(hours),
        ]
        for message in messages:
            arguments += (message.id, encode(message))
        arguments += gone
        for (key, hour), counts in hours.items():
            arguments += (days[key, hour // 24], hour % 24, encode_hour(counts))
        keys = [ALERTS_LOCK_KEY, ALERTS_STATE_KEY, ALERTS_OUTBOX_KEY]
        keys += [alerts_history_key(key, day) for key, day in days]
        if not await self._save(keys=keys, args=arguments):
            raise NotTheLeader

    async def close(self) -> None:
        await self._redis.aclose()


def _add_day(
    found: dict[int, list[int]], day: int, counts: Mapping[bytes, bytes], steps: int
) -> None:
    for field, count in counts.items():
        try:
            hour, step = map(int, field.split(b"|"))
            if 0 <= step < steps:
                found.setdefault(day * 24 + hour, [0] * steps)[step] += int(count)
        except ValueError:
            continue
