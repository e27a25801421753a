"""`footfall up` for a test: the whole stack as its users start it, and what they do with it."""

from __future__ import annotations

import base64
import json
import os
import signal
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.ports import free_offset
from tests.processes import await_true

CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/141.0.0.0 Safari/537.36"
)
_SERVER = {"Authorization": "Basic " + base64.b64encode(b"sk_demo:").decode()}
_BROWSER = {
    "Authorization": "Basic " + base64.b64encode(b"pk_demo:").decode(),
    "Origin": "https://toyhouse.example",
    "User-Agent": CHROME,
}


class Stack:
    """A running stack. Its methods do what a site, an analyst and an operator do."""

    def __init__(
        self,
        state_dir: Path,
        offset: int,
        process: subprocess.Popen[bytes],
        more: Mapping[str, str] | None = None,
    ) -> None:
        self.state_dir = state_dir
        self.environment = {**os.environ, "FOOTFALL_PORT_OFFSET": str(offset), **(more or {})}
        self.collector = f"http://127.0.0.1:{8080 + offset}"
        self.personalize = f"http://127.0.0.1:{8081 + offset}"
        self.process = process

    def segment(self, call: str, **message: Any) -> Any:
        """One call of Segment's tracking API with the server key, or the answer's JSON."""
        return _request(f"{self.collector}/v1/{call}", message, _SERVER)

    def browser(self, call: str, **message: Any) -> Any:
        """The same as a page does it, with the browser key."""
        return _request(f"{self.collector}/v1/{call}", message, _BROWSER)

    def page(self, anonymous_id: str, path: str, referrer: str = "", **more: Any) -> None:
        page = {"url": f"https://toyhouse.example{path}", "referrer": referrer, "title": path}
        context = {"page": page, "userAgent": CHROME}
        self.segment("page", anonymousId=anonymous_id, context=context, **more)

    def homepage(self, **inputs: str) -> Any:
        query = urllib.parse.urlencode(inputs)
        headers = {"Authorization": "Bearer sk_demo"}
        return _request(f"{self.personalize}/v1/homepage?{query}", None, headers)

    def live(self, funnel: str) -> Any:
        return _request(f"{self.personalize}/v1/funnels/{funnel}", None, {})

    def live_funnel(self, name: str) -> dict[str, int]:
        """Step -> count."""
        return {step["name"]: step["count"] for step in self.live(name)["steps"]}

    def live_experiments(self) -> Any:
        answer = _request(f"{self.personalize}/v1/experiments", None, {})
        return answer["experiments"]

    def funnel(self, name: str) -> Any:
        """The same, computed in ClickHouse."""
        return json.loads(self.footfall("funnel", name, "--json"))

    def footfall(self, *words: str) -> str:
        """A command's output. Raises CalledProcessError with stderr in it."""
        command = [sys.executable, "-m", "infra.cli", *words]
        done = subprocess.run(
            command, env=self.environment, capture_output=True, text=True, timeout=120
        )
        assert done.returncode == 0, f"footfall {' '.join(words)}: {done.stderr}"
        return done.stdout

    def sql(self, query: str) -> list[list[str]]:
        """The rows of an answer, as text."""
        lines = self.footfall("sql", query, "--format", "TabSeparated").splitlines()
        return [line.split("\t") for line in lines]

    def drain(self) -> None:
        self.footfall("drain", "--timeout", "90")

    def pid(self, service: str) -> int:
        run: dict[str, dict[str, int]] = json.loads((self.state_dir / "run.json").read_text())
        return run[service]["pid"]

    def kill(self, service: str) -> None:
        """kill -9, and wait until the supervisor has put another in its place."""
        old = self.pid(service)
        os.kill(old, signal.SIGKILL)
        await_true(lambda: self.pid(service) != old, 30, f"{service} started again")


@contextmanager
def stack(state_dir: Path, log: Path, offset: int | None = None, **more: str) -> Iterator[Stack]:
    """`footfall up` until the block ends, then SIGTERM; a stop that fails is an error.

    `more`: its environment beside the ports.
    """
    offset = free_offset() if offset is None else offset
    words = ("infra.cli", "up", "--state-dir", str(state_dir))
    with started(words, offset, log, "ready after", **more) as process:
        yield Stack(state_dir, offset, process, more)


@contextmanager
def started(
    words: Sequence[str], offset: int, log: Path, ready: str, **more: str
) -> Iterator[subprocess.Popen[bytes]]:
    """A module of ours, from when it says `ready` in its log until the block ends, then SIGTERM."""
    with log.open("ab") as output:
        ready_before = log.read_text().count(ready)
        process = subprocess.Popen(
            [sys.executable, "-m", *words],
            env={**os.environ, "FOOTFALL_PORT_OFFSET": str(offset), **more},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        deadline = time.monotonic() + 90
        while log.read_text().count(ready) == ready_before:
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.1)
        yield process
        process.terminate()
        assert process.wait(120) == 0, log.read_text()
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


def _request(url: str, body: Any, headers: dict[str, str]) -> Any:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(
        url, data=data, headers={**headers, "Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)
