"""How old the generation of picks is that counts, and whether another is due.

Apart from what trains it: who only asks needs neither polars nor its memory.
"""

from __future__ import annotations

import time

from redis import Redis

from schemas.redis_keys import PICKS_KEY

EVERY_S = 3600.0
YOUNG_EVERY_S = 120.0
_YOUNG_PERSONS = 1000  # by whom so few did, a day's visitors change much


def age_s(redis: Redis) -> float | None:
    """How long ago the generation that counts was trained; None where there is none."""
    name = redis.get(PICKS_KEY)
    return _age_s(name) if isinstance(name, bytes) else None


def is_due(redis: Redis) -> bool:
    name = redis.get(PICKS_KEY)
    if not isinstance(name, bytes):
        return True
    return _age_s(name) >= (YOUNG_EVERY_S if _persons(name) < _YOUNG_PERSONS else EVERY_S)


def name_of(trained_at_ms: int, persons: int) -> str:
    """Of a new generation."""
    return f"{trained_at_ms}-{persons}-{time.monotonic_ns():x}"


def _age_s(name: bytes) -> float:
    return time.time() - int(name.split(b"-")[0]) / 1000


def _persons(name: bytes) -> int:
    return int(name.split(b"-")[1])
