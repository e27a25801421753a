"""OpenAPI of the whole service: FastAPI lists its routes, and here stands what each of them takes
and answers. `OPERATIONS` has a row for every one; a test compares.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import msgspec
from fastapi import FastAPI

from personalize_api.alerts.alerting import AlertsView
from personalize_api.decision.answer import HomepageAnswer
from personalize_api.decision.arrival import HomepageInput
from personalize_api.decision.homepage import PATH
from personalize_api.decision.ofrep import (
    Evaluation,
    EvaluationFailure,
    EvaluationRequest,
    Evaluations,
)
from personalize_api.experiments.live import LiveExperiment
from personalize_api.live.funnels import LiveFunnel
from personalize_api.live.view import LiveView
from personalize_api.one_touch.me import Me
from personalize_api.one_touch.view import OneTouch
from personalize_api.picks.choose import MAX_LIMIT
from personalize_api.picks.endpoint import PATH as PICKS_PATH
from personalize_api.picks.endpoint import USUAL_LIMIT, PicksAnswer, PicksInput

Schema = dict[str, Any]

_TYPES = (
    *(AlertsView, EvaluationFailure, EvaluationRequest, Evaluations, HomepageAnswer),
    *(HomepageInput, LiveExperiment, LiveFunnel, LiveView, Me, OneTouch, PicksAnswer, PicksInput),
)

_PAGE: list[Mapping[str, list[str]]] = [{}, {"key": []}, {"user_token": []}]
"""Anybody; a key or a user token says more of whom."""

_OPERATOR: list[Mapping[str, list[str]]] = [{}, {"admin": []}, {"password": []}, {"login": []}]
"""This machine itself, or who shows the admin token in one of these ways."""

_ADMIN: list[Mapping[str, list[str]]] = [{"admin": []}]
_ANYBODY: list[Mapping[str, list[str]]] = [{}]

_MEANINGS = {
    "304": "Nothing has changed since the answer that If-None-Match names",
    "400": "The request cannot be read",
    "401": "The key, user token or admin token is missing or does not count",
    "403": "A browser key from an origin that is not listed",
    "404": "There is nothing by this name",
    "413": "More than is read",
    "429": "Too many wrong tokens from this address; Retry-After says when to come again",
    "503": "The state cannot be read now; Retry-After says when to come again",
}


class Operation(NamedTuple):
    """`answer`: schema of a 200; `errors`: statuses whose body is an Error, or as `said` has it."""

    answer: Schema
    security: list[Mapping[str, list[str]]]
    errors: tuple[str, ...] = ()
    meaning: str = "The answer"
    content: str = "application/json"
    parameters: Sequence[Schema] = ()
    body: str = ""  # name of its schema
    said: Mapping[str, Schema] = {}
    more: Mapping[str, Schema] = {}  # answers that are no errors and have no body


def _ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def _object(**properties: Schema) -> Schema:
    return {"type": "object", "properties": properties, "required": list(properties)}


def _list(name: str) -> Schema:
    return {"type": "array", "items": _ref(name)}


def _query(name: str, **more: object) -> Schema:
    return {"name": name, "in": "query", "required": False, "schema": {"type": "string"}, **more}


_TEXT: Schema = {"type": "string"}
_TRUTH: Schema = {"type": "boolean"}
_COUNTED: Schema = {"type": "object", "additionalProperties": {"type": "integer"}}
_INPUTS = tuple(_query(name) for name in HomepageInput.__struct_fields__)
_TOKEN: Schema = {
    "name": "Footfall-User-Token",
    "in": "header",
    "required": False,
    "schema": _TEXT,
    "description": "The site's word on who is logged in: see infra/decisions/0022",
}
_NONE_MATCH: Schema = {"name": "If-None-Match", "in": "header", "required": False, "schema": _TEXT}
_SIGNALS: tuple[Schema, ...] = tuple(
    {"name": name, "in": "header", "required": False, "schema": _TEXT}
    for name in ("Sec-GPC", "DNT")
)
_OF_A_PAGE = ("400", "401", "403", "413")
_OF_AN_OPERATOR = ("401", "429")
_ONE = Operation(
    _ref("Evaluation"),
    _PAGE,
    ("400", "401", "403", "404", "413"),
    parameters=(_TOKEN,),
    body="EvaluationRequest",
    said={"400": _ref("EvaluationFailure"), "404": _ref("EvaluationFailure")},
)

OPERATIONS: dict[tuple[str, str], Operation] = {
    ("get", "/v1/me"): Operation(
        _ref("Me"),
        _PAGE,
        (*_OF_A_PAGE, "503"),
        parameters=(
            *(_query(name) for name in ("anonymous_id", "user_id", "consent", "gpc", "user_token")),
            *(_TOKEN, *_SIGNALS),
        ),
    ),
    ("post", "/ofrep/v1/evaluate/flags/{key}"): _ONE,
    ("post", "/ofrep/v1/evaluate/flags"): _ONE._replace(
        answer=_ref("Evaluations"),
        errors=_OF_A_PAGE,
        parameters=(_TOKEN, _NONE_MATCH),
        said={"400": _ref("EvaluationFailure")},
        more={"304": {}},
    ),
    ("get", "/v1/funnels"): Operation(
        _object(funnels=_list("LiveFunnel")), _OPERATOR, ("400", *_OF_AN_OPERATOR, "503")
    ),
    ("get", "/v1/funnels/{name}"): Operation(
        _ref("LiveFunnel"), _OPERATOR, ("400", *_OF_AN_OPERATOR, "404", "503")
    ),
    ("get", "/v1/experiments"): Operation(
        _object(experiments=_list("LiveExperiment")), _OPERATOR, ("400", *_OF_AN_OPERATOR, "503")
    ),
    ("get", "/v1/alerts"): Operation(_ref("AlertsView"), _OPERATOR, (*_OF_AN_OPERATOR, "503")),
    ("get", "/v1/live"): Operation(
        {**_TEXT, "contentMediaType": "application/json", "contentSchema": _ref("LiveView")},
        _OPERATOR,
        ("400", *_OF_AN_OPERATOR),
        meaning="Events without end; the data of each `live` event is a LiveView",
        content="text/event-stream",
    ),
    ("get", "/ops"): Operation(
        _TEXT,
        _OPERATOR,
        _OF_AN_OPERATOR,
        meaning="The page",
        content="text/html",
        more={"303": {"description": "A browser that may not see it is led to the login"}},
    ),
    ("get", "/v1/visitors/{identifier}"): Operation(
        _ref("OneTouch"), _ADMIN, ("401", "404", "429", "503")
    ),
    ("delete", "/v1/visitors/{identifier}"): Operation(
        _ref("Erased"),
        _ADMIN,
        ("401", "404", "429", "503"),
        meaning="What was erased, and what remains",
    ),
    ("get", "/health"): Operation(_object(status=_TEXT), _ANYBODY),
    ("get", "/ready"): Operation(
        _object(
            ready=_TRUTH,
            waits_for=_TEXT,
            degraded=_TRUTH,
            redis_ms={"type": "number"},
            site=_object(
                digest=_TEXT, since=_TEXT, error={"anyOf": [_TEXT, {"type": "null"}]}
            ),
            picks=_object(
                products={"type": "integer"},
                catalogue=_TRUTH,
                error={"anyOf": [_TEXT, {"type": "null"}]},
                trained_s_ago={"anyOf": [{"type": "integer"}, {"type": "null"}]},
                weights={"enum": ["usual", "learned"]},
            ),
        ),
        _ANYBODY,
    ),
    ("get", "/metrics"): Operation(
        _TEXT, _ANYBODY, meaning="In Prometheus' text format", content="text/plain"
    ),
}  # fmt: skip


def describe(app: FastAPI) -> None:
    """Makes `app.openapi` describe everything, the homepage endpoint too."""
    plain = app.openapi

    def complete() -> Schema:
        schema = plain()
        if PATH not in schema["paths"]:
            _complete(schema)
        return schema

    setattr(app, "openapi", complete)  # noqa: B010  (FastAPI's way; a method for the type checker)


def _complete(schema: Schema) -> None:
    schema["components"] = {"schemas": _components(), "securitySchemes": _schemes()}
    for (method, path), operation in OPERATIONS.items():
        _fill(schema["paths"][path][method], operation)
    schema["paths"] = {PATH: _homepage(), PICKS_PATH: _picks(), **schema["paths"]}


def _components() -> Schema:
    _, components = msgspec.json.schema_components(
        (*_TYPES, Evaluation), ref_template="#/components/schemas/{name}"
    )
    components["Error"] = _object(code=_TEXT, message=_TEXT)
    components["Erased"] = {
        **_object(
            kind=_TEXT,
            asked_at=_TEXT,
            redis=_COUNTED,
            clickhouse=_COUNTED,
            shared_devices={"type": "integer"},
            kafka_until=_TEXT,
            again=_TRUTH,
        ),
        "description": "States by topic and rows by table that were taken away. `shared_devices` "
        "stay, since others logged in with them too; Kafka's copy goes after `kafka_until`.",
    }
    return dict(sorted(components.items()))


def _schemes() -> Schema:
    bearer = {"type": "http", "scheme": "bearer"}
    return {
        "key": {**bearer, "description": "sk_... of a server, or pk_... of a page"},
        "admin": {**bearer, "description": "FOOTFALL_ADMIN_TOKEN"},
        "password": {"type": "http", "scheme": "basic", "description": "the same as password"},
        "login": {"type": "apiKey", "in": "cookie", "name": "ff_ops", "description": "/ops/login"},
        "user_token": {"type": "apiKey", "in": "header", "name": "Footfall-User-Token"},
    }


def _fill(said: Schema, operation: Operation) -> None:
    responses: Schema = {"200": {"description": operation.meaning}}
    responses["200"]["content"] = _content(operation.answer, operation.content)
    for status in operation.errors:
        body = operation.said.get(status, _ref("Error"))
        responses[status] = {"description": _MEANINGS[status], "content": _content(body)}
    for status, more in operation.more.items():
        responses[status] = {"description": _MEANINGS.get(status, ""), **more}
    said["responses"] = responses
    said["security"] = operation.security
    if operation.parameters:
        said["parameters"] = [*said.get("parameters", []), *operation.parameters]
    if operation.body:
        said["requestBody"] = {"required": False, "content": _content(_ref(operation.body))}


def _answers(meaning: str, answer: str) -> Schema:
    answers: Schema = {"200": {"description": meaning, "content": _content(_ref(answer))}}
    for status in _OF_A_PAGE:
        answers[status] = {"description": _MEANINGS[status], "content": _content(_ref("Error"))}
    return answers


def _picks() -> Schema:
    answers = _answers("Products, best first, whatever is down", "PicksAnswer")
    common = {"tags": ["picks"], "responses": answers, "security": _PAGE}
    limit = {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": USUAL_LIMIT}
    own = (_query("limit", schema=limit), _query("product_id", schema={**_TEXT, "maxLength": 64}))
    body = {"required": False, "content": _content(_ref("PicksInput"))}
    summary = "Products for a visitor, each with its score and the reasons"
    return {
        "get": {"summary": summary, **common, "parameters": [*_INPUTS, *own, _TOKEN, *_SIGNALS]},
        "post": {
            "summary": summary,
            **common,
            "parameters": [_TOKEN, *_SIGNALS],
            "requestBody": body,
        },
    }


def _homepage() -> Schema:
    answers = _answers("The decision, whatever is down", "HomepageAnswer")
    parameters = [*_INPUTS, _TOKEN, *_SIGNALS]
    common = {"tags": ["homepage"], "responses": answers, "security": _PAGE}
    held = {"description": "As If-None-Match says, the caller has that page; all is in headers"}
    bodiless = {status: {"description": told["description"]} for status, told in answers.items()}
    head = {**bodiless, "200": {"description": "The decision, in headers"}}
    body = {"required": False, "content": _content(_ref("HomepageInput"))}
    return {
        "get": {
            "summary": "Which homepage to show",
            **common,
            "parameters": [*parameters, _NONE_MATCH],
            "responses": {**answers, "304": held},
        },
        "head": {
            "summary": "The same for proxies, which read headers",
            **common,
            "parameters": parameters,
            "responses": head,
        },
        "post": {
            "summary": "Which homepage to show",
            **common,
            "parameters": [_TOKEN, *_SIGNALS],
            "requestBody": body,
        },
    }


def _content(schema: Schema, kind: str = "application/json") -> Schema:
    return {kind: {"schema": schema}}
