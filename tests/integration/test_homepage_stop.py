"""`footfall personalize` as a process: says where it listens, and stops cleanly when asked."""

from __future__ import annotations

import http.client
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from schemas.settings import Ports
from tests.integration.personalize_service import Client
from tests.ports import free_offset


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_with_code_0_though_somebody_watches(
    redis_url: str, kafka_address: str, tmp_path: Path, number: signal.Signals
) -> None:
    offset = free_offset()
    client = Client("127.0.0.1", Ports.with_offset(offset).personalize)
    said = {
        "FOOTFALL_PORT_OFFSET": str(offset),
        "FOOTFALL_REDIS_URL": redis_url,
        "FOOTFALL_KAFKA": kafka_address,
    }
    with (tmp_path / "log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "infra.cli", "personalize"],
            env={**os.environ, **said},
            stdout=log,
            stderr=log,
        )
    try:
        _await_health(client)
        viewer = http.client.HTTPConnection(client.host, client.port, timeout=10)
        viewer.request("GET", "/v1/live")
        viewer.getresponse().readline()
        process.send_signal(number)
        assert process.wait(5) == 0
        viewer.close()
    finally:
        process.kill()
        process.wait()
    assert client.url in (tmp_path / "log").read_text()


def _await_health(client: Client) -> None:
    deadline = time.monotonic() + 20
    while True:
        try:
            assert client.ask("/health").status == 200
        except ConnectionError:
            assert time.monotonic() < deadline, "the service does not start"
            time.sleep(0.05)
        else:
            return
