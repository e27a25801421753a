"""The OpenAPI description of the hot paths, which FastAPI does not serve and so does not know."""

from __future__ import annotations

from typing import Any

import msgspec
from fastapi import FastAPI

from ingest.collector.errors import STATUS, RefusedRequest
from ingest.collector.protocols.beacon import Beacon, BeaconEvent
from ingest.collector.protocols.pixel import Pixel
from ingest.collector.protocols.posthog import PATHS, RESULTS_PATH
from ingest.collector.protocols.posthog_messages import Capture, CaptureEvent
from ingest.collector.protocols.segment import TYPES
from ingest.collector.protocols.segment_messages import Batch, Message
from ingest.collector.protocols.snowplow import GET_PATH, POST_PATH
from ingest.collector.protocols.snowplow_messages import Payload, SnowplowEvent
from schemas.referrer import UTM_FIELDS

_SHAPES = (Beacon, BeaconEvent, Batch, Message, Capture, CaptureEvent, Payload, SnowplowEvent)


def describe(app: FastAPI) -> None:
    """Adds the hot paths to the document `app` serves at /openapi.json and shows at /docs."""
    own = app.openapi

    def openapi() -> dict[str, Any]:
        if not app.openapi_schema:
            document = own()
            document["paths"].update(_paths())
            _, shapes = msgspec.json.schema_components(
                _SHAPES, ref_template="#/components/schemas/{name}"
            )
            schemas = document.setdefault("components", {}).setdefault("schemas", {})
            schemas.update(shapes)
            schemas["Refusal"] = _REFUSAL
            app.openapi_schema = document
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]


_REFUSAL = {
    "type": "object",
    "required": ["code", "message"],
    "properties": {"code": {"type": "string"}, "message": {"type": "string"}},
}


def _parameter(name: str, about: str, *, required: bool = False) -> dict[str, Any]:
    schema = {"type": "string"}
    return {
        "name": name, "in": "query", "required": required, "description": about, "schema": schema
    }  # fmt: skip


_TRACKED = {
    "tags": ["collect"],
    "summary": "Snowplow's tracker protocol v2: one event as a query",
    "description": "Any parameter of SnowplowEvent; the application id, or writeKey, is the key.",
    "parameters": [
        _parameter("e", "What the event is: pv, pp, se, ue, tr, ti", required=True),
        _parameter("aid", "The application id"),
        _parameter("writeKey", "The write key, where the application id is none"),
    ],
    "responses": {"200": {"description": "A transparent dot", "content": {"image/gif": {}}}},
}
_PIXEL = {
    "tags": ["collect"],
    "summary": "What an opened letter tells, and a page without script",
    "description": "Always the image, and never kept: what is refused is counted, and named by the "
    "header `footfall-refused`. Parameters that are not listed become properties.",
    "parameters": [
        _parameter("key", "A browser key", required=True),
        *(
            _parameter(field.name, str(shape.get("description", "")))
            for field, shape in (
                (field, msgspec.json.schema(field.type)) for field in msgspec.structs.fields(Pixel)
            )
        ),
        *(_parameter(name, "The letter's campaign") for name in UTM_FIELDS),
    ],
    "responses": {"200": {"description": "A transparent dot", "content": {"image/gif": {}}}},
}
_LINK = {
    "tags": ["collect"],
    "summary": "A click on a signed link, counted on its way",
    "description": "`footfall click-link` makes them.",
    "parameters": [
        _parameter("u", "Where it leads", required=True),
        _parameter("s", "The signature of `u` and `ff_click`", required=True),
        _parameter("ff_click", "Whose letter it stands in"),
    ],
    "responses": {
        "302": {"description": "Onward, also where the click cannot be counted"},
        "400": {"description": "malformed"},
        "403": {"description": "link not signed"},
    },
}


def _paths() -> dict[str, Any]:
    paths = {
        "/b": _post("Our tracker's beacons", "Beacon", "text/plain", "204", "Durable"),
        "/beacon.js": {
            "get": {
                "tags": ["collect"],
                "summary": "Our tracker",
                "responses": {"200": {"description": "JavaScript, at most 3 KB gzipped"}},
            }
        },
    }
    paths |= {"/pixel.gif": {"get": _PIXEL}, "/r": {"get": _LINK}}
    for kind in TYPES:
        for path in (kind, kind[0]):
            summary = f"Segment: one {kind} call"
            paths[f"/v1/{path}"] = _post(summary, "Message", "application/json", "200", "Durable")
    for path in ("batch", "import", "b"):
        summary = "Segment: up to 500 calls of any type"
        paths[f"/v1/{path}"] = _post(summary, "Batch", "application/json", "200", "Durable")
    for path in (*(f"{base}/" for base in PATHS), RESULTS_PATH):
        summary = "PostHog: one event, or up to 500"
        paths[path] = _post(summary, "Capture", "application/json", "200", "Durable")
    summary = "Snowplow's tracker protocol v2: up to 500 events"
    paths[POST_PATH] = _post(summary, "Payload", "application/json", "200", "Durable")
    paths[GET_PATH] = {"get": _TRACKED}
    return paths


def _post(summary: str, shape: str, media: str, status: str, means: str) -> dict[str, Any]:
    responses: dict[str, Any] = {status: {"description": means}}
    for error, code in STATUS.items():
        responses[str(code)] = {
            "description": _about(error),
            "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Refusal"}}},
        }
    body = {"content": {media: {"schema": {"$ref": f"#/components/schemas/{shape}"}}}}
    return {
        "post": {
            "tags": ["collect"],
            "summary": summary,
            "requestBody": {"required": True, **body},
            "responses": responses,
        }
    }


def _about(error: type[RefusedRequest]) -> str:
    return error.code.replace("_", " ")
