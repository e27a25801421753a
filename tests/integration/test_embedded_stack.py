"""`footfall up`: the whole stack on this machine, what it survives and how it ends."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from confluent_kafka.admin import AdminClient

from infra.cli.context import EXAMPLE_SITE
from infra.embedded.ports import is_taken
from schemas.settings import Ports, Settings
from schemas.topics import ALL
from tests.ports import free_offset

SERVICES = {"collect", "stream", "sink", "personalize", "broker", "redis", "clickhouse"}


@dataclass
class Stack:
    """One `footfall up` on ports and a directory of its own."""

    state_dir: Path
    offset: int
    process: subprocess.Popen[bytes]

    @property
    def ports(self) -> Ports:
        return Ports.with_offset(self.offset)

    @property
    def log(self) -> str:
        return self.state_dir.with_name("log").read_text(errors="replace")

    def run_json(self) -> dict[str, dict[str, object]]:
        content: dict[str, dict[str, object]] = json.loads(
            (self.state_dir / "run.json").read_text()
        )
        return content

    def pid(self, name: str) -> int:
        pid = self.run_json()[name]["pid"]
        assert isinstance(pid, int)
        return pid


def until(condition: Callable[[], bool], stack: Stack, timeout_s: float = 60.0) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, stack.log
        assert stack.process.poll() is None, stack.log
        time.sleep(0.05)


def up(state_dir: Path, offset: int) -> subprocess.Popen[bytes]:
    own = {k: v for k, v in os.environ.items() if not k.startswith("FOOTFALL_")}
    site = state_dir.with_name("shop.yaml")
    if not site.exists():
        for file in (EXAMPLE_SITE, EXAMPLE_SITE.with_name("catalogue.csv")):
            shutil.copy(file, site.with_name(file.name))
    with state_dir.with_name("log").open("ab") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "infra.cli", "up", "--state-dir", str(state_dir)],
            env={"FOOTFALL_SITE": str(site), **own, "FOOTFALL_PORT_OFFSET": str(offset)},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )


def is_ready(url: object) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/ready", timeout=2) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    state_dir, offset = tmp_path_factory.mktemp("stack") / "state", free_offset()
    stack = Stack(state_dir, offset, up(state_dir, offset))
    try:
        until((state_dir / "run.json").exists, stack)
        yield stack
    finally:
        stack.process.terminate()
        stack.process.wait(120)


def test_run_json_lists_every_process_and_all_are_ready(stack: Stack) -> None:
    assert set(stack.run_json()) == SERVICES
    for name in ("collect", "stream", "sink", "personalize"):
        entry = stack.run_json()[name]
        assert set(entry) == {"pid", "url"}
        assert is_ready(entry["url"]), name
    assert stack.run_json()["broker"]["url"] == f"127.0.0.1:{stack.ports.kafka}"
    assert "in memory" in stack.log


def test_a_second_stack_on_the_same_directory_is_refused(stack: Stack, tmp_path: Path) -> None:
    second = subprocess.run(
        [sys.executable, "-m", "infra.cli", "up", "--state-dir", str(stack.state_dir)],
        env={**os.environ, "FOOTFALL_PORT_OFFSET": str(free_offset())},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert second.returncode == 1
    assert f"in use by another footfall up (process {stack.process.pid})" in second.stderr


def test_a_second_stack_on_the_same_ports_names_them(stack: Stack, tmp_path: Path) -> None:
    second = up(tmp_path / "state", stack.offset)
    assert second.wait(60) == 1
    said = (tmp_path / "log").read_text()
    for name in ("kafka", "redis", "clickhouse", "collect"):
        assert f"port {getattr(stack.ports, name)} ({name})" in said
    assert "FOOTFALL_PORT_OFFSET" in said


def test_a_changed_site_file_starts_only_the_stream_again(stack: Stack) -> None:
    site = stack.state_dir.with_name("shop.yaml")
    right = site.read_text()
    before = {name: stack.pid(name) for name in SERVICES}
    site.write_text(right.replace("version: 1", "version: 2"))
    until(lambda: "unknown version" in site_error(stack, "collect"), stack)
    until(lambda: "unknown version" in site_error(stack, "personalize"), stack)
    assert {name: stack.pid(name) for name in SERVICES} == before
    step = "{name: search, page: /search}"
    assert step in right
    site.write_text(right.replace(step, "{name: search, event: Products Searched}"))
    until(lambda: stack.pid("stream") != before["stream"], stack)
    until(lambda: is_ready(stack.run_json()["stream"]["url"]), stack)
    assert "stream: ended with code 0" in stack.log
    others = SERVICES - {"stream"}
    assert {name: stack.pid(name) for name in others} == {name: before[name] for name in others}
    assert site_error(stack, "personalize") == site_error(stack, "collect") == ""


def site_error(stack: Stack, service: str) -> str:
    with urllib.request.urlopen(f"{stack.run_json()[service]['url']}/ready", timeout=5) as answer:
        return json.load(answer)["site"]["error"] or ""


def test_after_the_broker_is_killed_its_topics_are_back_and_its_readers_start_again(
    stack: Stack,
) -> None:
    before = {name: stack.pid(name) for name in SERVICES}
    os.kill(before["broker"], signal.SIGKILL)

    def is_recovered() -> bool:
        return all(
            stack.pid(name) != before[name] and is_ready(stack.run_json()[name]["url"])
            for name in ("stream", "sink")
        )

    until(is_recovered, stack)
    settings = Settings.from_environment({"FOOTFALL_PORT_OFFSET": str(stack.offset)})
    topics = AdminClient({"bootstrap.servers": settings.kafka}).list_topics(timeout=5).topics
    assert {topic.name for topic in ALL} <= set(topics)
    for name in ("collect", "personalize", "redis", "clickhouse"):
        assert stack.pid(name) == before[name], f"{name} was left alone"
    assert "the events it held in memory are lost" in stack.log


def test_sigterm_stops_everything_in_order(stack: Stack) -> None:
    pids = [stack.pid(name) for name in SERVICES]
    stack.process.terminate()
    assert stack.process.wait(120) == 0, stack.log
    assert not (stack.state_dir / "run.json").exists()
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
    assert not is_taken("127.0.0.1", stack.ports.collect)
    assert "killed" not in stack.log.partition("footfall    | stopping")[2]
