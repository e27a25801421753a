"""footfall rebuild: live state taken away, to be folded again from what the topics still hold.

    remember what was emitted ─▶ fences say `rebuilding` ─▶ barriers ─▶ state goes ─▶ new fences

Workers may run meanwhile. One that still folds finds that its fence is not what it was, applies
nothing and ends (that is what the barriers provoke); whoever is assigned its partitions waits until
the new fences are there.

The topic that is written from outside begins at the earliest record that Kafka has, and so does
what was refused, which is only counted; what stages write to one another begins behind the
barriers, since all of it is emitted again. New epochs make what is emitted again newer than
anything a worker of before can still publish. Below the position that was reached before, only that
is emitted again: what ClickHouse has been told stays as it is, also where it rests on events that
Kafka has let go since.

Killed at any point, and called again, it does the whole of it again.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import cast

import msgspec
from redis import Redis
from redis.exceptions import RedisError

from infra.positions import Offsets, Positions, Unreachable, behind
from infra.topics import has_fences, register_epochs, topic_ids
from schemas.faults import FaultPoint
from schemas.redis_keys import (
    REBUILD_KEY,
    REBUILD_LOCK_KEY,
    REBUILDING,
    epoch_key,
    fence_key,
    live_keys,
    quiet_key,
)
from schemas.settings import Settings
from schemas.states_form import STATES_FORM, STATES_FORM_KEY, wrong_form
from schemas.topics import FLOW, RAW, READ, REJECTED, STREAM_GROUP, Position, Topic, next_epoch

_SOURCE = RAW
_LOCK_S = 60
_SCANNED_AT_ONCE = 2000


class RebuildError(Exception):
    """Nothing was begun. The message names the mend."""


class Plan(msgspec.Struct):
    """What must outlive a rebuild that is killed: how far each partition had been emitted."""

    topic_id: str
    emitted: Offsets


class Begun(msgspec.Struct):
    removed: int  # keys
    records: int  # of the topic that is folded again


def begin(settings: Settings, passed: FaultPoint = lambda step: None) -> Begun:
    """Take live state away and set the fences; from then on workers fold it anew.

    Raises RebuildError, Unreachable, MigrationError, and ConfigurationError for a topic with
    another partition count.
    """
    ids = topic_ids(settings)
    try:
        with (
            Redis.from_url(settings.redis_url, socket_timeout=30) as redis,
            Positions(settings, STREAM_GROUP) as positions,
            _alone(redis) as still_alone,
        ):
            plan = _plan(redis, positions, ids[_SOURCE.name])
            redis.set(REBUILD_KEY, msgspec.json.encode(plan))
            passed("planned")
            for topic in READ:
                for partition in range(topic.partitions):
                    redis.set(fence_key(topic, partition), REBUILDING)
            passed("stopped")
            register_epochs(settings)
            begins = {topic: positions.barrier(topic) for topic in READ}
            begins[REJECTED] = positions.begins(REJECTED)
            begins[_SOURCE], ends = positions.begins(_SOURCE), begins[_SOURCE]
            removed = 0
            for keys in _state_keys(redis):
                removed += redis.unlink(*keys)
                still_alone()
            passed("removed")
            redis.set(STATES_FORM_KEY, STATES_FORM)
            _set_fences(redis, begins, {p: min(n, ends[p]) for p, n in plan.emitted.items()})
            passed("begun")
            redis.delete(REBUILD_KEY)
            return Begun(removed, behind(ends, begins[_SOURCE]))
    except RedisError as error:
        raise Unreachable(f"Redis at {settings.redis_url}: {error}") from error


def begin_if_forgotten(settings: Settings, made: Sequence[str]) -> bool:
    """`begin` where Redis has forgotten what the stream had folded; whether it had.

    `made`: names of the topics that are new. Raises as `begin`.
    """
    if _SOURCE.name in made:
        return False
    try:
        with Redis.from_url(settings.redis_url, socket_timeout=30) as redis:
            if redis.exists(*map(epoch_key, READ), REBUILD_KEY):
                return False
    except RedisError as error:
        raise Unreachable(f"Redis at {settings.redis_url}: {error}") from error
    with Positions(settings, STREAM_GROUP) as positions:
        if not any(positions.committed(_SOURCE).values()):
            return False
    begin(settings)
    return True


def begin_if_of_another_form(settings: Settings) -> bool:
    """`begin` where another version of Footfall wrote what Redis holds; whether it had.

    Raises as `begin`.
    """
    try:
        with Redis.from_url(settings.redis_url, socket_timeout=30) as redis:
            if not wrong_form(redis.get(STATES_FORM_KEY)) or not has_fences(redis):
                return False
    except RedisError as error:
        raise Unreachable(f"Redis at {settings.redis_url}: {error}") from error
    begin(settings)
    return True


def left(settings: Settings) -> Iterator[int]:
    """Records still to be folded, asked again at each step, until there are none."""
    with Positions(settings) as positions:
        for topic in FLOW:
            ends = positions.barrier(topic)
            while (records := behind(ends, positions.fences(topic))) > 0:
                yield records
    yield 0


@contextmanager
def _alone(redis: Redis) -> Iterator[_Renew]:
    """No other rebuild meanwhile: it would take away what is folded after this one."""
    mine = secrets.token_hex(8)
    if not redis.set(REBUILD_LOCK_KEY, mine, nx=True, ex=_LOCK_S):
        raise RebuildError(
            "another footfall rebuild runs, or was killed just now; "
            f"wait {redis.ttl(REBUILD_LOCK_KEY)} s and call it again"
        )
    still_mine = _Renew(redis, mine)
    try:
        yield still_mine
    finally:
        if still_mine.holds():
            redis.delete(REBUILD_LOCK_KEY)


class _Renew:
    """Called while the work goes on; raises RebuildError where another has taken over."""

    def __init__(self, redis: Redis, mine: str) -> None:
        self._redis = redis
        self._mine = mine.encode()

    def holds(self) -> bool:
        return bool(self._redis.get(REBUILD_LOCK_KEY) == self._mine)

    def __call__(self) -> None:
        if not self.holds():
            raise RebuildError("another footfall rebuild has taken over")
        self._redis.expire(REBUILD_LOCK_KEY, _LOCK_S)


def _plan(redis: Redis, positions: Positions, topic_id: str) -> Plan:
    """How far the source had been emitted; of a rebuild that was killed, what that one knew."""
    known: Offsets = {}
    registered = cast(bytes | None, redis.hget(epoch_key(_SOURCE), "topic_id"))
    if registered is None:
        # Redis has forgotten: what the stream committed was emitted before it was committed
        known = positions.committed(_SOURCE)
    elif registered.decode() == topic_id:
        known = _reached(redis)
    raw = cast(bytes | None, redis.get(REBUILD_KEY))
    if raw is not None:
        killed = msgspec.json.decode(raw, type=Plan)
        if killed.topic_id == topic_id:
            for partition, offset in killed.emitted.items():
                known[partition] = max(offset, known.get(partition, 0))
    return Plan(topic_id, known)


def _reached(redis: Redis) -> Offsets:
    """Fences of the present epoch, and below which position the last rebuild was quiet."""
    epoch = int(cast(bytes, redis.hget(epoch_key(_SOURCE), "epoch")))
    reached: Offsets = {}
    for partition in range(_SOURCE.partitions):
        for key in (fence_key(_SOURCE, partition), quiet_key(_SOURCE, partition)):
            raw = cast(bytes | None, redis.get(key))
            if raw is None or raw == REBUILDING:
                continue
            at = Position.decode(raw)
            if at.epoch == epoch:
                reached[partition] = max(at.offset, reached.get(partition, 0))
    return reached


def _state_keys(redis: Redis) -> Iterator[list[bytes]]:
    """All that stages keep, without fences, some at a time."""
    for topic in READ:
        fences = {fence_key(topic, p).encode() for p in range(topic.partitions)}
        found: list[bytes] = []
        for key in redis.scan_iter(live_keys(topic), count=_SCANNED_AT_ONCE):
            if key not in fences:
                found.append(key)
            if len(found) >= _SCANNED_AT_ONCE:
                yield found
                found = []
        if found:
            yield found


def _set_fences(redis: Redis, begins: dict[Topic, Offsets], emitted: Offsets) -> None:
    """Epochs first, the source's fences last: nothing is folded before all is ready for it."""
    epochs = {topic: _raise_epoch(redis, topic) for topic in READ}
    for partition, offset in emitted.items():
        redis.set(quiet_key(_SOURCE, partition), Position(epochs[_SOURCE], offset).encode())
    for topic in reversed(READ):
        for partition, offset in begins[topic].items():
            redis.set(fence_key(topic, partition), Position(epochs[topic], offset).encode())


def _raise_epoch(redis: Redis, topic: Topic) -> int:
    epoch = next_epoch(int(cast(bytes, redis.hget(epoch_key(topic), "epoch"))))
    redis.hset(epoch_key(topic), "epoch", epoch)
    return epoch
