"""The homepage's answer as HTTP: what may be kept by whom, and who may read it.

The decision is one visitor's and is kept by nobody: `private, no-store`. The page that follows from
it is the same for all who get the same `cache_key`, which is also the answer's ETag. Whoever keeps
pages sends the keys of what it has as `If-None-Match`: 304 names, without a body, the one to show.
A 304 and a HEAD are decisions like any other; what a proxy needs of them stands in headers, since
it can read nothing else. infra/docs/caching.md shows both at work.
"""

from __future__ import annotations

from personalize_api.caller.access import Headers
from personalize_api.caller.cors import VARY
from personalize_api.decision.answer import HomepageAnswer
from personalize_api.errors import MethodRefused, PersonalizeError
from schemas.hot_http import Answer

Header = tuple[bytes, bytes]

METHODS = b"GET, HEAD, POST"

_NOT_KEPT = (b"cache-control", b"private, no-store")
_JSON = (b"content-type", b"application/json")


def etag(cache_key: str) -> bytes:
    """Weak: what is shown is the same, the decision's id is not."""
    return b'W/"%b"' % cache_key.encode()


def is_held(headers: Headers, tag: bytes) -> bool:
    """Whether the caller has what `tag` names. `*` names nothing that could be shown."""
    given = headers.get(b"if-none-match")
    if given is None:
        return False
    wanted = tag.removeprefix(b"W/")
    return any(each.strip().removeprefix(b"W/") == wanted for each in given.split(b","))


def told(answer: HomepageAnswer) -> list[Header]:
    """The answer for those who see only headers."""
    headers = [
        (b"footfall-variant", answer.variant.encode()),
        (b"footfall-cache-key", answer.cache_key.encode()),
        (b"footfall-decision", answer.decision_id.encode()),
    ]
    if answer.visitor.anonymous_id:
        headers.append((b"footfall-anonymous-id", answer.visitor.anonymous_id.encode()))
    if answer.degraded:
        headers.append((b"footfall-degraded", b"1"))
    return headers


def refuse(error: PersonalizeError, more: list[Header]) -> Answer:
    """`more`: CORS headers, so that the page may read why."""
    extra = [(name.lower().encode(), value.encode()) for name, value in error.headers.items()]
    if isinstance(error, MethodRefused):
        extra.append((b"allow", METHODS))
    return respond(error.status, error.body(), more + extra)


def respond(status: int, body: bytes, headers: list[Header]) -> Answer:
    """A JSON body; none of a 204 and a 304, which have none."""
    if status in (204, 304):
        return Answer(status, (_NOT_KEPT, VARY, *headers))
    return Answer(status, (_NOT_KEPT, VARY, *headers, _JSON), body)
