"""Generations of picks in Redis: written whole, then named by the pointer; readers see no half.

parts of the new one ─▶ MULTI: it stays, the pointer names it, the old one expires ─▶ EXEC
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from redis import Redis
from redis.exceptions import LockError

from schemas.pick_model import Trained, parts_of
from schemas.redis_keys import PICKS_KEY, PICKS_LOCK_KEY, picks_key
from schemas.settings import Settings
from sinks.clickhouse.arrow import ask
from sinks.redis.due import name_of
from sinks.redis.train import train

_UNFINISHED_S = 3600  # what a killed run wrote is gone after so long
_OLD_S = 600  # for readers who are reading it
_LOCKED_S = 600.0  # nobody trains so long, or was killed

_log = logging.getLogger(__name__)


class AlreadyTraining(Exception):
    """Another process trains now."""


def train_now(settings: Settings, wait_s: float = 0.0) -> Trained:
    """Trains from all that is in ClickHouse now, and stores it.

    `wait_s`: for another who trains. Raises AlreadyTraining, SinkError, RedisError.
    """
    with Redis.from_url(settings.redis_url, socket_timeout=30) as redis, _locked(redis, wait_s):
        trained = train(partial(ask, settings), int(time.time() * 1000))
        store(redis, trained)
    return trained


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
