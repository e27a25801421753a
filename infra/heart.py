"""A service's heartbeat: what it says of itself, written into Redis every two seconds.

A thread of its own writes it, so that no event loop waits for Redis. What is said is asked of the
loop, if there is one: a service that hangs says nothing, and that is what readers are to see.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import threading
import time
from collections.abc import Callable
from concurrent.futures import CancelledError
from functools import partial
from typing import cast

import msgspec
from redis import Redis
from redis.exceptions import RedisError

from schemas.heartbeat import (
    BEAT_EVERY_S,
    Heartbeat,
    Service,
    Tell,
    Told,
    encode_heartbeat,
    field_of,
    read_heartbeats,
)
from schemas.redis_keys import HEARTBEATS_KEY
from schemas.settings import Settings

log = logging.getLogger(__name__)

_SOCKET_TIMEOUT_S = 1.0
_ANSWER_S = 0.2
_ANSWER_TRIES = 25  # then the loop hangs
_UNTIL_ASKED_S = 0.1
_STOP_S = 3.0
_CLEAN_EVERY = 300  # beats


class _NoAnswer(Exception):
    """Whom the heart asks says nothing."""


class Heart:
    """Of one service. It beats inside its block, from when `listen` was told whom to ask."""

    def __init__(
        self, settings: Settings, service: Service, name: str, site: Callable[[], str] = str
    ) -> None:
        """`name`: what tells instances on one machine apart, and stays after a restart. `site`:
        digest of the site file that the service runs, '' where it reads none.
        """
        self._redis = Redis.from_url(
            settings.redis_url,
            socket_timeout=_SOCKET_TIMEOUT_S,
            socket_connect_timeout=_SOCKET_TIMEOUT_S,
        )
        self._service = service
        self._instance = f"{socket.gethostname()}:{name}"
        self._site = site
        self._started_at = _now_ms()
        self._ask: Tell | None = None
        self._told = Told()
        self._beats = 0
        self._complained = ""
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="heart", daemon=True)

    def listen(self, tell: Tell, loop: asyncio.AbstractEventLoop | None) -> None:
        """From now on `tell` is asked, in `loop`."""
        self._ask = tell if loop is None else partial(self._ask_in_loop, tell, loop)

    def __enter__(self) -> Heart:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Says that the service stops on purpose."""
        self._stop.set()
        self._thread.join(_STOP_S)

    def _run(self) -> None:
        while not self._stop.is_set():
            if self._ask is not None:
                self._beat(self._ask)
            self._stop.wait(BEAT_EVERY_S if self._ask else _UNTIL_ASKED_S)
        if self._beats:
            self._write(self._said(stopped=True))
        self._redis.close()

    def _beat(self, ask: Tell) -> None:
        try:
            self._told = ask()
        except _NoAnswer:
            self._complain("the event loop does not answer")
            return
        self._write(self._said())
        if self._beats % _CLEAN_EVERY == 0:
            self._clean()
        self._beats += 1

    def _ask_in_loop(self, tell: Tell, loop: asyncio.AbstractEventLoop) -> Told:
        """Raises _NoAnswer: the loop hangs, has ended, or is to end."""

        async def told() -> Told:
            return tell()

        asked = told()
        try:
            waiting = asyncio.run_coroutine_threadsafe(asked, loop)
        except RuntimeError as error:
            asked.close()
            raise _NoAnswer from error
        for _ in range(_ANSWER_TRIES):
            try:
                return waiting.result(_ANSWER_S)
            except TimeoutError:
                if self._stop.is_set():
                    break
            except CancelledError as error:
                raise _NoAnswer from error
        waiting.cancel()
        raise _NoAnswer

    def _said(self, *, stopped: bool = False) -> Heartbeat:
        return Heartbeat(
            **msgspec.structs.asdict(self._told),
            service=self._service,
            instance=self._instance,
            at=_now_ms(),
            started_at=self._started_at,
            site=self._site(),
            stopped=stopped,
        )

    def _write(self, beat: Heartbeat) -> None:
        try:
            self._redis.hset(HEARTBEATS_KEY, field_of(beat), encode_heartbeat(beat))
        except RedisError as error:
            self._complain(f"Redis: {error}")
        else:
            self._complained = ""

    def _complain(self, why: str) -> None:
        """Once, until it beats again."""
        if not self._complained and not self._stop.is_set():
            log.warning("no heartbeat: %s", why)
        self._complained = why

    def _clean(self) -> None:
        """Takes away what no reader would show any more."""
        try:
            found = cast(dict[bytes, bytes], self._redis.hgetall(HEARTBEATS_KEY))
            kept = {field_of(beat).encode() for beat in read_heartbeats(found.values(), _now_ms())}
            if gone := found.keys() - kept:
                self._redis.hdel(HEARTBEATS_KEY, *gone)
        except RedisError:
            return  # it will be there at the next beat, or is told of


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
