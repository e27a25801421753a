"""ClickHouse for the embedded stack: the engine inside the `chdb-core` wheel with its own ports.

`python -m infra.embedded.clickhouse_server --directory DIR --tcp-port N --http-port N` is the
server. The wheel's module-level `query()` runs the complete clickhouse-local server in the
process, where `SYSTEM START LISTEN` opens the real TCP and HTTP listeners; it stays up as long as
one query keeps reading from a FIFO. Both are private ways of a pinned version
(infra/decisions/0003-embedded-servers.md); tests/integration/test_embedded_clickhouse.py is the
canary.
"""

from __future__ import annotations

import argparse
import base64
import importlib.machinery
import importlib.util
import logging
import os
import re
import secrets
import signal
import sys
import sysconfig
import threading
import urllib.parse
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

from infra.embedded.clickhouse_configuration import Configuration
from infra.embedded.directory_lock import locked
from infra.embedded.service import EmbeddedError, NotReady, Service, fetch
from schemas.settings import ClickHouseAddress

_log = logging.getLogger(__name__)

STOP_TIMEOUT_S = 60.0
_PASSWORD_VARIABLE = "FOOTFALL_EMBEDDED_CLICKHOUSE_PASSWORD"


def service(directory: Path, address: ClickHouseAddress, http_port: int) -> Service:
    """A ClickHouse on `address` that has its database and its user, all data in `directory`."""
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", address.user):
        raise EmbeddedError(f"the embedded ClickHouse cannot have a user named {address.user!r}")
    token = secrets.token_hex(8)
    argv = [sys.executable, "-m", __spec__.name, "--directory", str(directory.resolve())]
    argv += ["--host", address.host, "--tcp-port", str(address.port)]
    argv += ["--http-port", str(http_port), "--token", token]
    argv += ["--user", address.user, "--database", address.database]
    return Service(
        name="clickhouse",
        argv=tuple(argv),
        env={_PASSWORD_VARIABLE: address.password, "TZ": "UTC"},
        ready=lambda _pid: _require_token(address, http_port, token),
        url=f"http://{address.host}:{http_port}",
        host=address.host,
        ports={"clickhouse": address.port, "clickhouse http": http_port},
        ready_timeout_s=60.0,  # after a kill it may have much to load
        stop_timeout_s=STOP_TIMEOUT_S + 5,
    )


def _require_token(address: ClickHouseAddress, http_port: int, token: str) -> None:
    """The application user finds the query that keeps this very server alive."""
    query = f"SELECT count() FROM system.processes WHERE Settings['log_comment'] = '{token}'"
    url = f"http://{address.host}:{http_port}/?" + urllib.parse.urlencode({"query": query})
    login = base64.b64encode(f"{address.user}:{address.password}".encode()).decode()
    answer = fetch(urllib.request.Request(url, headers={"Authorization": f"Basic {login}"}))
    if answer != b"1\n":
        raise NotReady(f"another ClickHouse answers on {address.host}:{http_port}")


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until SIGTERM or SIGINT. 0 after a clean stop, 1 with the reason on stderr."""
    parser = argparse.ArgumentParser(prog="infra.embedded.clickhouse_server", description=__doc__)
    parser.add_argument("--directory", type=Path, required=True)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--tcp-port", type=int, default=19000)
    parser.add_argument("--http-port", type=int, default=18123)
    parser.add_argument("--user", default="footfall")
    parser.add_argument("--database", default="footfall")
    parser.add_argument("--token", default="footfall", help="what readiness looks for")
    given = parser.parse_args(arguments)
    configuration = Configuration(
        directory=given.directory.resolve(),
        host=given.host,
        tcp_port=given.tcp_port,
        http_port=given.http_port,
        user=given.user,
        password=os.environ.get(_PASSWORD_VARIABLE, "footfall"),
        database=given.database,
    )
    try:
        with locked(configuration.directory, "ClickHouse"):
            return _serve(configuration, given.token)
    except (EmbeddedError, OSError) as error:
        _log.error("%s", error)
        return 1


def _serve(configuration: Configuration, token: str) -> int:
    configuration.write()
    os.environ["TZ"] = "UTC"  # the engine ignores <timezone>
    os.chdir(configuration.run_directory)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    writer = _open_fifo(configuration.keep_alive)
    errors: list[str] = []
    engine = threading.Thread(target=_run_engine, args=(configuration, token, errors), daemon=True)
    engine.start()
    while engine.is_alive() and not stop.wait(0.2):  # a limit: any thread may get the signal
        pass
    if not stop.is_set():
        errors.append("the engine ended by itself; its reason is above or in log/error.log")
    os.close(writer)  # the query reads its end, the engine shuts down in order
    engine.join(STOP_TIMEOUT_S)
    if engine.is_alive():
        errors.append(f"the engine did not stop within {STOP_TIMEOUT_S:.0f} s")
    for error in errors:
        _log.error("%s", error)
    return 1 if errors else 0


def _run_engine(configuration: Configuration, token: str, errors: list[str]) -> None:
    """Runs as long as the server does; appends to `errors` why it failed, if it did."""
    script = (
        f"CREATE DATABASE IF NOT EXISTS `{configuration.database}` ENGINE = Atomic; "
        "SYSTEM START LISTEN TCP; SYSTEM START LISTEN HTTP; "
        f"SELECT count() FROM file('{configuration.keep_alive}', 'LineAsString', 'line String') "
        "SETTINGS storage_file_read_method = 'read', max_execution_time = 0, "
        f"log_comment = '{token}' FORMAT Null"
    )
    try:
        result = _load_engine().query(script, "TabSeparated", path=str(configuration.data))
        if result.has_error():
            errors.append(result.error_message())
    except (EmbeddedError, RuntimeError) as error:
        errors.append(str(error))


def _open_fifo(path: Path) -> int:
    """A new FIFO; the returned descriptor is its writing end, to be closed and never written."""
    path.unlink(missing_ok=True)
    os.mkfifo(path, 0o600)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)  # else opening to write would wait
    try:
        return os.open(path, os.O_WRONLY)
    finally:
        os.close(reader)


def _load_engine() -> ModuleType:
    """The extension itself: `import chdb` would start and stop a throw-away engine first."""
    for base in (sysconfig.get_path("platlib"), *sys.path):
        library = Path(base) / "chdb" / "_chdb.abi3.so"
        if library.exists():
            break
    else:
        raise EmbeddedError("chdb-core is not installed: `pip install footfall[embedded]`")
    loader = importlib.machinery.ExtensionFileLoader("_chdb", str(library))
    specification = importlib.util.spec_from_file_location("_chdb", library, loader=loader)
    if specification is None:
        raise EmbeddedError(f"{library} cannot be loaded")
    module = importlib.util.module_from_spec(specification)
    loader.exec_module(module)
    return module


if __name__ == "__main__":
    logging.basicConfig(format="%(message)s", level=logging.INFO)
    code = main()
    logging.shutdown()
    os._exit(code)  # the engine's static destructors are not meant to run in a Python process
