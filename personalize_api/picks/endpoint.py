"""`GET|POST /v1/picks`: products for a visitor, best first, each with its score and the reasons.

Who may ask what, what is looked up and what consent allows are the homepage's (`homepage.py`):
these picks are made for the scenario that it would choose. No decision is logged, as none is shown.
"""

from __future__ import annotations

from urllib.parse import parse_qsl

import msgspec

from personalize_api.caller.access import Headers, identify
from personalize_api.caller.cors import cors
from personalize_api.decision.answer import Pick, VisitorAnswer
from personalize_api.decision.arrival import Arrival, HomepageInput, check, read_query
from personalize_api.decision.endpoint import HotEndpoint
from personalize_api.decision.homepage import Homepage
from personalize_api.decision.request import Scope, has_text
from personalize_api.decision.respond import respond
from personalize_api.errors import InvalidInput, PersonalizeError
from personalize_api.metrics import Metrics
from personalize_api.picks.asked import Asked
from personalize_api.picks.choose import MAX_LIMIT
from schemas.activity import MAX_TEXT
from schemas.current_site import CurrentSite
from schemas.hot_http import Answer

PATH = "/v1/picks"
USUAL_LIMIT = 12


class PicksInput(HomepageInput, kw_only=True):
    """Those of `/v1/homepage`, and how many products; `product_id`: for the page of that one."""

    limit: str | int | None = None
    product_id: str | int | None = None


class PicksAnswer(msgspec.Struct, kw_only=True):
    """`reason` says why the scenario matched, and what of the request was ignored."""

    picks: list[Pick]
    scenario: str
    reason: str
    visitor: VisitorAnswer
    ttl_s: int
    degraded: bool


_decode = msgspec.json.Decoder(PicksInput).decode
_encode = msgspec.json.Encoder().encode


class PicksEndpoint(HotEndpoint):
    """The endpoint."""

    def __init__(self, site: CurrentSite, homepage: Homepage, metrics: Metrics) -> None:
        super().__init__(site, metrics)
        self._homepage = homepage

    async def answer(self, scope: Scope, headers: Headers, body: bytes) -> Answer:
        site = self._site.site
        try:
            arrival, asked = _read(scope, body)
            caller = identify(headers, site)
            made = await self._homepage.evaluate(scope, headers, caller, arrival, "", asked)
        except PersonalizeError as error:
            return self._refused(error, headers)
        answer = made.answer
        picks = PicksAnswer(
            picks=answer.picks,
            scenario=answer.scenario,
            reason=answer.reason,
            visitor=answer.visitor,
            ttl_s=answer.ttl_s,
            degraded=answer.degraded,
        )
        return respond(200, _encode(picks), cors(site, headers))


def _read(scope: Scope, body: bytes) -> tuple[Arrival, Asked]:
    """Raises TooLarge, InvalidInput."""
    if not has_text(body):
        arrival = read_query(scope["query_string"])
        said = dict(reversed(parse_qsl(scope["query_string"].decode("latin-1"))))
        return arrival, _asked(said.get("limit"), said.get("product_id"))
    try:
        given = _decode(body)
        arrival = check(given)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise InvalidInput(f"the body is not what the endpoint reads: {error}") from error
    return arrival, _asked(given.limit, given.product_id)


def _asked(limit: str | int | None, product_id: str | int | None) -> Asked:
    text = str(USUAL_LIMIT if limit is None else limit).strip()
    if not (text.isascii() and text.isdecimal()) or not 1 <= int(text[:4]) <= MAX_LIMIT:
        raise InvalidInput(f"limit is {text[:20]!r}; allowed: 1 to {MAX_LIMIT}")
    about = "" if product_id is None else str(product_id).strip()
    if len(about) > MAX_TEXT or not about.isprintable():
        raise InvalidInput(f"product_id is longer than {MAX_TEXT} characters, or not printable")
    return Asked(int(text), about, with_parts=True)
