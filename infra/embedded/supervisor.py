"""Starts services in stages, keeps them alive, stops them in reverse (decision 0004).

The supervisor lives exactly as long as its `while_up` coroutine: a signal cancels it, its return
or its exception ends the stack the same orderly way.
"""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from infra.embedded import run_file
from infra.embedded.console import Console
from infra.embedded.keeper import FIRST_PAUSE_S, LONGEST_PAUSE_S, Keeper
from infra.embedded.ports import is_taken
from infra.embedded.service import EmbeddedError, Service

Hook = Callable[[], Awaitable[None]]

_STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

_log = logging.getLogger(__name__)


class PortTaken(EmbeddedError):
    """Something else listens where a service should. Nothing was started."""


@dataclass(frozen=True, kw_only=True)
class Stage:
    """Services that may start together, and stop together.

    `before_start` runs once when all earlier stages are ready; `before_stop` when all later ones
    have stopped and these still run.
    """

    services: Sequence[Service]
    before_start: Hook | None = None
    before_stop: Hook | None = None


@dataclass(frozen=True, kw_only=True)
class Recovery:
    """What must happen when a service has died and is started again.

    First `dependents` are stopped, each with so many seconds to put what it holds in its place, so
    that none of them meets the new process before it is prepared. When that serves, `loss` is
    printed, `hook` runs (again and again until it succeeds), and the dependents start again.
    """

    loss: str
    hook: Hook
    dependents: Mapping[str, float]


@dataclass
class Supervisor:
    """One run of a stack. `run` may be called once."""

    stages: Sequence[Stage]
    console: Console
    run_file: Path
    recoveries: Mapping[str, Recovery] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._keepers: dict[str, Keeper] = {}
        self._keeping: dict[str, asyncio.Task[None]] = {}
        self._is_up = False

    async def run(self, while_up: Hook) -> None:
        """Start everything, await `while_up`, stop everything, whatever happened.

        SIGINT and SIGTERM end the start or `while_up`; `run` then returns. Raises PortTaken before
        anything was started; StartFailed, or what a hook or `while_up` raised, after everything
        was stopped.
        """
        self.run_file.unlink(missing_ok=True)  # of a run that was killed
        self._check_ports()
        with _Signals(self._say) as signals:
            try:
                await self._start()
                await self._watch(while_up)
            except asyncio.CancelledError:
                if not signals.taken():
                    raise
                self._say("stopping")
            finally:
                await asyncio.shield(self._stop())

    async def restart(self, name: str) -> None:
        """Stops a service in good order; it is started again like one that has died."""
        await self._keepers[name].restart()

    def _check_ports(self) -> None:
        services = [service for stage in self.stages for service in stage.services]
        taken = [
            f"port {port} ({name})"
            for service in services
            for name, port in service.ports.items()
            if is_taken(service.host, port)
        ]
        if taken:
            is_or_are = "is" if len(taken) == 1 else "are"
            what = "what uses it" if len(taken) == 1 else "what uses them"
            raise PortTaken(
                f"{', '.join(taken)} {is_or_are} taken; stop {what} or set FOOTFALL_PORT_OFFSET"
            )

    async def _start(self) -> None:
        for stage in self.stages:
            if stage.before_start is not None:
                await stage.before_start()
            for service in stage.services:
                self._keepers[service.name] = self._keeper(service)
                if service.notice:
                    self._say(service.notice)
            keepers = [self._keepers[service.name] for service in stage.services]
            await _all_or_first_failure([keeper.start() for keeper in keepers])
            for keeper in keepers:
                name = keeper.service.name
                self._keeping[name] = asyncio.create_task(keeper.keep(), name=f"keep {name}")
        self._is_up = True
        self._write_run_file()

    def _keeper(self, service: Service) -> Keeper:
        recovery = self.recoveries.get(service.name)
        if recovery is None:
            return Keeper(service, self.console, on_spawn=self._write_run_file)
        return Keeper(
            service,
            self.console,
            on_spawn=self._write_run_file,
            on_death=lambda: self._suspend(recovery.dependents),
            on_return=lambda: self._recover(service.name, recovery),
        )

    async def _watch(self, while_up: Hook) -> None:
        body = asyncio.ensure_future(while_up())
        try:
            await asyncio.wait([body, *self._keeping.values()], return_when=asyncio.FIRST_COMPLETED)
            for task in (body, *self._keeping.values()):
                if task.done():
                    task.result()  # keepers end by failing only
        finally:
            body.cancel()
            await asyncio.gather(body, return_exceptions=True)

    async def _suspend(self, dependents: Mapping[str, float]) -> None:
        await asyncio.gather(
            *(
                self._keepers[name].suspend(grace_s)
                for name, grace_s in dependents.items()
                if name in self._keepers
            )
        )

    async def _recover(self, name: str, recovery: Recovery) -> None:
        self._say(recovery.loss)
        pause = FIRST_PAUSE_S
        while self._keepers[name].is_alive():
            try:
                await recovery.hook()
                break
            except Exception:  # noqa: BLE001 - whatever it was, it is tried again
                _log.exception("recovery after the restart of %s failed", name)
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE_S)
        else:
            return  # it died again: the next process gets its own recovery
        for dependent in recovery.dependents:
            if dependent in self._keepers:
                self._keepers[dependent].resume()

    async def _stop(self) -> None:
        self._is_up = False
        for stage in reversed(self.stages):
            keepers = [self._keepers.get(service.name) for service in stage.services]
            started = [keeper for keeper in keepers if keeper is not None]
            is_complete = all(service.name in self._keeping for service in stage.services)
            if stage.before_stop is not None and is_complete:
                try:
                    await stage.before_stop()
                except Exception:  # noqa: BLE001 - the services must stop all the same
                    _log.exception("stopping goes on without what should come before")
            await asyncio.gather(*(self._stop_one(keeper) for keeper in started))
        self.run_file.unlink(missing_ok=True)

    async def _stop_one(self, keeper: Keeper) -> None:
        keeping = self._keeping.get(keeper.service.name)
        if keeping is not None:
            keeping.cancel()
            await asyncio.gather(keeping, return_exceptions=True)
        await keeper.stop()

    def _write_run_file(self) -> None:
        if not self._is_up:  # a reader shall find all services or no file
            return
        processes = {
            name: (keeper.pid, keeper.service.url)
            for name, keeper in self._keepers.items()
            if keeper.pid is not None
        }
        run_file.write(self.run_file, processes)

    def _say(self, text: str) -> None:
        self.console.line("footfall", text)


async def _all_or_first_failure(starts: Sequence[Awaitable[None]]) -> None:
    """Await all; the first failure cancels the others and is raised as it is."""
    tasks = [asyncio.ensure_future(start) for start in starts]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class _Signals:
    """Inside, the first SIGINT, SIGTERM or SIGHUP cancels the task; later ones are answered."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._asked = False
        self._task: asyncio.Task[None] | None = None

    def taken(self) -> bool:
        """Whether a cancellation just caught came from a signal; it then is over."""
        if self._asked and self._task is not None:
            self._task.uncancel()
        return self._asked

    def __enter__(self) -> _Signals:
        self._task = asyncio.current_task()
        for number in _STOP_SIGNALS:
            asyncio.get_running_loop().add_signal_handler(number, self._ask)
        return self

    def __exit__(self, *_: object) -> None:
        for number in _STOP_SIGNALS:
            asyncio.get_running_loop().remove_signal_handler(number)

    def _ask(self) -> None:
        if self._asked:
            self._say("already stopping; what was accepted is being stored, please wait")
            return
        self._asked = True
        if self._task is not None:
            self._task.cancel()
