"""Several processes of one web service on one port: started, replaced when they die, stopped.

Each listens by itself with SO_REUSEPORT, so the kernel spreads connections over them; one that
dies takes with it the connections it had. Where the system does not spread them (macOS), one may
get most of them.
"""

from __future__ import annotations

import logging
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from infra.embedded.launch import bound_to_us
from infra.embedded.ports import is_taken
from personalize_api.worker import DIRECTORY, NUMBER, retire
from schemas.settings import ConfigurationError

_log = logging.getLogger(__name__)

_PAUSE_S = (0.2, 5.0)  # before a worker is started again: first, longest
_SETTLED_S = 30.0
_STOP_S = 30.0
_LOOK_EVERY_S = 0.1


@dataclass
class _Place:
    """Where one worker runs, and its next one after it."""

    number: int
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    start_at: float = 0.0
    pause_s: float = _PAUSE_S[0]


def run_workers(
    service: str, count: int, host: str, port: int, environment: Mapping[str, str]
) -> int:
    """Runs until SIGTERM or SIGINT; 0 when all workers have stopped in order.

    1 where a worker ends before it has ever served: what is wrong with it is wrong with all.
    Raises ConfigurationError where the port is taken.
    """
    if is_taken(host, port):
        raise ConfigurationError(
            f"port {port} is taken; stop what uses it or set FOOTFALL_PORT_OFFSET"
        )
    stopping: list[int] = []

    def stop(number: int, _: FrameType | None) -> None:
        stopping.append(number)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    with tempfile.TemporaryDirectory(prefix="footfall-workers-") as folder, _reserved(host, port):
        own = {**environment, DIRECTORY: folder}
        places = [_Place(number) for number in range(count)]
        failed = False
        while not stopping and not failed:
            failed = not all(_look_after(place, service, own, Path(folder)) for place in places)
            time.sleep(_LOOK_EVERY_S)
        _stop(places)
    return int(failed)


def _reserved(host: str, port: int) -> socket.socket:
    """Bound and never listening: the port stays ours while workers come and go."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    held = socket.socket(family, socket.SOCK_STREAM)
    for option in (socket.SO_REUSEADDR, socket.SO_REUSEPORT):
        held.setsockopt(socket.SOL_SOCKET, option, 1)
    held.bind((host, port))
    return held


def _look_after(place: _Place, service: str, environment: Mapping[str, str], folder: Path) -> bool:
    """False where the worker has ended at its very first start."""
    now = time.monotonic()
    if place.process is None:
        if now >= place.start_at:
            _start(place, service, environment)
        return True
    code = place.process.poll()
    if code is None:
        return True
    retire(folder, place.number, place.process.pid)
    lived_s = now - place.started
    if code > 0 and lived_s < _SETTLED_S and place.pause_s == _PAUSE_S[0] and not _served(folder):
        _log.error("worker %d ended with code %d before it served", place.number, code)
        return False
    place.pause_s = _PAUSE_S[0] if lived_s >= _SETTLED_S else min(2 * place.pause_s, _PAUSE_S[1])
    _log.warning("worker %d ended with code %d; another takes its place", place.number, code)
    place.process, place.start_at = None, now + place.pause_s
    return True


def _served(folder: Path) -> bool:
    """Whether any worker has ever told of its metrics."""
    return any(folder.iterdir())


def _start(place: _Place, service: str, environment: Mapping[str, str]) -> None:
    argv = (sys.executable, "-m", "infra.cli", service)
    place.started = time.monotonic()
    place.process = subprocess.Popen(
        bound_to_us(argv),
        env={**environment, NUMBER: str(place.number)},
        stdin=subprocess.DEVNULL,
        start_new_session=True,  # Ctrl-C is for the parent, which stops them in order
    )


def _stop(places: list[_Place]) -> None:
    running = [place.process for place in places if place.process is not None]
    for process in running:
        process.terminate()
    deadline = time.monotonic() + _STOP_S
    for process in running:
        try:
            process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            _log.warning("worker %d did not stop in %g s, killed", process.pid, _STOP_S)
            process.kill()
            process.wait()
