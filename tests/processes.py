"""Footfall's services as processes of a test: started, killed, started again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from schemas.settings import Ports, Settings


def environment_of(settings: Settings, **more: str) -> dict[str, str]:
    """The environment that gives a process these settings."""
    offset = settings.ports.collect - Ports.with_offset(0).collect
    return {
        **os.environ,
        "FOOTFALL_PORT_OFFSET": str(offset),
        "FOOTFALL_KAFKA": settings.kafka,
        "FOOTFALL_REDIS_URL": settings.redis_url,
        "FOOTFALL_CLICKHOUSE_URL": settings.clickhouse_url,
        "FOOTFALL_CLICKHOUSE_HTTP_URL": settings.clickhouse_http_url,
        "FOOTFALL_SECRET_KEY": settings.secret_key,
        "FOOTFALL_ADMIN_TOKEN": settings.admin_token,
        **more,
    }


@contextmanager
def footfall(
    command: str, settings: Settings, log: Path, **more: str
) -> Iterator[subprocess.Popen[bytes]]:
    """`footfall COMMAND` for the length of the block; killed at its end if it still runs."""
    with log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "infra.cli", *command.split()],
            env=environment_of(settings, **more),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
        process.wait()


@contextmanager
def supervised(
    command: str, settings: Settings, log: Path, before_restart: Callable[[], None]
) -> Iterator[None]:
    """`footfall COMMAND`, started again whenever it ends, as whoever runs it in earnest does it."""
    stopping = threading.Event()

    def keep_running() -> None:
        while not stopping.is_set():
            with footfall(command, settings, log) as process:
                while process.poll() is None and not stopping.wait(0.05):
                    pass
            if not stopping.is_set():
                before_restart()

    with ThreadPoolExecutor(1) as pool:
        keeper = pool.submit(keep_running)
        try:
            yield
        finally:
            stopping.set()
            keeper.result()


def await_true(condition: Callable[[], object], timeout_s: float, what: str) -> None:
    """Polls; raises AssertionError naming `what` when time is up."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, f"not within {timeout_s:g} s: {what}"
        time.sleep(0.05)
