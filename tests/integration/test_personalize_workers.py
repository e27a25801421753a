"""`footfall personalize --workers 2`: one port, one answer for all, replaced when one dies."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import msgspec

from schemas.settings import Ports, Settings
from tests.integration.personalize_service import Client, make_raw_topic
from tests.ports import free_offset
from tests.processes import await_true, footfall

DECISIONS = 'footfall_homepage_decisions_total{variant="classic"}'


def test_two_workers_serve_one_port(
    addresses: Settings, redis_url: str, kafka_address: str, tmp_path: Path
) -> None:
    make_raw_topic(kafka_address)
    settings = msgspec.structs.replace(addresses, ports=Ports.with_offset(free_offset()))
    log = tmp_path / "log"
    client = Client(settings.bind, settings.ports.personalize)

    def answers() -> bool:
        try:
            return client.ask("/v1/homepage").status == 200
        except OSError:
            return False

    def listening() -> int:
        return log.read_text().count("personalize listens")

    with footfall("personalize --workers 2", settings, log) as parent:
        await_true(lambda: listening() == 2, 30, "both workers listen")
        for _ in range(40):
            assert answers()
        await_true(lambda: client.metric(DECISIONS) == 40, 5, "all decisions are told by one")
        workers = children(parent.pid)
        assert len(workers) == 2
        os.kill(workers[0], signal.SIGKILL)
        await_true(lambda: listening() == 3, 30, "another takes its place")
        for _ in range(20):
            assert answers()
        await_true(lambda: client.metric(DECISIONS) >= 60, 5, "what the dead one counted stays")
        second = subprocess.run(
            [*parent.args],  # type: ignore[misc]  # a list of words
            env=os.environ | {"FOOTFALL_PORT_OFFSET": str(settings.ports.collect - 8080)},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert second.returncode == 2
        assert f"port {settings.ports.personalize} is taken" in second.stderr
        running = children(parent.pid)
        parent.send_signal(signal.SIGTERM)
        assert parent.wait(40) == 0, log.read_text()
    assert not any(Path(f"/proc/{pid}").exists() for pid in running)
    assert "killed" not in log.read_text()


def children(pid: int) -> list[int]:
    found = subprocess.run(
        ["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True, check=False
    )
    return [int(line) for line in found.stdout.split()]
