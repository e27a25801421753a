"""`/ofrep/v1/evaluate/flags`: decisions for OpenFeature's stock providers."""

from __future__ import annotations

import asyncio

import msgspec
from fastapi import APIRouter, Request, Response

from personalize_api.caller.access import Caller, Headers, identify
from personalize_api.caller.consent import consent_of
from personalize_api.caller.permitted import cookie
from personalize_api.caller.user_token import HEADER
from personalize_api.decision.arrival import Arrival
from personalize_api.decision.homepage import Made
from personalize_api.decision.ofrep import (
    HOMEPAGE,
    Evaluations,
    Unevaluated,
    etag_of,
    evaluation,
    flags_of,
    is_known,
    read_context,
)
from personalize_api.room import Room
from personalize_api.routes.open_to_pages import answer, body_of, preflight
from personalize_api.routes.room import OpenRoom
from schemas.site import Site

router = APIRouter(prefix="/ofrep/v1/evaluate", tags=["openfeature"])


@router.post("/flags/{key}", summary="One flag: `homepage`, or an experiment")
async def one_flag(key: str, request: Request, room: OpenRoom) -> Response:
    site = room.site.site

    async def make() -> Response:
        if key not in flags_of(site):
            return _refused(
                Unevaluated("FLAG_NOT_FOUND", "no experiment of the site file has this name"), key
            )
        caller = identify(dict(request.headers.raw), site)
        try:
            arrival = read_context(await body_of(request))
            _need_targeting_key(request, site, caller, arrival, key)
        except Unevaluated as error:
            return _refused(error, key)
        made = await _evaluate(room, request, caller, arrival, key)
        room.homepage.log(made.decision)
        return _json(evaluation(key, made.answer))

    return await answer(request, site, make)


@router.post("/flags", summary="Every flag; 304 while nothing has changed")
async def all_flags(request: Request, room: OpenRoom) -> Response:
    site = room.site.site

    async def make() -> Response:
        caller = identify(dict(request.headers.raw), site)
        try:
            arrival = read_context(await body_of(request))
        except Unevaluated as error:
            return _refused(error)
        made = await _evaluate_all(room, request, caller, arrival, site)
        flags = [evaluation(key, each.answer) for key, each in made.items()]
        etag = etag_of(flags)
        if is_known(etag, request.headers.get("if-none-match", "")):
            return Response(status_code=304, headers={"ETag": etag})
        for each in made.values():
            room.homepage.log(each.decision)
        answered = _json(Evaluations(flags=flags))
        answered.headers["ETag"] = etag
        return answered

    return await answer(request, site, make)


@router.options("/flags", include_in_schema=False)
@router.options("/flags/{key}", include_in_schema=False)
async def may_ask(request: Request, room: OpenRoom) -> Response:
    return preflight(request, room.site.site, b"POST")


async def _evaluate(
    room: Room, request: Request, caller: Caller, arrival: Arrival, key: str
) -> Made:
    headers: Headers = dict(request.headers.raw)
    flag = "" if key == HOMEPAGE else key
    return await room.homepage.evaluate(request.scope, headers, caller, arrival, flag)


async def _evaluate_all(
    room: Room, request: Request, caller: Caller, arrival: Arrival, site: Site
) -> dict[str, Made]:
    """The homepage first: where it makes an id for the visitor, the others are of that id."""

    def again(device_id: str) -> Arrival:
        return msgspec.structs.replace(arrival, anonymous_id=device_id, notes=[*arrival.notes])

    first = await _evaluate(room, request, caller, again(arrival.anonymous_id), HOMEPAGE)
    device_id = first.answer.visitor.anonymous_id or arrival.anonymous_id
    others = [key for key in flags_of(site) if key != HOMEPAGE]
    made = await asyncio.gather(
        *(_evaluate(room, request, caller, again(device_id), key) for key in others)
    )
    return {HOMEPAGE: first, **dict(zip(others, made, strict=True))}


def _need_targeting_key(
    request: Request, site: Site, caller: Caller, arrival: Arrival, key: str
) -> None:
    """Raises Unevaluated where an experiment is asked for of nobody."""
    headers: Headers = dict(request.headers.raw)
    named = (
        arrival.anonymous_id
        or (caller.kind == "server" and arrival.user_id)
        or (caller.kind == "browser" and cookie(headers, site.cookie.name))
        or arrival.user_token
        or HEADER in headers
    )
    if key != HOMEPAGE and not named and consent_of(arrival, headers, site.consent) == "unknown":
        raise Unevaluated(
            "TARGETING_KEY_MISSING",
            "an arm is lasting only with a targetingKey (the visitor's anonymous_id), or with "
            "consent, which makes one",
        )


def _refused(error: Unevaluated, key: str = "") -> Response:
    return Response(error.body(key), error.status, media_type="application/json")


def _json(value: object) -> Response:
    return Response(msgspec.json.encode(value), media_type="application/json")
