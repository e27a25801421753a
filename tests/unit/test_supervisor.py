"""The supervisor against real processes: order, restarts, recovery, signals, errors."""

from __future__ import annotations

import asyncio
import io
import json
import os
import signal
import socket
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from infra.embedded.console import Console
from infra.embedded.keeper import StartFailed
from infra.embedded.service import NotReady, Service
from infra.embedded.supervisor import PortTaken, Recovery, Stage, Supervisor

# Appends "NAME PID" to the journal when it serves and "NAME stopped" when it is told to stop.
PROGRAM = """
import signal, sys, time
name, journal = sys.argv[1:3]
def say(text):
    with open(journal, "a") as file:
        file.write(text + "\\n")
def stop(*_):
    say(f"{name} stopped")
    sys.exit(0)
signal.signal(signal.SIGTERM, stop)
import os
print(f"{name} speaks", flush=True)
say(f"{name} {os.getpid()}")
while True:
    time.sleep(60)
"""


class Stack:
    """Services that journal what happens to them, and a supervisor over them."""

    def __init__(self, directory: Path) -> None:
        self.journal = directory / "journal"
        self.journal.touch()
        self.run_file = directory / "run.json"
        self.output = io.StringIO()

    def service(self, name: str, program: str = PROGRAM, **more: object) -> Service:
        def ready(pid: int) -> None:
            if f"{name} {pid}" not in self.said():
                raise NotReady(f"{name} has not said that it serves")

        values: dict[str, object] = {
            "name": name,
            "argv": (sys.executable, "-I", "-S", "-c", program, name, str(self.journal)),
            "ready": ready,
            "url": f"test://{name}",
        }
        return Service(**{**values, **more})  # type: ignore[arg-type]

    def supervisor(self, *stages: Stage, **recoveries: Recovery) -> Supervisor:
        return Supervisor(
            stages=stages,
            console=Console(self.output),
            run_file=self.run_file,
            recoveries=recoveries,
        )

    def note(self, text: str) -> Callable[[], Awaitable[None]]:
        async def hook() -> None:
            with self.journal.open("a") as file:
                file.write(text + "\n")

        return hook

    def said(self) -> list[str]:
        return self.journal.read_text().splitlines()

    def happened(self) -> list[str]:
        """The journal without process ids."""
        return [line.rstrip("0123456789 ") for line in self.said()]

    def pids(self, name: str) -> list[int]:
        found = [line.split() for line in self.said()]
        return [int(words[1]) for words in found if words[0] == name and words[1].isdigit()]

    def run_json(self) -> dict[str, dict[str, object]]:
        content: dict[str, dict[str, object]] = json.loads(self.run_file.read_text())
        return content


@pytest.fixture
def stack(tmp_path: Path) -> Stack:
    return Stack(tmp_path)


async def until(condition: Callable[[], bool], timeout_s: float = 10.0) -> None:
    async with asyncio.timeout(timeout_s):
        while not condition():  # noqa: ASYNC110 - other processes set no Event
            await asyncio.sleep(0.01)


async def nothing() -> None:
    return None


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_stages_start_in_order_and_stop_in_reverse_with_hooks_between(stack: Stack) -> None:
    supervisor = stack.supervisor(
        Stage(services=[stack.service("server")]),
        Stage(
            services=[stack.service("worker")],
            before_start=stack.note("migrated"),
            before_stop=stack.note("drained"),
        ),
        Stage(services=[stack.service("front")]),
    )

    async def while_up() -> None:
        assert stack.run_json() == {
            name: {"pid": stack.pids(name)[0], "url": f"test://{name}"}
            for name in ("server", "worker", "front")
        }
        assert stack.run_file.stat().st_mode & 0o777 == 0o600

    asyncio.run(supervisor.run(while_up))

    assert stack.happened() == [
        *("server", "migrated", "worker", "front"),
        *("front stopped", "drained", "worker stopped", "server stopped"),
    ]
    assert not stack.run_file.exists()


def test_every_line_of_a_service_carries_its_name(stack: Stack) -> None:
    supervisor = stack.supervisor(Stage(services=[stack.service("server")]))
    asyncio.run(supervisor.run(nothing))
    assert "server      | server speaks\n" in stack.output.getvalue()


def test_a_killed_service_is_restarted_and_run_json_names_the_new_process(stack: Stack) -> None:
    supervisor = stack.supervisor(Stage(services=[stack.service("server")]))

    async def while_up() -> None:
        for restarts in (1, 2):
            os.kill(stack.pids("server")[-1], signal.SIGKILL)
            await until(lambda count=restarts: len(stack.pids("server")) == count + 1)  # type: ignore[misc]
            assert stack.run_json()["server"]["pid"] == stack.pids("server")[-1]

    asyncio.run(supervisor.run(while_up))
    text = stack.output.getvalue()
    assert "server: ended by SIGKILL; starting it again in 0.2 s" in text
    assert "server: ended by SIGKILL; starting it again in 0.4 s" in text


def test_a_recovery_runs_until_it_succeeds_while_the_dependents_are_stopped(stack: Stack) -> None:
    attempts: list[list[str]] = []

    async def migrate() -> None:
        attempts.append(stack.happened())
        if len(attempts) == 1:
            raise OSError("the first attempt fails")

    supervisor = stack.supervisor(
        Stage(services=[stack.service("server")]),
        Stage(services=[stack.service("worker")]),
        Stage(services=[stack.service("other")]),
        server=Recovery(loss="all is lost", hook=migrate, dependents={"worker": 5.0}),
    )

    async def while_up() -> None:
        for kills in (1, 2):
            os.kill(stack.pids("server")[-1], signal.SIGKILL)
            await until(lambda count=kills: len(stack.pids("worker")) == count + 1)  # type: ignore[misc]

    asyncio.run(supervisor.run(while_up))
    first = ["server", "worker", "other", "worker stopped", "server"]
    assert attempts == [first, first, [*first, "worker", "worker stopped", "server"]]
    assert len(stack.pids("other")) == 1
    assert "all is lost" in stack.output.getvalue()


def test_a_restart_that_does_not_get_ready_is_mended_before_the_next(stack: Stack) -> None:
    is_stuck = False

    def ready(pid: int) -> None:
        if is_stuck or pid not in stack.pids("worker"):
            raise NotReady("stuck")

    def mend() -> None:
        nonlocal is_stuck
        is_stuck = False

    worker = stack.service("worker", ready=ready, mend=mend, ready_timeout_s=0.5)
    supervisor = stack.supervisor(Stage(services=[worker]))

    async def while_up() -> None:
        nonlocal is_stuck
        is_stuck = True
        os.kill(stack.pids("worker")[0], signal.SIGKILL)
        await until(lambda: "worker: ready again" in stack.output.getvalue())

    asyncio.run(supervisor.run(while_up))
    assert len(stack.pids("worker")) == 3
    assert "worker: not ready after 0.5 s: stuck" in stack.output.getvalue()


def test_a_service_that_dies_at_start_stops_what_was_started(stack: Stack) -> None:
    broken = stack.service("broken", "import sys; print('no licence', flush=True); sys.exit(3)")
    supervisor = stack.supervisor(
        Stage(services=[stack.service("server")]), Stage(services=[broken])
    )
    with pytest.raises(StartFailed, match=r"broken: ended with code 3 .*no licence") as caught:
        asyncio.run(supervisor.run(nothing))
    assert caught.value.last_lines == ("no licence",)
    assert stack.happened() == ["server", "server stopped"]


def test_a_service_that_never_gets_ready_is_an_error_with_the_reason(stack: Stack) -> None:
    def never(_pid: int) -> None:
        raise NotReady("the table is missing")

    slow = stack.service("slow", ready=never, ready_timeout_s=0.3)
    supervisor = stack.supervisor(Stage(services=[slow]))
    with pytest.raises(StartFailed, match=r"not ready after 0\.3 s: the table is missing"):
        asyncio.run(supervisor.run(nothing))
    assert stack.happened()[-1] == "slow stopped"


def test_a_taken_port_is_named_before_anything_starts(stack: Stack) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        supervisor = stack.supervisor(
            Stage(services=[stack.service("server")]),
            Stage(services=[stack.service("collect", ports={"collect": port})]),
        )
        with pytest.raises(PortTaken) as caught:
            asyncio.run(supervisor.run(nothing))
    assert str(caught.value) == (
        f"port {port} (collect) is taken; stop what uses it or set FOOTFALL_PORT_OFFSET"
    )
    assert stack.said() == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_stops_everything_and_is_no_error(stack: Stack, number: signal.Signals) -> None:
    supervisor = stack.supervisor(Stage(services=[stack.service("server")]))

    async def while_up() -> None:
        os.kill(os.getpid(), number)
        await asyncio.sleep(60)

    asyncio.run(supervisor.run(while_up))
    assert stack.happened() == ["server", "server stopped"]


def test_a_second_signal_does_not_cut_the_stop_short(stack: Stack) -> None:
    async def interrupted() -> None:
        os.kill(os.getpid(), signal.SIGINT)
        await asyncio.sleep(0.05)
        await stack.note("drained")()

    supervisor = stack.supervisor(
        Stage(services=[stack.service("server")], before_stop=interrupted)
    )

    async def while_up() -> None:
        os.kill(os.getpid(), signal.SIGINT)
        await asyncio.sleep(60)

    asyncio.run(supervisor.run(while_up))
    assert stack.happened() == ["server", "drained", "server stopped"]
    assert "already stopping" in stack.output.getvalue()


def test_a_signal_during_the_start_stops_what_was_started(stack: Stack) -> None:
    async def migrate() -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        await asyncio.sleep(60)

    supervisor = stack.supervisor(
        Stage(services=[stack.service("server")]),
        Stage(services=[stack.service("worker")], before_start=migrate),
    )
    asyncio.run(supervisor.run(nothing))
    assert stack.happened() == ["server", "server stopped"]


def test_what_while_up_raises_comes_out_after_the_stop(stack: Stack) -> None:
    supervisor = stack.supervisor(Stage(services=[stack.service("server")]))

    async def while_up() -> None:
        raise LookupError("the demo failed")

    with pytest.raises(LookupError, match="the demo failed"):
        asyncio.run(supervisor.run(while_up))
    assert stack.happened()[-1] == "server stopped"


def test_a_failing_hook_before_the_stop_does_not_keep_services_alive(
    stack: Stack, caplog: pytest.LogCaptureFixture
) -> None:
    async def drain() -> None:
        raise OSError("Kafka is away")

    supervisor = stack.supervisor(Stage(services=[stack.service("server")], before_stop=drain))
    asyncio.run(supervisor.run(nothing))
    assert stack.happened()[-1] == "server stopped"
    assert "Kafka is away" in caplog.text


def test_a_service_that_ignores_sigterm_is_killed_after_its_time(stack: Stack) -> None:
    deaf = PROGRAM.replace(
        "signal.signal(signal.SIGTERM, stop)", "signal.signal(15, signal.SIG_IGN)"
    )
    supervisor = stack.supervisor(Stage(services=[stack.service("deaf", deaf, stop_timeout_s=0.2)]))
    asyncio.run(supervisor.run(nothing))
    assert not is_running(stack.pids("deaf")[0])
    assert "did not stop in 0.2 s, killed" in stack.output.getvalue()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends children with their parent")
def test_services_do_not_outlive_a_killed_supervisor(tmp_path: Path, stack: Stack) -> None:
    program = tmp_path / "supervise.py"
    program.write_text(
        "import asyncio, sys\n"
        "from pathlib import Path\n"
        "from tests.unit.test_supervisor import Stack, Stage\n"
        "stack = Stack(Path(sys.argv[1]))\n"
        "supervisor = stack.supervisor(Stage(services=[stack.service('server')]))\n"
        "asyncio.run(supervisor.run(lambda: asyncio.sleep(60)))\n"
    )
    supervisor = os.posix_spawn(
        sys.executable, [sys.executable, str(program), str(tmp_path)], os.environ
    )
    deadline = time.monotonic() + 20
    while not stack.run_file.exists():
        assert time.monotonic() < deadline
        time.sleep(0.02)
    os.kill(supervisor, signal.SIGKILL)
    os.waitpid(supervisor, 0)
    while is_running(stack.pids("server")[0]):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert stack.happened() == ["server"], "it was killed, not asked"
