"""The live state's side of the protocol: one read and one atomic step a batch.

A partition's fence is its position, and lives beside the states it guards (design.md section
3a). `apply` writes states, counters and the new fence if, and only if, the fence is still what
the batch started from.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import msgspec
from redis.asyncio import Redis
from redis.exceptions import RedisError

from schemas.redis_keys import REBUILDING, epoch_key, fence_key, quiet_key
from schemas.states_form import STATES_FORM_KEY, wrong_form
from schemas.topics import Position, Topic
from streams.errors import LostPartition, RebuildNeeded, TryAgain
from streams.records import CounterChange, StateWrite

# KEYS: fence, states..., counter hashes...
# ARGV: expected fence, new fence, number of states, number of hashes, then blob and ttl a state,
#       then a hash: ttl, most fields, number of changes, and field and delta a change.
_APPLY = """
if (redis.call('GET', KEYS[1]) or '') ~= ARGV[1] then return 0 end
local states, hashes = tonumber(ARGV[3]), tonumber(ARGV[4])
local arg = 5
for i = 1, states do
  if ARGV[arg] == '' then
    redis.call('DEL', KEYS[1 + i])
  else
    redis.call('SET', KEYS[1 + i], ARGV[arg], 'PX', ARGV[arg + 1])
  end
  arg = arg + 2
end
for i = 1, hashes do
  local key = KEYS[1 + states + i]
  local ttl, most, changes = ARGV[arg], tonumber(ARGV[arg + 1]), tonumber(ARGV[arg + 2])
  arg = arg + 3
  for _ = 1, changes do
    local field = ARGV[arg]
    if most > 0 and redis.call('HEXISTS', key, field) == 0
        and redis.call('HLEN', key) >= most then
      field = ''
    end
    if redis.call('HINCRBY', key, field, ARGV[arg + 1]) == 0 then
      redis.call('HDEL', key, field)
    end
    arg = arg + 2
  end
  redis.call('PEXPIRE', key, ttl)
end
redis.call('SET', KEYS[1], ARGV[2])
return 1
"""


LEAST_TTL_MS = 3_600_000
"""However long a record has waited, what it writes is there for as long as a crash may take."""


class Start(msgspec.Struct, frozen=True):
    """Where a partition begins; below `quiet_below` only what stages read is emitted (again)."""

    position: Position
    quiet_below: int = 0


class Store:
    """Live state in Redis, for one process. Infrastructure errors are raised as TryAgain."""

    def __init__(self, redis_url: str) -> None:
        self._redis: Redis = Redis.from_url(redis_url, socket_timeout=10, socket_connect_timeout=5)
        self._apply = self._redis.register_script(_APPLY)

    async def start(self, topic: Topic, partition: int) -> Start:
        """Where the partition stands. A fence of an older epoch means: the topic is new.

        Raises TryAgain while the partition is being rebuilt, and RebuildNeeded where Redis does
        not know the topic or what is there is of another form.
        """
        try:
            epoch = await self._redis.hget(epoch_key(topic), "epoch")
            form = await self._redis.get(STATES_FORM_KEY)
            fence, quiet = await self._redis.mget(
                fence_key(topic, partition), quiet_key(topic, partition)
            )
        except RedisError as error:
            raise TryAgain(f"Redis: {error}") from error
        if epoch is None:
            raise RebuildNeeded(
                f"Redis does not know the topic {topic.name}; run: footfall migrate, or, if Redis "
                "has lost its data: footfall rebuild"
            )
        if fence == REBUILDING:
            raise TryAgain("live state is being taken away by: footfall rebuild")
        if fence is not None and (wrong := wrong_form(cast(bytes | None, form))):
            raise RebuildNeeded(wrong)
        position = Position(int(epoch), 0)
        if fence is not None:
            position = max(position, Position.decode(cast(bytes, fence)))
        until = Position.decode(cast(bytes, quiet)) if quiet is not None else Position(0, 0)
        return Start(position, until.offset if until.epoch == position.epoch else 0)

    async def read(
        self, topic: Topic, partition: int, keys: Sequence[str]
    ) -> tuple[bytes, list[bytes | None]]:
        """(the fence as it stands, b'' for none; the blobs of `keys`), in one command."""
        try:
            answer = await self._redis.mget([fence_key(topic, partition), *keys])
        except RedisError as error:
            raise TryAgain(f"Redis: {error}") from error
        fence, *blobs = cast(list[bytes | None], answer)
        return fence or b"", blobs

    async def apply(
        self,
        topic: Topic,
        partition: int,
        expected: bytes,
        new: Position,
        states: Sequence[StateWrite],
        counters: Sequence[CounterChange],
        waited_ms: int = 0,
    ) -> None:
        """Raises LostPartition where the fence is not `expected`, nothing being written then.

        What expires does so counted from its record, which has waited for `waited_ms`: a rebuild
        keeps nothing longer than it would have been kept, and counts nothing that had expired.
        After TryAgain the step may or may not have happened; `is_applied` tells.
        """
        hashes: dict[str, list[CounterChange]] = {}
        for change in counters:
            if change.ttl_ms > waited_ms:
                hashes.setdefault(change.key, []).append(change)
        keys = [fence_key(topic, partition), *(state.key for state in states), *hashes]
        arguments: list[bytes | str | int] = [expected, new.encode(), len(states), len(hashes)]
        for state in states:
            arguments += (state.blob, max(state.ttl_ms - waited_ms, LEAST_TTL_MS))
        for changes in hashes.values():
            ttl = max(changes[0].ttl_ms - waited_ms, LEAST_TTL_MS)
            arguments += (ttl, changes[0].most, len(changes))
            for change in changes:
                arguments += (change.field, change.delta)
        try:
            applied = await self._apply(keys=keys, args=arguments)
        except RedisError as error:
            raise TryAgain(f"Redis: {error}") from error
        if not applied:
            raise LostPartition(
                f"{topic.name}[{partition}]: the fence is not {expected!r} any more"
            )

    async def is_applied(self, topic: Topic, partition: int, new: Position) -> bool:
        """Whether the fence already stands at `new`."""
        fence, _ = await self.read(topic, partition, ())
        return fence == new.encode()

    async def close(self) -> None:
        await self._redis.aclose()
