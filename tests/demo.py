"""`make demo` for a test: stack, shop and encyclopedia, without simulated shoppers."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.ports import free_offset
from tests.stack import Stack, started


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
    with started(("infra.demo", "--empty"), offset, log, "Three links") as process:
        yield Demo(offset, process, Path())
