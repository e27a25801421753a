"""Picks trained again and again beside the sink, each time by a process of its own.

So the sink keeps its memory and its pace, and what the training took is given back.
"""

from __future__ import annotations

import logging
import subprocess
import sys
import threading
import time

from redis import Redis
from redis.exceptions import RedisError

from schemas.settings import Settings
from sinks.redis.due import is_due

_LOOK_S = 20.0
_AFTER_FAILURE_S = 120.0
_STOP_S = 5.0

_log = logging.getLogger(__name__)


def train_regularly(settings: Settings, stop: threading.Event) -> None:
    """Until `stop` is set: once an hour, and every few minutes while there is little yet."""
    not_before = 0.0
    while not stop.wait(_LOOK_S):
        if time.monotonic() < not_before:
            continue
        try:
            with Redis.from_url(settings.redis_url, socket_timeout=5) as redis:
                due = is_due(redis)
        except (RedisError, OSError, ValueError) as error:
            _log.warning("whether picks are due cannot be seen: %s", error)
            continue
        if due and not _train(stop):
            not_before = time.monotonic() + _AFTER_FAILURE_S


def _train(stop: threading.Event) -> bool:
    """Whether there are new picks; what the process says is in the sink's own log."""
    command = [sys.executable, "-m", "infra.cli", "picks", "train", "--weights", "due"]
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL)
    while process.poll() is None:
        if stop.wait(0.5):
            process.terminate()
            try:
                process.wait(_STOP_S)
            except subprocess.TimeoutExpired:
                process.kill()
            return False
    return process.returncode == 0
