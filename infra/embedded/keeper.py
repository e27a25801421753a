"""One service kept alive: started, asked for readiness, started again when it dies, stopped."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence

from infra.embedded.console import Console
from infra.embedded.launch import command_line, environment
from infra.embedded.service import EmbeddedError, NotReady, Service

FIRST_PAUSE_S = 0.2
LONGEST_PAUSE_S = 5.0
SETTLED_S = 30.0
"""A process that lived this long gets the first pause again when it dies."""

_LAST_LINES = 20
_LONGEST_LINE = 16 << 10
_POLL_S = (0.01, 0.1)  # between readiness questions: first, at most


class StartFailed(EmbeddedError):
    """A service ended before it was ready or did not get ready in time.

    The message is one line; `last_lines` is what the service had to say.
    """

    def __init__(self, message: str, last_lines: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.last_lines = tuple(last_lines)


class Keeper:
    """Holds at most one process of `service` at any time.

    `on_spawn` is called whenever a new process exists. `on_death` is awaited before a process that
    ended by itself is replaced, `on_return` when its successor is ready.
    """

    def __init__(
        self,
        service: Service,
        console: Console,
        *,
        on_spawn: Callable[[], None],
        on_death: Callable[[], Awaitable[None]] | None = None,
        on_return: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        self.service = service
        self._console = console
        self._on_spawn = on_spawn
        self._on_death = on_death
        self._on_return = on_return
        self._spawning: asyncio.Task[None] | None = None
        self._process: asyncio.subprocess.Process | None = None
        self._output: asyncio.Task[None] | None = None
        self._last_lines: deque[str] = deque(maxlen=_LAST_LINES)
        self._spawned_at = 0.0
        self._may_run = asyncio.Event()
        self._may_run.set()

    @property
    def pid(self) -> int | None:
        """The newest process, which may have ended; None before the first."""
        return self._process.pid if self._process else None

    def is_alive(self) -> bool:
        return self._process is not None and self._process.returncode is None

    async def start(self) -> None:
        """One attempt. Raises StartFailed; the process may then still run and needs `stop`."""
        await self._spawn()
        await self._await_ready()

    async def keep(self) -> None:
        """Start the service again whenever it ends. Runs until it is cancelled."""
        pause = FIRST_PAUSE_S
        while True:
            code = await self._exited()
            if time.monotonic() - self._spawned_at >= SETTLED_S:
                pause = FIRST_PAUSE_S
            if self._may_run.is_set():
                self._say(f"{_ending(code)}; starting it again in {pause:g} s")
                if self._on_death is not None:
                    await self._on_death()
                await asyncio.sleep(pause)
                pause = min(2 * pause, LONGEST_PAUSE_S)
            await self._may_run.wait()
            await self._start_again()

    async def restart(self) -> None:
        """End the process in good order; `keep` puts the next one in its place."""
        await self._end(self.service.stop_timeout_s)

    async def suspend(self, grace_s: float) -> None:
        """End the process, by force after `grace_s`; `keep` starts the next one at `resume`."""
        self._may_run.clear()
        await self._end(grace_s)

    def resume(self) -> None:
        self._may_run.set()

    async def stop(self) -> None:
        """End the process, by force after the service's stop timeout. `keep` must be cancelled."""
        if self._spawning is not None:
            # a cancelled `start` or `keep` may have left it on its way
            await asyncio.gather(self._spawning, return_exceptions=True)
        await self._end(self.service.stop_timeout_s)

    async def _start_again(self) -> None:
        try:
            await self.start()
        except StartFailed as error:
            self._say(str(error).removeprefix(f"{self.service.name}: "))
            await self._end(self.service.stop_timeout_s)
            if self.service.mend is not None and self._may_run.is_set():
                await self._mend(self.service.mend)
            return
        self._say("ready again")
        if self._on_return is not None:
            await self._on_return()

    async def _mend(self, mend: Callable[[], None]) -> None:
        try:
            await asyncio.to_thread(mend)
        except EmbeddedError as error:
            self._say(str(error))

    async def _spawn(self) -> None:
        """A new process. When cancelled, it still comes to be and `stop` finds it."""
        self._spawning = asyncio.create_task(self._open())
        await asyncio.shield(self._spawning)

    async def _open(self) -> None:
        self._last_lines.clear()
        self._spawned_at = time.monotonic()
        ours, theirs = os.pipe()
        try:
            self._process = await asyncio.create_subprocess_exec(
                *command_line(self.service),
                env=environment(self.service),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=theirs,
                stderr=theirs,
                start_new_session=True,  # Ctrl-C reaches the supervisor only
            )
        except OSError as error:
            raise StartFailed(f"{self.service.name} cannot be started: {error}") from error
        finally:
            os.close(theirs)
            self._output = asyncio.create_task(self._copy_output(ours))
        self._on_spawn()

    async def _await_ready(self) -> None:
        assert self._process is not None
        deadline = time.monotonic() + self.service.ready_timeout_s
        pause, longest = _POLL_S
        while True:
            try:
                return await asyncio.to_thread(self.service.ready, self._process.pid)
            except NotReady as reason:
                if not self.is_alive():
                    code = await self._exited()
                    raise self._failure(f"{_ending(code)} before it was ready") from reason
                if time.monotonic() > deadline:
                    waited = f"not ready after {self.service.ready_timeout_s:g} s"
                    raise self._failure(f"{waited}: {reason}") from reason
            await asyncio.sleep(pause)
            pause = min(1.5 * pause, longest)

    def _failure(self, what: str) -> StartFailed:
        said = next((line for line in reversed(self._last_lines) if line.strip()), "nothing")
        return StartFailed(f"{self.service.name}: {what}; its last words: {said}", self._last_lines)

    async def _exited(self) -> int:
        """The exit code, once nothing is left of the process and its output is on the console."""
        process, output = self._process, self._output
        assert process is not None
        assert output is not None
        code = await process.wait()
        _kill_group(process.pid)
        await output
        return code

    async def _end(self, grace_s: float) -> None:
        process = self._process
        if process is None:
            return
        if process.returncode is None:
            process.terminate()
            try:
                async with asyncio.timeout(grace_s):
                    await process.wait()
            except TimeoutError:
                self._say(f"did not stop in {grace_s:g} s, killed")
                _kill_group(process.pid)
        if process is self._process:  # else `keep` was quicker and has started the next
            await self._exited()

    async def _copy_output(self, descriptor: int) -> None:
        reader = asyncio.StreamReader()
        with os.fdopen(descriptor, "rb", buffering=0) as pipe:
            transport, _ = await asyncio.get_running_loop().connect_read_pipe(
                lambda: asyncio.StreamReaderProtocol(reader), pipe
            )
            try:
                await self._copy_lines(reader)
            finally:
                transport.close()

    async def _copy_lines(self, reader: asyncio.StreamReader) -> None:
        rest = b""
        while chunk := await reader.read(_LONGEST_LINE):
            *lines, rest = (rest + chunk).split(b"\n")
            if len(rest) > _LONGEST_LINE:
                lines, rest = [*lines, rest], b""
            for line in lines:
                self._copy_line(line)
        if rest:
            self._copy_line(rest)

    def _copy_line(self, line: bytes) -> None:
        text = line.decode(errors="replace").rstrip("\r")
        self._last_lines.append(text)
        self._console.line(self.service.name, text)

    def _say(self, text: str) -> None:
        self._console.line("footfall", f"{self.service.name}: {text}")


def _ending(code: int) -> str:
    if code >= 0:
        return f"ended with code {code}"
    try:
        return f"ended by {signal.Signals(-code).name}"
    except ValueError:
        return f"ended by signal {-code}"


def _kill_group(pid: int) -> None:
    """What is left of the process's session, itself included."""
    try:
        os.killpg(pid, signal.SIGKILL)
    except ProcessLookupError:
        return
