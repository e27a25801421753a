"""Daily pseudonyms for hits that must not be recognized, and the salts that make them daily."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import logging
import secrets
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

import redis.asyncio
from redis.exceptions import RedisError

from schemas.ids import PSEUDONYM_PREFIX
from schemas.redis_keys import salt_key

_log = logging.getLogger(__name__)

DAY_MS = 86_400_000
SALT_BYTES = 16
_SALT_LIFE_S = 48 * 3600
_REFRESH_S = 30.0
_AHEAD_MS = 3_600_000  # tomorrow's salt is fetched an hour early


def pseudonym(salt: bytes, site: str, ip: str, user_agent: str) -> str:
    """`p_` and 32 hex digits: the same for one visitor until the salt is gone."""
    digest = hashlib.blake2b(
        f"{site}\x1f{ip}\x1f{user_agent}".encode(errors="replace"), digest_size=16, key=salt
    )
    return PSEUDONYM_PREFIX + digest.hexdigest()


class Salts:
    """Today's salt, shared by all processes through Redis; never a question to the network.

    Between `start` and `stop` it is kept fetched. While Redis is away a salt of this process stands
    in, and is offered to Redis when it returns, so that pseudonyms change as little as possible.
    """

    def __init__(self, redis_url: str, imported_life_ms: int = 0) -> None:
        """`imported_life_ms`: how long the salts of log imports are kept; with 0 those of the days
        around now are not fetched.
        """
        self._imported_life_ms = imported_life_ms
        self._redis = redis.asyncio.Redis.from_url(
            redis_url, socket_timeout=1.0, socket_connect_timeout=1.0
        )
        self._salts: dict[int, bytes] = {}
        self._shared: set[int] = set()
        self._past: dict[int, bytes] = {}
        self._past_shared: set[int] = set()
        self.imported_changes = 0  # how often what `imported` says may have changed

    def of(self, now_ms: int) -> bytes:
        """The salt of the UTC day of `now_ms`."""
        day = now_ms // DAY_MS
        salt = self._salts.get(day)
        if salt is None:
            _log.warning("no salt for today from Redis yet: using one of this process's own")
            salt = self._salts[day] = secrets.token_bytes(SALT_BYTES)
        return salt

    def of_past(self, time_ms: int) -> bytes:
        """The salt of the UTC day of a line of history; see `fetch_past`."""
        day = time_ms // DAY_MS
        salt = self._past.get(day)
        if salt is None:
            salt = self._past[day] = secrets.token_bytes(SALT_BYTES)
        return salt

    def imported(self, day: int) -> bytes | None:
        """The salt under which log lines of that UTC day (since 1970) are imported, where known."""
        return self._past[day] if day in self._past_shared else None

    async def fetch_past(self, days: Iterable[int], life_ms: int) -> None:
        """Fetches the salts of days (since 1970) of history, which log imports share.

        Redis keeps them for `life_ms`, so that a repeated import makes the same pseudonyms. While
        it is away salts of this process stand in, and are offered when it returns.
        """
        if missing := sorted(set(days) - self._past_shared):
            await self._share(missing, life_ms)

    async def _share(self, days: Sequence[int], life_ms: int) -> None:
        """Redis's salts of these days, ours where it has none."""
        try:
            async with self._redis.pipeline(transaction=False) as pipeline:
                for day in days:
                    key = salt_key(_date(day), imported=True)
                    pipeline.set(key, self.of_past(day * DAY_MS), nx=True, px=life_ms)
                    pipeline.get(key)
                answers = await pipeline.execute()
        except RedisError as error:
            _log.warning("salts for history cannot be fetched from Redis: %s", error)
            return
        found = dict(zip(days, answers[1::2], strict=True))
        if any(self._past[day] != salt for day, salt in found.items()):
            self.imported_changes += 1
        self._past.update(found)
        self._past_shared.update(days)

    async def refresh(self, now_ms: int) -> None:
        """Fetches the salts of today and, near midnight, tomorrow. Raises RedisError."""
        for day in sorted({now_ms // DAY_MS, (now_ms + _AHEAD_MS) // DAY_MS}):
            if day in self._shared:
                continue
            key = salt_key(_date(day))
            mine = self._salts.get(day) or secrets.token_bytes(SALT_BYTES)
            await self._redis.set(key, mine, nx=True, ex=_SALT_LIFE_S)
            stored = await self._redis.get(key)
            self._salts[day] = stored if isinstance(stored, bytes) else mine
            self._shared.add(day)
        for day in [day for day in self._salts if day < now_ms // DAY_MS]:
            del self._salts[day]
            self._shared.discard(day)

    async def start(self) -> None:
        """Fetches once, so that the first hits already have the shared salt, then goes on."""
        await self._try_refresh()
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task
        await self._redis.aclose()

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(_REFRESH_S)
            await self._try_refresh()

    async def _try_refresh(self) -> None:
        if self._imported_life_ms:
            today = _now_ms() // DAY_MS
            # Also what is known already: a Redis that has lost it gets it back.
            await self._share((today - 1, today, today + 1), self._imported_life_ms)
        try:
            await self.refresh(_now_ms())
        except RedisError as error:
            _log.warning("salts cannot be fetched from Redis, trying again: %s", error)


def _date(day: int) -> str:
    return datetime.fromtimestamp(day * 86_400, UTC).date().isoformat()


def _now_ms() -> int:
    return int(datetime.now(UTC).timestamp() * 1000)
