"""The collector: its wiring, and the process that serves it."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
from collections.abc import AsyncIterator
from functools import partial

import uvicorn
from fastapi import FastAPI

from ingest.collector.hot_paths import App, HotPaths
from ingest.collector.metrics import Metrics
from ingest.collector.producer import Producer
from ingest.collector.pseudonym import Salts
from ingest.collector.publish import Batch, Publisher
from ingest.collector.rules import Rules
from ingest.collector.side_paths import create_side_paths
from ingest.collector.spool import Spool
from ingest.collector.told import told
from schemas.current_site import CurrentSite
from schemas.heartbeat import Listen, nobody_listens
from schemas.hot_http import hot_protocol
from schemas.settings import Settings

_log = logging.getLogger(__name__)

_GRACE_S = 15  # above the delivery timeout, so that a stop waits for what Kafka still takes


def create_app(settings: Settings, site: CurrentSite, listen: Listen = nobody_listens) -> HotPaths:
    """The ASGI application; its lifespan connects to Kafka and Redis, and flushes at the end.

    Keys, origins, the cookie and consent follow the site file; how long salts are kept is what
    it said at the start. `listen` gets what tells of the collector.
    """
    metrics = Metrics()
    first = site.site
    salts = Salts(settings.redis_url, first.retention.events_ms if first.join_logs else 0)
    rules = site.follow(lambda new: Rules(new, salts, settings.secret_key))
    producer: Producer[Batch] = Producer(settings.kafka)
    spool = Spool(settings.spool) if settings.spool else None
    publisher = Publisher(producer, metrics, spool)

    @contextlib.asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        await publisher.start()
        await salts.start()
        watching = asyncio.create_task(site.watch())
        listen(partial(told, publisher, metrics), asyncio.get_running_loop())
        try:
            yield
        finally:
            watching.cancel()
            await publisher.stop()
            await salts.stop()

    side_paths = create_side_paths(
        site, lambda: rules.now.keys, producer, metrics, lifespan, spools=spool is not None
    )
    return HotPaths(rules, publisher, metrics, side_paths)


def serve(settings: Settings, site: CurrentSite, listen: Listen = nobody_listens) -> None:
    """Serves until SIGTERM or SIGINT: then accepts nothing more, flushes, and returns."""
    port = settings.ports.collect
    app = create_app(settings, site, listen)
    config = server_config(app, settings.bind, port, hot_protocol(app.routes()))
    calm_garbage_collection()
    _log.info("collector at http://%s:%d", settings.bind, port)
    uvicorn.Server(config).run()


def calm_garbage_collection() -> None:
    """Hundreds of waiting requests are not garbage: looking for it there cost 20 ms at p99."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


def server_config(
    app: App, host: str, port: int, http: type[asyncio.Protocol] | str = "httptools"
) -> uvicorn.Config:
    """How the collector is served; the benchmark serves its baseline in the same way."""
    return uvicorn.Config(
        app,
        host=host,
        port=port,
        loop="uvloop",
        http=http,
        ws="none",
        lifespan="on",
        access_log=False,
        log_config=None,
        log_level="warning",
        proxy_headers=False,  # `addresses` decides whose word is taken
        server_header=False,
        backlog=2048,
        timeout_graceful_shutdown=_GRACE_S,
    )
