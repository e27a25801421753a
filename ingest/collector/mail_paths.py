"""What letters and pages without script ask for: an image that is there, a link that leads on.

Who asks cannot be told that something is wrong, and does not ask again: so the image is always
answered, and whoever clicked always arrives. What is not taken is counted, by reason, and what
neither Kafka nor the spool takes, too.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import MutableMapping
from typing import Any

from ingest.collector import answers
from ingest.collector.address_keys import Told
from ingest.collector.caller import Caller
from ingest.collector.errors import (
    STATUS,
    MethodNotAllowed,
    OriginNotAllowed,
    RefusedRequest,
    TooManyRequests,
    Unavailable,
    UnknownWriteKey,
)
from ingest.collector.harvest import Harvest
from ingest.collector.metrics import Metrics
from ingest.collector.parameters import read_parameters
from ingest.collector.protocols import pixel, redirect
from ingest.collector.publish import Publisher
from ingest.collector.rules import Rules
from schemas.current_site import Followed
from schemas.hot_http import Answer, send_answer
from schemas.site import WriteKey

Scope = MutableMapping[str, Any]

_WAIT_S = 0.5  # for Kafka or the disk; a page must not load, nor a visitor wait, for longer
_NO_KEY = WriteKey(key="", kind="browser")  # a link's signature says that it is ours


class MailPaths:
    """Answers `/pixel.gif` and `/r`; belongs to one event loop."""

    paths = frozenset({pixel.PATH, redirect.PATH})

    def __init__(self, rules: Followed[Rules], publisher: Publisher, metrics: Metrics) -> None:
        self._rules = rules
        self._publisher = publisher
        self._metrics = metrics
        self._told = Told()

    async def __call__(self, scope: Scope, send: answers.Send) -> None:
        answer = self._image if scope["path"] == pixel.PATH else self._onward
        headers: dict[bytes, bytes] = dict(scope["headers"])
        await send_answer(send, await answer(scope, headers, self._rules.now))

    async def _image(self, scope: Scope, headers: dict[bytes, bytes], rules: Rules) -> Answer:
        origin = headers.get(b"origin", b"")
        listed = origin if origin and rules.keys.allows_origin(origin) else b""
        try:
            if scope["method"] == "HEAD":
                return answers.image(listed)
            _require_get(scope)
            parcel = pixel.PixelParcel(read_parameters(scope["query_string"]))
            key = rules.keys.known(b"", parcel.key, b"")
            if key.kind == "server":
                raise UnknownWriteKey("everybody reads an image's address: use a browser key")
            if origin and not listed:
                raise OriginNotAllowed("a browser key is taken only from the site's `origins`")
            caller = _caller(scope, headers, key)
            if parcel.is_page and not pixel.is_own_page(caller, rules):
                raise OriginNotAllowed("a page's image counts on the site's `origins` only")
            rules.limits.admit(caller)
            harvest = parcel.gather(caller, rules)
            rules.limits.charge(caller, 1)
        except RefusedRequest as error:
            self._metrics.refused.labels(error.code).inc()
            return answers.image(listed, refused=error.code)
        refused = await self._publish(harvest, pixel.PATH)
        for record in harvest.refused:
            refused = refused or record.reason
        return answers.image(listed, harvest.set_cookie, refused)

    async def _onward(self, scope: Scope, headers: dict[bytes, bytes], rules: Rules) -> Answer:
        set_cookie = b""
        try:
            if scope["method"] != "HEAD":
                _require_get(scope)
            click = redirect.Click(read_parameters(scope["query_string"]), rules)
        except RefusedRequest as error:
            self._metrics.refused.labels(error.code).inc()
            return _dead_end(error, headers)
        caller = _caller(scope, headers, _NO_KEY)
        if self._counts(scope, caller, rules):
            harvest = click.gather(caller, rules)
            rules.limits.charge(caller, 1)
            await self._publish(harvest, redirect.PATH)
            set_cookie = harvest.set_cookie
        return answers.redirect(click.location, click.referrer_policy, set_cookie)

    def _counts(self, scope: Scope, caller: Caller, rules: Rules) -> bool:
        """Whether a click is one of a person, within the site's limits."""
        if scope["method"] != "GET" or not redirect.is_going_there(caller.headers):
            return False
        try:
            rules.limits.admit(caller)
        except TooManyRequests as error:
            self._metrics.refused.labels(error.code).inc()
            return False
        return True

    async def _publish(self, harvest: Harvest, path: str) -> str:
        """The code of why it is lost, '' where it is not: what takes longer goes on by itself."""
        told = self._told.news(harvest.unconsented) if harvest.unconsented else ()
        try:
            future = self._publisher.offer([*harvest.accepted, *told], harvest.refused)
        except Unavailable:
            self._metrics.lost.labels(path).inc()
            return Unavailable.code
        if future is None:
            return ""

        def settled(done: asyncio.Future[bool]) -> None:
            if done.cancelled() or not done.result():
                self._metrics.lost.labels(path).inc()
                return
            self._metrics.events.by_label["pixel"] += len(harvest.accepted)
            for record in harvest.refused:
                self._metrics.rejected.labels(record.reason).inc()
            self._told.acknowledged(told)

        future.add_done_callback(settled)
        done, _ = await asyncio.wait((future,), timeout=_WAIT_S)
        return Unavailable.code if done and not future.result() else ""


def _caller(scope: Scope, headers: dict[bytes, bytes], key: WriteKey) -> Caller:
    return Caller(scope, headers, key, int(time.time() * 1000))


def _require_get(scope: Scope) -> None:
    """Raises MethodNotAllowed."""
    if scope["method"] != "GET":
        raise MethodNotAllowed("an image, or a link, is asked for by GET")


_PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" \
content="width=device-width"><title>This link leads nowhere</title>
<p style="font:18px/1.5 system-ui,sans-serif;max-width:30em;margin:20vh auto;padding:0 1em">\
This link is damaged. Please look for a complete one in the letter or page it came from.</p>
"""


def _dead_end(error: RefusedRequest, headers: dict[bytes, bytes]) -> Answer:
    """A sentence for a person, JSON for a program."""
    if b"text/html" not in headers.get(b"accept", b""):
        return answers.refusal(error, b"")
    return answers.page(STATUS[type(error)], _PAGE.encode())
