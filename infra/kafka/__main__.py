"""make kafka: Apache Kafka on this machine, in the foreground until Ctrl-C."""

from __future__ import annotations

import argparse
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from rich.console import Console

from infra.embedded.launch import command_line, environment
from infra.embedded.ports import free_offset
from infra.embedded.service import EmbeddedError, NotReady, Service
from infra.kafka import install, server
from schemas.settings import Ports


def main() -> int:
    """0 after Ctrl-C or SIGTERM, 1 where Kafka cannot be installed or ends by itself."""
    parser = argparse.ArgumentParser(prog="make kafka", description=__doc__)
    parser.add_argument("--dir", type=Path, help="where its log is kept; default: until it stops")
    given = parser.parse_args()
    screen = Console()
    try:
        with ExitStack() as stack:
            directory = given.dir or Path(
                stack.enter_context(tempfile.TemporaryDirectory(prefix="footfall-kafka-"))
            )
            if install.installed() is None:
                screen.print("Apache Kafka: about 45 MB from Maven Central, the first time ...")
            port = Ports.with_offset(free_offset()).kafka
            return _run(server.service(directory, port, port + 1), screen)
    except EmbeddedError as error:
        screen.print(f"make kafka: {error}", style="red", markup=False)
        return 1


def _run(service: Service, screen: Console) -> int:
    stopped: list[int] = []
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda number, _: stopped.append(number))
    # a session of its own: Ctrl-C reaches it through us, once
    process = subprocess.Popen(
        command_line(service), env=environment(service), start_new_session=True
    )
    try:
        announced = False
        while not stopped and process.poll() is None:
            if not announced:
                announced = _announce(service, process.pid, screen)
            time.sleep(0.1)
    finally:
        process.terminate()
        process.wait()
    return 0 if stopped else 1


def _announce(service: Service, pid: int, screen: Console) -> bool:
    try:
        service.ready(pid)
    except NotReady:
        return False
    screen.print(f"FOOTFALL_KAFKA={service.url}", highlight=False)
    screen.print("In another terminal: give that to footfall up. Ctrl-C ends it.", highlight=False)
    return True


if __name__ == "__main__":
    sys.exit(main())
