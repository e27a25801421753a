"""Every error as `{"code", "message"}`: several clients break on anything else."""

from __future__ import annotations

import msgspec
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from personalize_api.errors import InvalidInput, MethodRefused, NotThere, PersonalizeError


def install(app: FastAPI) -> None:
    app.add_exception_handler(PersonalizeError, _ours)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Exception, _fault)


def _answer(error: PersonalizeError) -> Response:
    return Response(error.body(), error.status, dict(error.headers), "application/json")


async def _ours(_: Request, error: Exception) -> Response:
    assert isinstance(error, PersonalizeError)
    return _answer(error)


async def _invalid(_: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    told = [f"{'.'.join(map(str, e['loc'][1:]))}: {e['msg']}" for e in error.errors()]
    return _answer(InvalidInput("; ".join(told)))


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if error.status_code == 404:
        return _answer(NotThere(f"there is nothing at {request.url.path[:200]}"))
    if error.status_code == 405:
        response = _answer(MethodRefused(f"{request.method} is not answered here"))
        response.headers.update(error.headers or {})
        return response
    body = msgspec.json.encode({"code": "http_error", "message": str(error.detail)})
    return Response(body, error.status_code, media_type="application/json")


async def _fault(_: Request, __: Exception) -> Response:
    """The server logs the traceback; the caller learns nothing of it."""
    body = msgspec.json.encode({"code": "fault", "message": "a fault of ours; see the log"})
    return Response(body, 500, media_type="application/json")
