"""Salts of the days of imported lines, kept in Redis as long as an import may be repeated."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

import redis
from redis.exceptions import RedisError

from ingest.collector.pseudonym import SALT_BYTES
from ingest.logs.errors import ServerAway
from schemas.redis_keys import salt_key


class ImportSalts:
    """Salts by UTC day, made when first asked for and shared by all imports."""

    def __init__(self, redis_url: str, life_ms: int) -> None:
        self._url = redis_url
        self._redis = redis.Redis.from_url(redis_url, socket_timeout=5, socket_connect_timeout=5)
        self._life_ms = life_ms
        self._salts: dict[int, bytes] = {}

    def of(self, days: Iterable[int]) -> Mapping[int, bytes]:
        """Salts of days since 1970, those asked for among them. Raises ServerAway."""
        missing = sorted(set(days) - self._salts.keys())
        if missing:
            keys = [salt_key(_date(day), imported=True) for day in missing]
            with self._redis.pipeline(transaction=False) as pipeline:
                for key in keys:
                    salt = secrets.token_bytes(SALT_BYTES)
                    pipeline.set(key, salt, nx=True, px=self._life_ms)
                    pipeline.get(key)
                try:
                    answers = pipeline.execute()
                except RedisError as error:
                    raise ServerAway(
                        f"Redis at {_shown(self._url)} does not keep the salts of this import "
                        f"({error}); start it and import again"
                    ) from error
            self._salts.update(zip(missing, answers[1::2], strict=True))
        return self._salts

    def close(self) -> None:
        self._redis.close()


def _date(day: int) -> str:
    return datetime.fromtimestamp(day * 86_400, UTC).date().isoformat()


def _shown(url: str) -> str:
    """Without a password."""
    return url.rpartition("@")[2].removeprefix("redis://")
