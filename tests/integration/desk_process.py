"""The demo's SQL desk as a process, as `make demo` starts it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import httpx

from tests.processes import await_true


@contextmanager
def desk(environment: Mapping[str, str], port: int) -> Iterator[str]:
    """Its address, for the length of the block; ended by SIGTERM it exits with 0."""
    process = subprocess.Popen(
        [sys.executable, "-m", "infra.demo.desk"], env=environment, stdin=subprocess.DEVNULL
    )
    url = f"http://127.0.0.1:{port}"

    def answers() -> bool:
        assert process.poll() is None, "the desk has ended"
        try:
            return httpx.get(f"{url}/health", trust_env=False).is_success
        except httpx.TransportError:
            return False

    try:
        await_true(answers, 20, "the desk answers")
        yield url
        process.terminate()
        assert process.wait(10) == 0
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
