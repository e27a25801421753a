"""Everything that is not hot: health, readiness, metrics, what SDKs ask first, documentation."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

from confluent_kafka import KafkaException
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.exceptions import HTTPException

from ingest.collector import answers
from ingest.collector.errors import STATUS, RefusedRequest
from ingest.collector.keys import WriteKeys
from ingest.collector.metrics import Metrics
from ingest.collector.openapi import describe
from ingest.collector.posthog_settings import add_posthog_settings
from ingest.collector.producer import Producer
from schemas.current_site import CurrentSite
from schemas.topics import RAW, REJECTED

_READY_WAIT_S = 2.0

Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[None]]


def create_side_paths(
    site: CurrentSite,
    keys: Callable[[], WriteKeys],
    producer: Producer[Any],
    metrics: Metrics,
    lifespan: Lifespan,
    *,
    spools: bool,
) -> FastAPI:
    """The FastAPI application beside the hot paths; `lifespan` starts and stops the collector.

    `keys`: those of now. `spools`: events are taken while Kafka is away.
    """
    app = FastAPI(title="Footfall collector", version="1", lifespan=lifespan)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(RefusedRequest, _refused)
    _add_operations(app, site, producer, metrics, spools=spools)
    _add_sdk_settings(app, keys)
    describe(app)
    return app


def _add_operations(
    app: FastAPI, site: CurrentSite, producer: Producer[Any], metrics: Metrics, *, spools: bool
) -> None:
    @app.get("/health", tags=["operations"])
    async def health() -> dict[str, str]:
        """The process answers."""
        return {"status": "ok"}

    @app.get("/ready", tags=["operations"])
    async def ready() -> JSONResponse:
        """Kafka answers and has the topics, or the spool takes what comes: 200. Else 503."""
        try:
            partitions = await asyncio.to_thread(producer.partitions, _READY_WAIT_S)
        except KafkaException as error:
            if spools:
                return JSONResponse({"status": "spooling", "site": site.told()})
            return _not_ready(f"Kafka does not answer: {error.args[0]}")
        for topic in (RAW, REJECTED):
            found = partitions.get(topic.name, 0)
            if found != topic.partitions:
                return _not_ready(
                    f"topic {topic.name} has {found} partitions, not {topic.partitions}: "
                    "run `footfall migrate`"
                )
        return JSONResponse({"status": "ready", "site": site.told()})

    @app.get("/metrics", tags=["operations"])
    async def prometheus() -> Response:
        """Prometheus text."""
        return Response(generate_latest(metrics.registry), media_type=CONTENT_TYPE_LATEST)


def _add_sdk_settings(app: FastAPI, keys: Callable[[], WriteKeys]) -> None:
    def cors(request: Request) -> dict[str, str]:
        origin = request.headers.get("origin", "").encode("latin-1")
        listed = origin if origin and keys().allows_origin(origin) else b""
        headers = {name.decode(): value.decode("latin-1") for name, value in answers.cors(listed)}
        return {**headers, "vary": "Origin"}

    add_posthog_settings(app, keys, cors)

    @app.get("/v1/projects/{key}/settings", tags=["SDK settings"])
    async def segment_settings(key: str, request: Request) -> JSONResponse:
        """What analytics.js asks for before it sends anything."""
        keys().known(b"", key, b"")
        integration = {"apiKey": key, "unbundledIntegrations": [], "versionSettings": {}}
        settings = {
            "integrations": {"Segment.io": integration},
            "metrics": {"sampleRate": 0},
            "plan": {},
            "edgeFunction": {},
        }
        return JSONResponse(settings, headers=cors(request))

    @app.get("/sourceConfig", tags=["SDK settings"])
    async def rudderstack_settings(request: Request) -> JSONResponse:
        """What RudderStack's SDKs ask for before they send anything."""
        authorization = request.headers.get("authorization", "").encode("latin-1")
        key = keys().known(authorization, "", str(request.url.query).encode())
        off = {"enabled": False}
        source = {
            "id": "footfall",
            "name": "Footfall",
            "writeKey": key.key,
            "enabled": True,
            "workspaceId": "footfall",
            "config": {"statsCollection": {"errors": off, "metrics": off}},
            "destinations": [],
        }
        return JSONResponse(
            {"source": source, "consentManagementMetadata": {}}, headers=cors(request)
        )


def _not_ready(message: str) -> JSONResponse:
    return _error(503, "not_ready", message)


async def _refused(_request: Request, error: Exception) -> Response:
    if not isinstance(error, RefusedRequest):
        raise error
    return _error(STATUS[type(error)], error.code, str(error))


async def _http_error(_request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    code = {404: "not_found", 405: "method_not_allowed"}.get(error.status_code, "refused")
    return _error(error.status_code, code, str(error.detail))


def _error(status: int, code: str, message: str) -> JSONResponse:
    return JSONResponse({"code": code, "message": message}, status)
