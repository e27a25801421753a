"""The whole stack on one machine: which programs, in which order, with what between them."""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
import sys
import time
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from infra.embedded import broker, clickhouse_server, redis_server, site_watch
from infra.embedded.console import Console
from infra.embedded.directory_lock import locked
from infra.embedded.service import Service, fetch
from infra.embedded.supervisor import Hook, Recovery, Stage, Supervisor
from schemas.settings import Ports, Settings
from schemas.site_file import load
from schemas.topics import SINK_GROUP, STREAM_GROUP

DRAIN_TIMEOUT_S = 60.0

_log = logging.getLogger(__name__)


async def run_stack(
    settings: Settings,
    site_file: Path,
    state_dir: Path,
    while_up: Hook | None = None,
    environment: Mapping[str, str] = os.environ,
    console: Console | None = None,
    pages: Mapping[str, Page] | None = None,
) -> None:
    """Run the embedded servers that `settings` does not name elsewhere, and the four services.

    `pages`: more web servers of ours by name, started when all else serves. `console`: where the
    programs' lines go (None: stderr).

    Returns when everything has stopped in order: after SIGINT or SIGTERM, or when `while_up`,
    awaited once all are ready, returns (None: only a signal ends the stack). Raises EmbeddedError
    (a port or the directory is taken, a program does not start) after stopping what was started,
    and whatever `while_up` raises. `environment` is where FOOTFALL_SECRET_KEY may stand.
    """
    began = time.monotonic()
    console = console or Console(sys.stderr)
    with locked(state_dir, "footfall up"):
        services = _Services(settings, site_file, state_dir, secret_of(state_dir, environment))
        hooks = _Hooks(settings, site_file, console)
        supervisor = Supervisor(
            stages=[
                Stage(services=services.servers()),
                Stage(
                    services=[services.stream(), services.sink()],
                    before_start=hooks.migrate,
                    # what a broker of its own has accepted stays there
                    before_stop=None if "kafka" in settings.given else hooks.drain,
                ),
                Stage(services=[services.personalize(), services.collect()]),
                Stage(services=[services.page(name, page) for name, page in (pages or {}).items()]),
            ],
            recoveries={
                "broker": Recovery(
                    loss="the broker was started again: the events it held in memory are lost",
                    hook=hooks.migrate,
                    # the sink can store what it has read; what the stream folds, it must publish
                    dependents={"stream": 1.0, "sink": 10.0},
                )
            },
            console=console,
            run_file=state_dir / "run.json",
        )

        async def announce_and_wait() -> None:
            console.line("footfall", f"ready after {time.monotonic() - began:.1f} s")
            for service in (services.collect(), services.personalize()):
                console.line("footfall", f"{service.name}: {service.url}")
            watching = asyncio.create_task(
                site_watch.watch(site_file, hooks.migrate, lambda: supervisor.restart("stream"))
            )
            try:
                await (while_up() if while_up else asyncio.Event().wait())
            finally:
                watching.cancel()

        await supervisor.run(announce_and_wait)


@dataclass(frozen=True)
class Page:
    """A web server of ours that is no service of the product: `python -m module`."""

    module: str
    port: int
    arguments: tuple[str, ...] = ()


def secret_of(state_dir: Path, environment: Mapping[str, str]) -> str:
    """The key that signs: the environment's, else the directory's own, made once."""
    if given := environment.get("FOOTFALL_SECRET_KEY"):
        return given
    path = state_dir / "secret"
    if not path.exists():
        new = path.with_suffix(".new")
        new.touch(mode=0o600)
        new.write_text(secrets.token_urlsafe(32))
        new.replace(path)  # in one step: no start finds half a secret
    return path.read_text()


class _Services:
    """Every program of the stack, with the environment that tells it where the others are."""

    def __init__(self, settings: Settings, site_file: Path, state_dir: Path, secret: str) -> None:
        self._settings = settings
        self._state_dir = state_dir
        self._env = {
            "FOOTFALL_KAFKA": settings.kafka,
            "FOOTFALL_REDIS_URL": settings.redis_url,
            "FOOTFALL_CLICKHOUSE_URL": settings.clickhouse_url,
            "FOOTFALL_CLICKHOUSE_HTTP_URL": settings.clickhouse_http_url,
            "FOOTFALL_SITE": str(site_file.absolute()),
            "FOOTFALL_PORT_OFFSET": str(settings.ports.collect - Ports.with_offset(0).collect),
            "FOOTFALL_BIND": settings.bind,
            "FOOTFALL_SECRET_KEY": secret,
            "FOOTFALL_ADMIN_TOKEN": settings.admin_token,
            "FOOTFALL_SPOOL": str((settings.spool or state_dir / "spool").absolute()),
        }

    def servers(self) -> list[Service]:
        """Those of broker, Redis and ClickHouse that the environment does not name."""
        given, ports = self._settings.given, self._settings.ports
        servers = []
        if "kafka" not in given:
            servers.append(broker.service(ports.kafka))
        if "redis" not in given:
            servers.append(redis_server.service(self._state_dir / "redis", ports.redis))
        if "clickhouse" not in given:
            directory = self._state_dir / "clickhouse"
            servers.append(
                clickhouse_server.service(
                    directory, self._settings.clickhouse, ports.clickhouse_http
                )
            )
        return servers

    def stream(self) -> Service:
        return self._reader("stream", self._settings.ports.stream, STREAM_GROUP)

    def sink(self) -> Service:
        return self._reader("sink", self._settings.ports.sink, SINK_GROUP)

    def personalize(self) -> Service:
        return self._service("personalize", self._settings.ports.personalize)

    def collect(self) -> Service:
        return self._service("collect", self._settings.ports.collect)

    def _reader(self, name: str, port: int, group: str) -> Service:
        service = self._service(name, port)
        if "kafka" in self._settings.given:
            return service
        return replace(service, mend=lambda: broker.forget_group(self._settings.kafka, group))

    def page(self, name: str, page: Page) -> Service:
        argv = (sys.executable, "-m", page.module, *page.arguments)
        return self._web(name, argv, page.port, stop_timeout_s=5.0)

    def _service(self, name: str, port: int) -> Service:
        argv = (sys.executable, "-m", "infra.cli", name)
        return self._web(name, argv, port, stop_timeout_s=30.0)

    def _web(self, name: str, argv: tuple[str, ...], port: int, stop_timeout_s: float) -> Service:
        url = self._settings.url(port)
        return Service(
            name=name,
            argv=argv,
            env=self._env,
            ready=lambda _pid: _require_ready(url),
            url=url,
            host=self._settings.bind,
            ports={name: port},
            stop_timeout_s=stop_timeout_s,
        )


def _require_ready(url: str) -> None:
    fetch(urllib.request.Request(f"{url}/ready"))


class _Hooks:
    """What runs between the stages."""

    def __init__(self, settings: Settings, site_file: Path, console: Console) -> None:
        self._settings = settings
        self._site_file = site_file
        self._console = console

    async def migrate(self) -> None:
        from infra.migrate import migrate

        site = await asyncio.to_thread(load, self._site_file)
        await asyncio.to_thread(migrate, self._settings, site)

    async def drain(self) -> None:
        from infra.drain import drain

        self._console.line("footfall", "waiting until every accepted event is stored")
        missing = await asyncio.to_thread(drain, self._settings, DRAIN_TIMEOUT_S)
        for row in missing:
            _log.error("lost: %s", row)
