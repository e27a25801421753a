"""footfall up, collect, stream, sink, personalize: what runs until it is stopped."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import signal
import threading
from pathlib import Path

import msgspec
import typer

from infra.cli import context

log = logging.getLogger("footfall")

_GROUP = "Run"


def register(app: typer.Typer) -> None:
    app.command(rich_help_panel=_GROUP)(up)
    app.command(rich_help_panel=_GROUP)(collect)
    app.command(rich_help_panel=_GROUP)(stream)
    app.command(rich_help_panel=_GROUP)(sink)
    app.command(rich_help_panel=_GROUP)(personalize)


def up(
    state_dir: Path = typer.Option(
        context.STATE_DIR, help="Where the embedded servers keep their data."
    ),
    config: Path | None = typer.Option(
        None, help="Site file; default: FOOTFALL_SITE, or the demo."
    ),
) -> None:
    """The whole stack on this machine, supervised, until Ctrl-C."""
    from infra.embedded.service import EmbeddedError
    from infra.embedded.stack import run_stack

    context.start_logging()
    configured = context.settings()
    path = context.site_path(configured, config)
    context.site(configured, path)
    if config is None and configured.site_file is None:
        log.info("no site file is given: this is the worked example, %s", path.name)
    try:
        asyncio.run(run_stack(configured, path, state_dir))
    except EmbeddedError as error:
        raise context.Failure(str(error)) from error


def collect() -> None:
    """The collector: beacons and SDKs into Kafka."""
    from infra.heart import Heart
    from ingest.collector.app import serve
    from schemas.current_site import CurrentSite

    context.start_logging()
    configured = context.settings()
    if configured.spool is None:
        configured = msgspec.structs.replace(configured, spool=context.STATE_DIR / "spool")
    # uvicorn raises the signal again after a clean stop; by then there is nothing left to end
    signal.signal(signal.SIGTERM, lambda *_: None)
    site = CurrentSite.read(context.site_path(configured))
    with Heart(configured, "collect", str(configured.ports.collect), lambda: site.digest) as heart:
        serve(configured, site, heart.listen)


def stream() -> None:
    """The stream processor: sessions, persons and live funnels."""
    import uvloop

    from infra.heart import Heart
    from infra.monitoring import MonitoringServer
    from schemas.site_version import read_version
    from streams.app import Lanes, run, stages

    context.start_logging()
    configured = context.settings()
    site = read_version(context.site_path(configured))
    running: list[Lanes] = []

    def readiness() -> str:
        return "" if running and running[0].count else "waits for its partitions"

    async def work() -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        folds = stages(configured, site.site)
        await run(configured, folds, stop, running.append, heart.listen)

    # what lives here lives long: looking through all of it again and again finds nothing
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)
    monitoring = MonitoringServer(configured.bind, configured.ports.stream, readiness)
    monitoring.start()
    with Heart(configured, "stream", str(configured.ports.stream), lambda: site.digest) as heart:
        uvloop.run(work())
    monitoring.stop()


def sink() -> None:
    """The sink: from Kafka into ClickHouse."""
    from infra.heart import Heart
    from infra.monitoring import MonitoringServer
    from infra.picks.regularly import train_regularly
    from infra.squash import squash_regularly
    from schemas.faults import fault_point_from
    from sinks.clickhouse.status import Status
    from sinks.clickhouse.writer import run

    context.start_logging()
    configured = context.settings()
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    status = Status()
    monitoring = MonitoringServer(configured.bind, configured.ports.sink, lambda: status.waits_for)
    monitoring.start()
    squashing = threading.Thread(
        target=squash_regularly, args=(configured, stop), name="squash", daemon=True
    )
    squashing.start()
    training = threading.Thread(
        target=train_regularly, args=(configured, stop), name="picks", daemon=True
    )
    training.start()
    with Heart(configured, "sink", str(configured.ports.sink)) as heart:
        run(configured, stop, status, fault_point_from(os.environ), heart.listen)
    monitoring.stop()


def personalize(
    workers: int = typer.Option(1, min=1, max=64, help="Processes that share the port."),
) -> None:
    """The personalization API: homepage decisions, live funnels, /ops."""
    from infra.erasure.apart import erase_apart
    from infra.heart import Heart
    from infra.workers import run_workers
    from personalize_api.app import serve
    from personalize_api.worker import worker_of
    from schemas.current_site import CurrentSite

    context.start_logging()
    configured = context.settings()
    site = CurrentSite.read(context.site_path(configured))
    worker = worker_of(os.environ)
    if workers > 1 and worker is None:
        port = configured.ports.personalize
        raise typer.Exit(run_workers("personalize", workers, configured.bind, port, os.environ))
    name = f"{configured.ports.personalize}{f'.{worker.number}' if worker else ''}"
    with Heart(configured, "personalize", name, lambda: site.digest) as heart:
        serve(configured, site, erase_apart, worker, heart.listen)
