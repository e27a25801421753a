"""One erasure from end to end. Killed anywhere and called again, it goes on where it was."""

from __future__ import annotations

import logging
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import cast

import msgspec
from clickhouse_driver import Client
from redis import Redis
from redis.exceptions import RedisError

from infra.drain import drain
from infra.erasure import memory, rows, stages
from infra.erasure.search import mentions
from infra.erasure.whom import Unknown, Whom, find
from infra.positions import Unreachable
from schemas.forget import Memory, digest
from schemas.identifiers import KINDS, node_of, normalized
from schemas.redis_keys import FORGET_KEY, FORGET_LOCK_KEY, place_of
from schemas.settings import Settings
from schemas.site import Site
from schemas.topics import FOLDED, RAW, Topic
from sinks.clickhouse.client import connect

_ROUNDS = 6
_LOCK_S = 30
_log = logging.getLogger(__name__)

Say = Callable[[str], None]


class ErasureError(Exception):
    """It is not done; the message names the mend. Calling it again goes on."""


class Erased(msgspec.Struct, kw_only=True):
    """What was taken away, by store."""

    kind: str
    asked_at: str  # ISO, UTC
    redis: dict[str, int]  # topic whose stage kept it -> states
    clickhouse: dict[str, int]  # table -> rows
    shared_devices: int  # cookies that stay: others have logged in with them too
    kafka_until: str  # the day after which Kafka has let go of its copy
    again: bool = False  # it had been forgotten before; nothing was left


def forget(settings: Settings, site: Site, secret: str, identifier: str, say: Say) -> Erased:
    """Raises Unknown, ErasureError, Unreachable, SinkError by clickhouse_driver's errors."""
    client = connect(settings.clickhouse)
    try:
        with Redis.from_url(settings.redis_url, socket_timeout=60) as redis, _alone(redis):
            return _Erasure(settings, site, secret, client, redis, say).of(identifier)
    except RedisError as error:
        raise Unreachable(f"Redis at {settings.redis_url}: {error}") from error
    finally:
        client.disconnect()


class _Erasure:
    def __init__(
        self,
        settings: Settings,
        site: Site,
        secret: str,
        client: Client,
        redis: Redis,
        say: Say,
    ) -> None:
        self._settings = settings
        self._site = site
        self._secret = secret
        self._client = client
        self._redis = redis
        self._say = say

    def of(self, identifier: str) -> Erased:
        left = cast(bytes | None, self._redis.get(FORGET_KEY))
        if left is not None:
            whom = msgspec.json.decode(left, type=Whom)
            self._say("an erasure that was interrupted is finished first")
            done = self._erase(whom)
            if identifier in {whom.identifier, *whom.identifiers}:
                return done
        self._arrive()
        now = int(time.time() * 1000)
        try:
            whom = find(self._client, identifier, self._secret, now)
        except Unknown:
            if (at := self._forgotten_at(identifier)) is None:
                raise
            return self._report(Whom(identifier, "", at, set(), set(), {}), {}, {}, again=True)
        self._redis.set(FORGET_KEY, msgspec.json.encode(whom))
        return self._erase(whom)

    def _erase(self, whom: Whom) -> Erased:
        self._say("live state")
        states = self._tell_stages(whom)
        self._say("ClickHouse")
        whom.rejected.update(rows.find_rejected(self._client, whom))
        told_until = int(time.time() * 1000)
        kept = {place_of(*at): held for at, held in self._memories.items()}
        rows.keep(self._client, kept, whom.rejected, self._secret, told_until)
        gone = rows.erase(self._client, whom)
        self._look_again(whom)
        self._redis.delete(FORGET_KEY)
        return self._report(whom, states, gone)

    def _tell_stages(self, whom: Whom) -> dict[str, int]:
        """Until no state mentions whom; how many did at first, by topic."""
        states = {topic.name: mentions(self._redis, topic, whom) for topic in FOLDED}
        counts = {name: len(found) for name, found in states.items()}
        lines = stages.all_lines(whom, states)
        self._memories = _by_topic(stages.memories(lines, self._secret))
        raw = [entry for entry in lines if entry[0] is RAW]
        stages.publish(self._settings, raw)  # first: what flows on from there comes before the rest
        self._arrive()
        stages.publish(self._settings, [entry for entry in lines if entry[0] is not RAW])
        for _ in range(_ROUNDS):
            self._arrive()
            states = {topic.name: mentions(self._redis, topic, whom) for topic in FOLDED}
            if not any(states.values()):
                self._check_secret()
                return counts
            lines = [entry for entry in stages.all_lines(whom, states) if states[entry[0].name]]
            stages.publish(self._settings, lines)
        raise ErasureError(
            f"live state still mentions the person ({_counted(states)}): it is being written to; "
            "call footfall forget again"
        )

    def _arrive(self) -> None:
        """Until all that was accepted so far is in live state and in ClickHouse."""
        if missing := drain(self._settings, 120):
            where = ", ".join(f"{one.topic} by {one.by}" for one in missing)
            raise ErasureError(
                f"not all that was accepted has arrived ({where}): footfall stream and footfall "
                "sink must run; then call footfall forget again"
            )

    def _check_secret(self) -> None:
        """The stages hash with their secret, this command with its own."""
        for (topic, partition), expected in self._memories.items():
            held = memory.of_place(self._redis, topic, partition)
            if not expected.keys() <= held.keys():
                raise ErasureError(
                    "FOOTFALL_SECRET_KEY is not that of footfall stream: what keeps replays out "
                    "would not hold; call footfall forget again with the same key"
                )

    def _look_again(self, whom: Whom) -> None:
        states = {topic.name: mentions(self._redis, topic, whom) for topic in FOLDED}
        if any(states.values()) or any(rows.find_rejected(self._client, whom)):
            raise ErasureError(
                f"something came back ({_counted(states)}): call footfall forget again"
            )

    def _forgotten_at(self, identifier: str) -> int | None:
        """When (ms) who had this identifier was forgotten."""
        values = {kind: normalized(kind, identifier) for kind in KINDS}
        nodes = [node_of(kind, value, self._secret) for kind, value in values.items() if value]
        marks = {
            digest("user", identifier, self._secret),
            digest("person", identifier, self._secret),
            *(digest("device", device, self._secret) for device in (identifier, *nodes)),
        }
        kept = [memory.of_place(self._redis, topic, p) for _, topic, p in memory.places()]
        found = [held[mark][-1][1] for held in kept for mark in marks & held.keys()]
        return max(found, default=None)

    def _report(
        self,
        whom: Whom,
        states: dict[str, int],
        gone: dict[str, int],
        again: bool = False,
    ) -> Erased:
        until = (whom.at + self._site.retention.kafka_ms) / 1000
        return Erased(
            kind=whom.kind,
            asked_at=datetime.fromtimestamp(whom.at / 1000, UTC).isoformat(timespec="seconds"),
            redis=states,
            clickhouse=gone,
            shared_devices=len(whom.shared),
            kafka_until=datetime.fromtimestamp(until, UTC).date().isoformat(),
            again=again,
        )


def _by_topic(
    memories: dict[tuple[str, int], Memory],
) -> dict[tuple[Topic, int], Memory]:
    topics = {topic.name: topic for topic in FOLDED}
    return {(topics[name], partition): held for (name, partition), held in memories.items()}


def _counted(states: dict[str, set[str]]) -> str:
    return ", ".join(f"{name}: {len(found)}" for name, found in states.items() if found)


@contextmanager
def _alone(redis: Redis) -> Iterator[None]:
    """One erasure at a time: they share what is remembered of the one under way."""
    mine = secrets.token_hex(8)
    if not redis.set(FORGET_LOCK_KEY, mine, nx=True, ex=_LOCK_S):
        raise ErasureError(
            "another footfall forget runs, or was killed just now; "
            f"wait {redis.ttl(FORGET_LOCK_KEY)} s and call it again"
        )
    over = threading.Event()

    def renew() -> None:
        while not over.wait(_LOCK_S / 3):
            redis.expire(FORGET_LOCK_KEY, _LOCK_S)

    renewing = threading.Thread(target=renew, daemon=True)
    renewing.start()
    try:
        yield
    finally:
        over.set()
        renewing.join()
        if redis.get(FORGET_LOCK_KEY) == mine.encode():
            redis.delete(FORGET_LOCK_KEY)
