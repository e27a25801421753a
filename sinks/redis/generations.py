"""Generations of picks in Redis: written whole, then named by the pointer; readers see no half.

parts of the new one ─▶ MULTI: it stays, the pointer names it, the old one expires ─▶ EXEC
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

import msgspec
from redis import Redis
from redis.exceptions import LockError

from schemas.pick_model import PARTS, Trained, Weighed, parts_of, trained_from
from schemas.redis_keys import PICKS_KEY, PICKS_LOCK_KEY, picks_key
from schemas.settings import Settings
from sinks.clickhouse.arrow import ask
from sinks.redis.due import name_of
from sinks.redis.train import Ask, train

_UNFINISHED_S = 3600  # what a killed run wrote is gone after so long
_OLD_S = 600  # for readers who are reading it
_LOCKED_S = 1800.0  # nobody trains so long, or was killed

_log = logging.getLogger(__name__)


class AlreadyTraining(Exception):
    """Another process trains now."""


Weigh = Callable[[Ask, Trained, Weighed | None], Weighed | None]
"""The weights of a new generation, by what is in ClickHouse and those of the one before."""


def train_now(settings: Settings, wait_s: float = 0.0, weigh: Weigh | None = None) -> Trained:
    """Trains from all that is in ClickHouse now, and stores it.

    `wait_s`: for another who trains. `weigh`: left out, the weights stay as they are. Raises
    AlreadyTraining, SinkError, RedisError.
    """
    with Redis.from_url(settings.redis_url, socket_timeout=30) as redis, _locked(redis, wait_s):
        stored = partial(ask, settings)
        trained = train(stored, int(time.time() * 1000))
        weighed = weighed_now(redis)
        if weigh is not None:
            weighed = weigh(stored, trained, weighed)
        trained = msgspec.structs.replace(trained, weighed=weighed)
        store(redis, trained)
    return trained


def weighed_now(redis: Redis) -> Weighed | None:
    """The weights of the generation that counts. Raises RedisError."""
    name = redis.get(PICKS_KEY)
    if not isinstance(name, bytes):
        return None
    key = picks_key(name.decode(errors="replace"))
    try:
        count = int(_field(redis, key, PARTS.decode()))
        parts = {PARTS: str(count).encode()}
        for number in range(count):  # one by one: Redis has others to answer
            parts[str(number).encode()] = _field(redis, key, str(number))
        return trained_from(parts).weighed
    except ValueError as error:  # it is gone, or is no generation
        _log.warning("the weights of picks cannot be read: %s", error)
        return None


def store(redis: Redis, trained: Trained) -> str:
    """Makes it the generation that counts; its name. Raises RedisError."""
    generation = name_of(trained.trained_at, trained.persons)
    key = picks_key(generation)
    for field, value in parts_of(trained):
        redis.hset(key, field, value)
        redis.expire(key, _UNFINISHED_S)
    old = redis.get(PICKS_KEY)
    swap = redis.pipeline(transaction=True)
    swap.persist(key)
    swap.set(PICKS_KEY, generation)
    if isinstance(old, bytes) and old.decode() != generation:
        swap.expire(picks_key(old.decode()), _OLD_S)
    swap.execute()
    return generation


def _field(redis: Redis, key: str, name: str) -> bytes:
    value = redis.hget(key, name)
    return value if isinstance(value, bytes) else b""


@contextmanager
def _locked(redis: Redis, wait_s: float) -> Iterator[None]:
    lock = redis.lock(PICKS_LOCK_KEY, timeout=_LOCKED_S, blocking_timeout=wait_s)
    if not lock.acquire():
        raise AlreadyTraining
    try:
        yield
    finally:
        try:
            lock.release()
        except LockError:
            _log.warning("training took longer than %g s", _LOCKED_S)
