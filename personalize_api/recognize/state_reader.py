"""Reads visitors' states from Redis: concurrent requests' keys go in one round trip.

Requests of one event-loop tick share an MGET; while round trips are on their way, those that
come meanwhile gather for the next. Every waiter has its own deadline, whatever Redis does.

MGET says nothing of a key that holds another kind of value, as if it were not there. So what it
does not find is looked for once more; who has found all does not wait for that.

On Redis Cluster the calls to exchange are MGET, for `RedisCluster.mget_nonatomic`, which makes one
round trip a slot, and EXISTS: no reader here needs two keys to be read at the same instant.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from typing import cast

import hiredis
import redis.asyncio
from redis.exceptions import RedisError
from redis.typing import EncodableT

from personalize_api.ending import end
from personalize_api.metrics import Metrics
from personalize_api.recognize.states import GarbledState
from personalize_api.seldom import SeldomLogger

DEADLINE_S = 0.025
_IN_FLIGHT = 2
_MAX_KEYS = 1000  # a round trip; more would hold Redis up for others
_MAX_WAITERS = 4000  # the same for this loop: many may ask for one visitor
_SOCKET_TIMEOUT_S = 0.5
_REST_S = 0.05  # after a failure: no use in knocking for every request

Values = list[bytes | None]


class Unreachable(Exception):
    """No values: Redis failed. `Late` where the deadline passed first."""

    cause = "redis"


class Late(Unreachable):
    cause = "deadline"


class _Waiter:
    __slots__ = ("future", "keys")

    def __init__(self, keys: Sequence[str], loop: asyncio.AbstractEventLoop) -> None:
        self.keys = keys
        self.future: asyncio.Future[Values] = loop.create_future()

    def fail(self, error: Exception) -> None:
        if not self.future.done():
            self.future.set_exception(error)

    def succeed(self, values: Values) -> None:
        if not self.future.done():
            self.future.set_result(values)

    def succeeds_by(self, keys: Mapping[str, int], values: Values) -> bool:
        """Whether all that it waits for was found; then it has it."""
        mine = [values[keys[key]] for key in self.keys]
        if None in mine:
            return False
        self.succeed(mine)
        return True


class StateReader:
    """Must be made and used in one event loop."""

    def __init__(self, redis_url: str, metrics: Metrics) -> None:
        self._redis = redis.asyncio.Redis.from_url(
            redis_url,
            socket_timeout=_SOCKET_TIMEOUT_S,
            socket_connect_timeout=_SOCKET_TIMEOUT_S,
            retry=None,
            retry_on_error=[],
        )
        _pack_in_c(self._redis.connection_pool)
        self._metrics = metrics
        self._loop = asyncio.get_running_loop()
        self._pending: list[_Waiter] = []
        self._due: dict[int, list[_Waiter]] = {}  # by the millisecond of their deadline
        self._scheduled = False
        self._running: set[asyncio.Task[None]] = set()
        self._rest_until = 0.0
        self._log = SeldomLogger(logging.getLogger(__name__))

    async def get(self, keys: Sequence[str], deadline: float) -> Values:
        """The values of the keys, None for a missing one. `deadline` is in the loop's time.

        Raises Unreachable, at the deadline at the latest, and GarbledState where a key holds
        another kind of value.
        """
        if self._loop.time() < self._rest_until:
            raise Unreachable
        waiter = _Waiter(keys, self._loop)
        self._expect(waiter, deadline)
        self._pending.append(waiter)
        self._schedule()
        return await waiter.future

    def deadline(self, patience_s: float = DEADLINE_S) -> float:
        """That far from now, in the loop's time."""
        return self._loop.time() + patience_s

    async def close(self) -> None:
        await end(*self._running)
        await self._redis.aclose()

    def _expect(self, waiter: _Waiter, deadline: float) -> None:
        """One timer for all whose deadline is in the same millisecond: a timer of its own for each
        cost as much as its share of the round trip.
        """
        due = int(deadline * 1000)
        waiting = self._due.get(due)
        if waiting is None:
            waiting = self._due[due] = []
            self._loop.call_at(due / 1000, self._expire, due)
        waiting.append(waiter)

    def _expire(self, due: int) -> None:
        for waiter in self._due.pop(due):
            waiter.fail(Late())

    def _schedule(self) -> None:
        if not self._scheduled and self._pending and len(self._running) < _IN_FLIGHT:
            self._scheduled = True
            self._loop.call_soon(self._launch)

    def _launch(self) -> None:
        self._scheduled = False
        batch, keys = self._take()
        if batch:
            task = self._loop.create_task(self._fetch(batch, keys))
            self._running.add(task)
            task.add_done_callback(self._landed)

    def _landed(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        self._schedule()

    def _take(self) -> tuple[list[_Waiter], dict[str, int]]:
        """As many live waiters as fit one round trip, and their keys, each once, with its place.

        Those past their deadline are let go.
        """
        batch: list[_Waiter] = []
        keys: dict[str, int] = {}
        taken = 0
        for waiter in self._pending:
            if len(keys) >= _MAX_KEYS or len(batch) >= _MAX_WAITERS:
                break
            taken += 1
            if not waiter.future.done():
                batch.append(waiter)
                for key in waiter.keys:
                    keys.setdefault(key, len(keys))
        del self._pending[:taken]
        return batch, keys

    async def _fetch(self, batch: list[_Waiter], keys: dict[str, int]) -> None:
        self._metrics.lookup_batches.inc()
        self._metrics.lookup_keys.inc(len(keys))
        names = list(keys)
        foreign: dict[str, str] = {}
        try:
            values = cast(Values, await self._redis.mget(names))
            if None in values:
                batch = [waiter for waiter in batch if not waiter.succeeds_by(keys, values)]
                missing = [name for name, value in zip(names, values, strict=True) if value is None]
                foreign = await self._foreign(missing)
        except (RedisError, OSError) as error:
            self._rest_until = self._loop.time() + _REST_S
            self._log.warning("visitors cannot be looked up, decisions are degraded: %s", error)
            for waiter in batch:
                waiter.fail(Unreachable())
            return
        for waiter in batch:
            wrong = [key for key in waiter.keys if key in foreign] if foreign else []
            if wrong:
                waiter.fail(GarbledState(f"the key {wrong[0]} holds a {foreign[wrong[0]]}"))
            else:
                waiter.succeed([values[keys[key]] for key in waiter.keys])

    async def _foreign(self, missing: Sequence[str]) -> dict[str, str]:
        """Those of the keys that hold something else than a string -> what. Raises RedisError."""
        if not await self._redis.exists(*missing):
            return {}
        pipe = self._redis.pipeline(transaction=False)
        for key in missing:
            pipe.type(key)
        kinds = [kind.decode() for kind in await pipe.execute()]
        return {
            key: kind
            for key, kind in zip(missing, kinds, strict=True)
            if kind not in ("none", "string")  # a string has come meanwhile: too late for this time
        }


def _pack_in_c(pool: redis.asyncio.ConnectionPool) -> None:
    """redis-py packs commands in Python where it is asyncio: a fifth of a look-up's cost."""

    class Packing(pool.connection_class):  # type: ignore[name-defined, misc]
        def pack_command(self, *args: EncodableT) -> list[bytes]:
            return [hiredis.pack_command(args)]  # type: ignore[arg-type]  # of any length

    pool.connection_class = Packing
