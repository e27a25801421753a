"""How a site integrates Footfall. This file is made to be copied; it needs httpx only.

    async with Footfall(personalize, collect, server_key, default_variant="classic") as footfall:
        decision = await footfall.decide(visit)          # on every homepage view
        footfall.track(visit, "Order Completed", {...})  # returns at once, is sent behind

Which side sends what, so that every event is sent once:

* What a visitor looks at, the browser tells: the beacon sends page views, and the page adds
  `Product Viewed` and `Products Searched`. Crawlers run no beacon, and engaged time is measured
  where it is spent.
* What a visitor does, the server tells: cart, checkout, order, login, logout, a child's profile.
  It knows best what happened, no blocker stops it, and only a server's word names a member
  (a browser's key is public, so what it says of people unlocks nothing).

Identifiers travel only with consent. Without it the deed is counted under the daily pseudonym that
Footfall makes of address and user agent: the same one as the beacon's, and gone tomorrow.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal, Self

import httpx

log = logging.getLogger(__name__)

DECIDE_WITHIN_S = 0.3  # a homepage that waits longer is worse than a homepage for everybody
QUEUE = 10_000  # events that wait for a collector that is away
BATCH = 100
RETRY_AFTER_S = (0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
FLUSH_WITHIN_S = 3.0

Consent = Literal["granted", "denied", "unknown"]


@dataclass(frozen=True, kw_only=True)
class Visit:
    """Who asks for a page, and from where. What is not known is empty."""

    url: str  # of the page, with its query: campaigns are read from it
    referrer: str = ""
    ip: str = ""
    user_agent: str = ""
    language: str = ""  # the Accept-Language header
    consent: Consent = "unknown"
    gpc: bool = False  # the request said `Sec-GPC: 1`
    anonymous_id: str = ""  # the cookie `ff_id`
    user_id: str = ""  # the member who is logged in
    profile_id: str = ""  # the child for whom the member is shopping


@dataclass(frozen=True, kw_only=True)
class Pick:
    """A product to show, with the sentences that say why."""

    id: str
    reasons: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Decision:
    """What to show, and why. `anonymous_id` is the one to keep as the visitor's cookie."""

    variant: str
    scenario: str = "default"
    reason: str = ""
    visitor_class: str = "unknown"
    anonymous_id: str = ""
    decision_id: str = ""  # printed as data-ff-decision: only what was shown is counted
    experiment: str = ""
    arm: str = ""
    degraded: bool = False
    took_ms: float = 0.0
    picks: tuple[Pick, ...] = ()  # best first, where the scenario asks for them


class Footfall:
    """A connection to Footfall, open inside `async with`. Never raises at a visitor's expense."""

    def __init__(
        self, personalize: str, collect: str, server_key: str, *, default_variant: str
    ) -> None:
        self._personalize = personalize
        self._collect = collect
        self._key = server_key
        self._default = default_variant
        self._queue: asyncio.Queue[dict[str, Any]] = asyncio.Queue(QUEUE)
        self._unsent = 0

    async def __aenter__(self) -> Self:
        headers = {"Authorization": f"Bearer {self._key}"}
        self._http = httpx.AsyncClient(headers=headers, timeout=10, trust_env=False)
        self._sender = asyncio.create_task(self._send_queued())
        return self

    async def __aexit__(self, *_: object) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._queue.join(), FLUSH_WITHIN_S)
        self._sender.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._sender
        if self._unsent:
            log.error("%d events were never sent: the collector is away", self._unsent)
        await self._http.aclose()

    async def decide(self, visit: Visit) -> Decision:
        """Which homepage this visitor gets; the default one where Footfall does not say in time."""
        began = time.perf_counter()
        question: dict[str, Any] = {
            "url": visit.url,
            "referrer": visit.referrer,
            "ip": visit.ip,
            "user_agent": visit.user_agent,
            "language": visit.language,
            "consent": visit.consent,
            "gpc": visit.gpc,
        }
        if visit.consent == "granted":
            question["anonymous_id"] = visit.anonymous_id
            question["user_id"] = visit.user_id
            question["profile_id"] = visit.profile_id
        try:
            async with asyncio.timeout(DECIDE_WITHIN_S):
                answer = await self._http.post(f"{self._personalize}/v1/homepage", json=question)
            return _decision(answer.raise_for_status().json(), _ms_since(began))
        except TimeoutError:
            reason = f"Footfall did not answer within {DECIDE_WITHIN_S * 1000:.0f} ms"
        except (httpx.HTTPError, ValueError, LookupError, AttributeError) as error:
            reason = "Footfall could not be asked"
            log.warning("%s: %r", reason, error)
        return Decision(
            variant=self._default, reason=reason, degraded=True, took_ms=_ms_since(began)
        )

    def track(self, visit: Visit, event: str, properties: dict[str, Any] | None = None) -> None:
        """Something happened. Names and properties are those of Segment's ecommerce spec."""
        self._send(visit, {"type": "track", "event": event, "properties": properties or {}})

    def identify(self, visit: Visit, traits: dict[str, Any]) -> None:
        """Who `visit.user_id` is; with a `profile_id`, what is known of that profile.

        Without consent nothing is said about anybody.
        """
        if visit.consent == "granted" and visit.user_id:
            self._send(visit, {"type": "identify", "traits": traits})

    def _send(self, visit: Visit, message: dict[str, Any]) -> None:
        message |= {
            # The same id however often it is sent: Footfall counts an event once.
            "messageId": str(uuid.uuid4()),
            "timestamp": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "context": _context(visit),
        }
        if visit.consent == "granted":
            message["anonymousId"] = visit.anonymous_id or None
            message["userId"] = visit.user_id or None
        try:
            self._queue.put_nowait(message)
            self._unsent += 1
        except asyncio.QueueFull:
            log.error("an event is lost, %d wait for the collector already", QUEUE)

    async def _send_queued(self) -> None:
        while True:
            batch = [await self._queue.get()]
            while len(batch) < BATCH and not self._queue.empty():
                batch.append(self._queue.get_nowait())
            await self._deliver(batch)
            self._unsent -= len(batch)
            for _ in batch:
                self._queue.task_done()

    async def _deliver(self, batch: list[dict[str, Any]]) -> None:
        """Again and again until the collector has them, or says that it never will."""
        attempt = 0
        while True:
            body = {"batch": batch, "sentAt": datetime.now(UTC).isoformat()}
            try:
                answer = await self._http.post(f"{self._collect}/v1/batch", json=body)
            except httpx.HTTPError as error:
                problem = repr(error)
            else:
                if answer.is_success:
                    return
                problem = f"{answer.status_code} {answer.text[:200]}"
                if answer.is_client_error and answer.status_code not in (408, 429):
                    log.error("%d events were refused: %s", len(batch), problem)
                    return
            pause = RETRY_AFTER_S[min(attempt, len(RETRY_AFTER_S) - 1)]
            log.warning("the collector did not take %d events: %s", len(batch), problem)
            await asyncio.sleep(pause)
            attempt += 1


def _context(visit: Visit) -> dict[str, Any]:
    recognized = visit.consent == "granted"
    # Without the query: the page view has told of the campaign, this is no second arrival.
    url = visit.url.partition("?")[0].partition("#")[0]
    context: dict[str, Any] = {
        "ip": visit.ip,
        "userAgent": visit.user_agent,
        "locale": visit.language.partition(",")[0].partition(";")[0],
        "page": {"url": url},
        # A server's event counts as consented unless it says otherwise, so it always says.
        "consent": "granted" if recognized else "denied",
    }
    if recognized and visit.profile_id:
        context["profile_id"] = visit.profile_id
    return context


def _decision(answer: dict[str, Any], took_ms: float) -> Decision:
    """Raises LookupError, AttributeError for what is no answer."""
    experiment = answer["experiment"] or {}
    return Decision(
        variant=answer["variant"],
        scenario=answer["scenario"],
        reason=answer["reason"],
        visitor_class=answer["visitor"]["class"],
        anonymous_id=answer["visitor"]["anonymous_id"] or "",
        decision_id=answer["decision_id"],
        experiment=experiment.get("name", ""),
        arm=experiment.get("arm", ""),
        degraded=answer["degraded"],
        took_ms=took_ms,
        picks=tuple(Pick(id=p["id"], reasons=tuple(p["reasons"])) for p in answer["picks"]),
    )


def _ms_since(began: float) -> float:
    return (time.perf_counter() - began) * 1000
