"""OpenAPI of the whole service: FastAPI describes its routes, and here what it cannot see."""

from __future__ import annotations

from typing import Any

import msgspec
from fastapi import FastAPI

from personalize_api.alerts.alerting import AlertsView
from personalize_api.answer import HomepageAnswer
from personalize_api.arrival import HomepageInput
from personalize_api.funnels import LiveFunnel
from personalize_api.homepage import PATH
from personalize_api.live_experiments import LiveExperiment
from personalize_api.one_touch import OneTouch

Schema = dict[str, Any]


def describe(app: FastAPI) -> None:
    """Makes `app.openapi` describe the homepage endpoint too, and what answers look like."""
    plain = app.openapi

    def complete() -> Schema:
        schema = plain()
        if PATH not in schema["paths"]:
            _complete(schema)
        return schema

    setattr(app, "openapi", complete)  # noqa: B010  (FastAPI's way; a method for the type checker)


def _complete(schema: Schema) -> None:
    types = (AlertsView, HomepageInput, HomepageAnswer, LiveExperiment, LiveFunnel, OneTouch)
    _, components = msgspec.json.schema_components(
        types, ref_template="#/components/schemas/{name}"
    )
    components["Error"] = {
        "type": "object",
        "required": ["code", "message"],
        "properties": {"code": {"type": "string"}, "message": {"type": "string"}},
    }
    held = schema.setdefault("components", {})
    held.setdefault("schemas", {}).update(components)
    held["securitySchemes"] = {
        "key": {"type": "http", "scheme": "bearer", "description": "sk_... or pk_..."},
        "admin": {"type": "http", "scheme": "bearer", "description": "FOOTFALL_ADMIN_TOKEN"},
    }
    schema["paths"] = {PATH: _homepage(components["HomepageInput"]), **schema["paths"]}
    funnel_list = {"type": "array", "items": _ref("LiveFunnel")}
    _answer(schema, "/v1/funnels", {"type": "object", "properties": {"funnels": funnel_list}})
    experiments = {"type": "array", "items": _ref("LiveExperiment")}
    listed = {"type": "object", "properties": {"experiments": experiments}}
    _answer(schema, "/v1/experiments", listed)
    _answer(schema, "/v1/funnels/{name}", _ref("LiveFunnel"))
    _answer(schema, "/v1/alerts", _ref("AlertsView"))
    _answer(schema, "/v1/visitors/{identifier}", _ref("OneTouch"))
    for path, item in schema["paths"].items():
        if path.startswith("/v1/") and path != PATH:
            for operation in item.values():
                operation["security"] = [{"admin": []}]


def _homepage(inputs: Schema) -> Schema:
    decision = _content(_ref("HomepageAnswer"))
    answers = {"200": {"description": "The decision, whatever is down", "content": decision}}
    for status, meaning in (
        ("400", "The request cannot be read"),
        ("401", "The key is not in the site file"),
        ("403", "A browser key from an origin that is not listed"),
        ("413", "More than is read"),
    ):
        answers[status] = {"description": meaning, "content": _content(_ref("Error"))}
    common = {"tags": ["homepage"], "responses": answers, "security": [{}, {"key": []}]}
    parameters = [
        {"name": name, "in": "query", "required": False, "schema": {"type": "string"}}
        for name in inputs["properties"]
    ]
    body = {"required": False, "content": _content(_ref("HomepageInput"))}
    held = {"description": "As If-None-Match says, the caller has that page; all is in headers"}
    head = {"200": {"description": "The decision, in headers"}}
    return {
        "get": {
            "summary": "Which homepage to show",
            "parameters": parameters,
            **common,
            "responses": {**answers, "304": held},
        },
        "head": {
            "summary": "The same for proxies, which read headers",
            "parameters": parameters,
            **common,
            "responses": {**{status: _bodiless(told) for status, told in answers.items()}, **head},
        },
        "post": {"summary": "Which homepage to show", "requestBody": body, **common},
    }


def _bodiless(answer: Schema) -> Schema:
    return {"description": answer["description"]}


def _answer(schema: Schema, path: str, answer: Schema) -> None:
    schema["paths"][path]["get"]["responses"]["200"]["content"] = _content(answer)


def _content(schema: Schema) -> Schema:
    return {"application/json": {"schema": schema}}


def _ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}
