"""The hot paths, beside the FastAPI application (infra/decisions/0005, 0026).

The way of a request, in order, with its failure exits:

    read the body          TooLarge, UnsupportedEncoding, MalformedBody
    read the envelope      MalformedBody
    admit the key          UnknownWriteKey, OriginNotAllowed, TooManyRequests
    gather the events      each one accepted, or refused into `footfall.rejected`; TooLarge
    publish                Unavailable
    answer                 204 or 200, when Kafka has acknowledged every record
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Protocol

from ingest.collector import answers, body
from ingest.collector.address_keys import Told
from ingest.collector.beacon_script import BeaconScript
from ingest.collector.caller import Caller
from ingest.collector.errors import (
    ClientGone,
    MethodNotAllowed,
    RefusedRequest,
    Unavailable,
)
from ingest.collector.harvest import Harvest
from ingest.collector.keys import origin_of
from ingest.collector.mail_paths import MailPaths
from ingest.collector.metrics import Metrics
from ingest.collector.protocols import beacon, posthog, segment, snowplow
from ingest.collector.publish import Publisher
from ingest.collector.rules import Rules
from schemas.current_site import Followed
from schemas.event import RawLine
from schemas.hot_http import (
    Answer,
    Handled,
    Headers,
    Routes,
    Scope,
    Waiting,
    finish,
    send_answer,
)
from schemas.sightings import Unconsented

_log = logging.getLogger(__name__)

App = Callable[[Scope, body.Receive, answers.Send], Awaitable[None]]


class Parcel(Protocol):
    """A request of some protocol, its envelope readable."""

    key: str

    def past_days(self, received_at: int) -> Iterable[int]:
        """UTC days (since 1970) of the history it brings; none where it speaks of now."""

    def gather(self, caller: Caller, rules: Rules) -> Harvest: ...


ReadParcel = Callable[[bytes], Parcel]


def readers() -> dict[str, ReadParcel]:
    """Path -> what reads its content, see `_content`. Raises MalformedBody, TooLarge."""
    paths: dict[str, ReadParcel] = {"/b": beacon.read_beacon}
    for kind in segment.TYPES.values():
        single: ReadParcel = partial(segment.read_single, kind=kind)
        paths[f"/v1/{kind}"] = paths[f"/v1/{kind[0]}"] = single
    for alias in ("batch", "import", "b"):
        paths[f"/v1/{alias}"] = segment.read_batch
    return {**paths, **posthog.readers(), **snowplow.readers()}


class HotPaths:
    """Answers the collecting paths and the script; hands everything else to `others`."""

    def __init__(
        self, rules: Followed[Rules], publisher: Publisher, metrics: Metrics, others: App
    ) -> None:
        self._rules = rules
        self._publisher = publisher
        self._metrics = metrics
        self._others = others
        self._readers = readers()
        self._script = BeaconScript()
        self._told = Told()
        self._mail = MailPaths(rules, publisher, metrics)

    def routes(self) -> Routes:
        """The collecting paths for a server that asks below ASGI."""
        by_post = self._readers.keys() - {snowplow.GET_PATH}
        return {f"POST {path}".encode(): self.take for path in by_post}

    async def __call__(self, scope: Scope, receive: body.Receive, send: answers.Send) -> None:
        if scope["type"] == "http" and scope["method"] == "OPTIONS":
            await answers.preflight(send, self._listed(dict(scope["headers"])))
            return
        if scope["type"] != "http" or scope["path"] not in self._readers:
            await self._answer_rest(scope, receive, send)
            return
        headers: Headers = dict(scope["headers"])
        try:
            content = await _content(scope, receive, headers)
        except RefusedRequest as error:
            answer = self._refused(error, headers)
        except ClientGone:
            _log.debug("a sender hung up before its body was complete")
            return
        else:
            answer = await finish(self.take(scope, headers, content))
        await send_answer(send, answer)

    def take(self, scope: Scope, headers: Headers, content: bytes) -> Handled:
        """What is answered when the events of a whole request are durable, or it is refused."""
        rules = self._rules.now
        read_parcel = self._readers[scope["path"]]
        try:
            parcel = read_parcel(body.unpacked(content, headers))
            caller = _admit(rules, parcel, scope, headers)
            if caller.server and (days := parcel.past_days(caller.received_at)):
                return self._publish_past(days, parcel, caller, rules)
            return self._publish(parcel, caller, rules)
        except RefusedRequest as error:
            return self._refused(error, headers)

    async def _publish_past(
        self, days: Iterable[int], parcel: Parcel, caller: Caller, rules: Rules
    ) -> Answer:
        try:
            await rules.namer.expect_past(days)
            return await finish(self._publish(parcel, caller, rules))
        except RefusedRequest as error:
            return self._refused(error, caller.headers)

    def _publish(self, parcel: Parcel, caller: Caller, rules: Rules) -> Handled:
        """Raises TooLarge, Unavailable, and has then taken nothing."""
        harvest = parcel.gather(caller, rules)
        told = self._told.news(harvest.unconsented) if harvest.unconsented else []
        lines: list[RawLine] = [*harvest.accepted, *harvest.claims, *told]
        durable = self._publisher.offer(lines, harvest.refused)
        rules.limits.charge(caller, len(harvest.accepted) + len(harvest.refused))
        if durable is None:
            return self._taken(harvest, told, caller)
        return Waiting(durable, partial(self._published, harvest, told, caller))

    def _published(
        self,
        harvest: Harvest,
        told: Sequence[Unconsented],
        caller: Caller,
        durable: asyncio.Future[bool],
    ) -> Answer:
        if durable.result():
            return self._taken(harvest, told, caller)
        lost = Unavailable("Kafka did not acknowledge the events: send them again")
        return self._refused(lost, caller.headers)

    def _taken(self, harvest: Harvest, told: Sequence[Unconsented], caller: Caller) -> Answer:
        if told:
            self._told.acknowledged(told)
        self._count(harvest)
        asking = self._asking(caller.headers)
        if harvest.answer is not None:
            return answers.taken_as(harvest.answer, asking)
        status = 204 if caller.scope["path"] == "/b" else 200
        return answers.taken(status, asking, harvest.set_cookie)

    def _refused(self, error: RefusedRequest, headers: Headers) -> Answer:
        self._metrics.refused.labels(error.code).inc()
        return answers.refusal(error, self._listed(headers))

    async def _answer_rest(self, scope: Scope, receive: body.Receive, send: answers.Send) -> None:
        if scope["type"] != "http":
            await self._others(scope, receive, send)
        elif scope["path"] == "/beacon.js" and scope["method"] in ("GET", "HEAD"):
            await self._script(scope, send)
        elif scope["path"] in self._mail.paths:
            await self._mail(scope, send)
        else:
            await self._others(scope, receive, send)

    def _count(self, harvest: Harvest) -> None:
        if harvest.accepted:
            protocol = harvest.accepted[0].protocol
            self._metrics.events.by_label[protocol] += len(harvest.accepted)
        for record in harvest.refused:
            self._metrics.rejected.labels(record.reason).inc()

    def _listed(self, headers: Mapping[bytes, bytes]) -> bytes:
        """The request's origin where the site lists it, else empty."""
        origin = headers.get(b"origin", b"")
        return origin if origin and self._rules.now.keys.allows_origin(origin) else b""

    def _asking(self, headers: Mapping[bytes, bytes]) -> bytes:
        """The listed origin, unless its page will not read the answer: beacons go out no-cors."""
        return b"" if headers.get(b"sec-fetch-mode") == b"no-cors" else self._listed(headers)


async def _content(scope: Scope, receive: body.Receive, headers: Mapping[bytes, bytes]) -> bytes:
    """The body, or of an event that is sent by GET its query. Raises as `body.read`."""
    if scope["method"] == "GET" and scope["path"] == snowplow.GET_PATH:
        query: bytes = scope["query_string"]
        return query
    if scope["method"] != "POST" or scope["path"] == snowplow.GET_PATH:
        raise MethodNotAllowed("events are sent by POST, and to /i by GET")
    return await body.read(receive, headers)


def _admit(rules: Rules, parcel: Parcel, scope: Scope, headers: dict[bytes, bytes]) -> Caller:
    """Raises UnknownWriteKey, OriginNotAllowed, TooManyRequests."""
    origin = headers.get(b"origin", b"")
    if not origin and scope["method"] == "GET":  # as an image, which has no Origin
        origin = origin_of(headers.get(b"referer", b""))
    authorization = headers.get(b"authorization", b"")
    key = rules.keys.admit(authorization, parcel.key, scope["query_string"], origin)
    caller = Caller(scope, headers, key, int(time.time() * 1000))
    rules.limits.admit(caller)
    return caller
