"""`make demo` for a test: stack, shop and encyclopedia, without simulated shoppers."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from infra.embedded.ports import free_offset
from tests.stack import Stack


class Demo(Stack):
    """A stack with its shop. What a browser sees, and what an analyst finds afterwards."""

    def __init__(self, offset: int, process: subprocess.Popen[bytes], state_dir: Path) -> None:
        super().__init__(state_dir, offset, process)
        self.shop = f"http://localhost:{8082 + offset}"
        self.encyclopedia = f"http://127.0.0.1:{8083 + offset}"
        self.desk = f"http://127.0.0.1:{8086 + offset}"


@contextmanager
def demo(log: Path) -> Iterator[Demo]:
    """The demo with nobody in it until the block ends, then SIGTERM; a bad stop is an error."""
    offset = free_offset()
    environment = {**os.environ, "FOOTFALL_PORT_OFFSET": str(offset)}
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "infra.demo", "--empty"],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        deadline = time.monotonic() + 90
        while "Three links" not in log.read_text():
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.1)
        yield Demo(offset, process, Path())
        process.terminate()
        assert process.wait(120) == 0, log.read_text()
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
