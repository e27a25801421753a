"""What the supervisor is made of: the directory lock, the console, ports, the stack's secret."""

from __future__ import annotations

import io
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from infra.embedded.console import Console
from infra.embedded.directory_lock import DirectoryInUse, locked
from infra.embedded.ports import free_offset, is_taken
from infra.embedded.stack import secret_of
from schemas.settings import Ports
from tests.requirements import require


def test_a_directory_is_held_by_one_process_at_a_time(tmp_path: Path) -> None:
    holder = (
        "from infra.embedded.directory_lock import locked; from pathlib import Path; import sys"
    )
    body = f"{holder}\nwith locked(Path(sys.argv[1]), 'footfall up'): print('held'); input()"
    with subprocess.Popen(
        [sys.executable, "-c", body, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        message = rf"in use by another footfall up \(process {process.pid}\)"
        with pytest.raises(DirectoryInUse, match=message), locked(tmp_path, "footfall up"):
            pass
        process.kill()
    with locked(tmp_path, "footfall up"):
        assert (tmp_path / "lock").stat().st_mode & 0o077 == 0


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_names_are_coloured_on_a_terminal_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    plain, terminal = io.StringIO(), _Terminal()
    for output in (plain, terminal):
        console = Console(output)
        console.line("broker", "ready")
        console.line("redis", "ready")
    assert plain.getvalue() == "broker      | ready\nredis       | ready\n"
    broker, redis = terminal.getvalue().splitlines()
    assert broker.endswith("broker      |\x1b[0m ready")
    assert broker[:5] != redis[:5], "each name has a colour of its own"

    monkeypatch.setenv("NO_COLOR", "1")
    uncoloured = _Terminal()
    Console(uncoloured).line("broker", "ready")
    assert uncoloured.getvalue() == "broker      | ready\n"


def test_an_output_that_nobody_reads_any_more_is_no_error() -> None:
    class Gone(io.StringIO):
        def write(self, text: str) -> int:
            raise BrokenPipeError

    console = Console(Gone())
    console.line("broker", "one")
    console.line("broker", "two")


def test_a_taken_port_is_seen() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        assert is_taken("127.0.0.1", server.getsockname()[1])


def test_a_free_offset_frees_every_default_port() -> None:
    ports = Ports.with_offset(free_offset())
    assert not is_taken("127.0.0.1", ports.collect)
    assert not is_taken("127.0.0.1", ports.kafka)


def test_the_secret_is_made_once_and_readable_by_its_owner_only(tmp_path: Path) -> None:
    made = secret_of(tmp_path, {})
    assert len(made) >= 32
    assert secret_of(tmp_path, {}) == made
    assert (tmp_path / "secret").stat().st_mode & 0o777 == 0o600
    assert secret_of(tmp_path, {"FOOTFALL_SECRET_KEY": "mine"}) == "mine"


def test_what_is_required_fails_instead_of_being_skipped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FOOTFALL_REQUIRE", "kafka, chromium")
    with pytest.raises(pytest.fail.Exception, match="no browser here"):
        require("chromium", "no browser here")
    with pytest.raises(pytest.skip.Exception, match="no Java here"):
        require("java", "no Java here")
