"""Webhooks: each message until it is taken, at the pace of its address, signed.

Headers and signature are those of Standard Webhooks (standardwebhooks.com). Delivery is at least
once: a message keeps its `webhook-id` at every attempt. Messages of one address go in order, so a
`resolved` never overtakes its `raised`; addresses do not wait for one another.
"""

from __future__ import annotations

import asyncio
import base64
import functools
import hashlib
import hmac
import logging
import time
import uuid
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from urllib.parse import urlsplit

import httpx
import msgspec

from personalize_api.alerts.state import Alert, Message, Resolved
from personalize_api.metrics import Metrics
from personalize_api.seldom import SeldomLogger

TIMEOUT_S = 5.0
GIVE_UP_MS = 24 * 3_600_000
_FIRST_WAIT_MS = 5_000
_LONGEST_WAIT_MS = 600_000
_GONE = 410

logger = logging.getLogger(__name__)


def digest(address: str) -> str:
    """Names an address without telling it: addresses may hold secrets."""
    return hashlib.sha256(address.encode()).hexdigest()[:16]


def signing_key(secret_key: str) -> bytes:
    """A key of webhooks' own, so that no receiver learns FOOTFALL_SECRET_KEY."""
    return hmac.digest(secret_key.encode(), b"footfall webhooks", "sha256")


def shown_key(secret_key: str) -> str:
    """As libraries of Standard Webhooks want it."""
    return "whsec_" + base64.b64encode(signing_key(secret_key)).decode()


def sign(key: bytes, message_id: str, timestamp: int, body: bytes) -> str:
    signed = b"%s.%d.%s" % (message_id.encode(), timestamp, body)
    return "v1," + base64.b64encode(hmac.digest(key, signed, "sha256")).decode()


def messages(
    addresses: Iterable[str],
    site: str,
    now_ms: int,
    raised: Sequence[Alert],
    resolved: Sequence[Resolved],
) -> list[Message]:
    """One a change and address."""
    bodies = [
        _body("alert.raised", site, alert, f"{alert.title}. {alert.detail}.") for alert in raised
    ]
    for alert in resolved:
        text = f"Resolved: {alert.title} ({alert.since} to {alert.until})."
        bodies.append(_body("alert.resolved", site, alert, text))
    return [
        Message(id=f"msg_{uuid.uuid4().hex}", address=digest(address), body=body, created=now_ms)
        for body in bodies
        for address in addresses
    ]


def _body(kind: str, site: str, alert: Alert, text: str) -> str:
    mark = "\N{WHITE HEAVY CHECK MARK}"
    if kind == "alert.raised":
        critical = alert.severity == "critical"
        mark = "\N{LARGE RED CIRCLE}" if critical else "\N{LARGE ORANGE CIRCLE}"
    at = alert.until if isinstance(alert, Resolved) else alert.since
    told = {
        "type": kind,
        "timestamp": at,
        "text": f"{mark} {site}: {text}",
        "data": {"site": site, **msgspec.to_builtins(alert)},
    }
    return msgspec.json.encode(told).decode()


Settled = Callable[[Sequence[Message], Sequence[Message]], Awaitable[None]]
"""Told of (messages to be tried again, messages that are done with); must not raise."""


class Outbox:
    """Messages that wait, in order. Must be made and used in one event loop."""

    def __init__(self, secret_key: str, metrics: Metrics, settled: Settled) -> None:
        self._key = signing_key(secret_key)
        self._metrics = metrics
        self._settled = settled
        self._log = SeldomLogger(logger)
        self._client = _client()
        self._waiting: dict[str, list[Message]] = {}  # by address
        self._sending: dict[str, asyncio.Task[None]] = {}

    def replace(self, waiting: Iterable[Message]) -> None:
        """Forgets what it had for what stands in Redis."""
        self.stop()
        self._waiting = {}
        self.add(sorted(waiting, key=lambda message: message.created))

    def add(self, messages: Iterable[Message]) -> None:
        for message in messages:
            self._waiting.setdefault(message.address, []).append(message)

    def send(self, addresses: Mapping[str, str], now_ms: int) -> None:
        """Begins to send what is due; waits for nothing. `addresses`: by digest."""
        for to, queue in self._waiting.items():
            if queue and to not in self._sending and queue[0].next_at <= now_ms:
                task = asyncio.create_task(self._send(addresses.get(to, ""), queue, now_ms))
                self._sending[to] = task
                task.add_done_callback(functools.partial(self._sent, to))

    def stop(self) -> None:
        """What is under way is sent again, under the same id, by whoever leads next."""
        for task in self._sending.values():
            task.cancel()
        self._sending = {}

    async def close(self) -> None:
        sending = list(self._sending.values())
        self.stop()
        await asyncio.gather(*sending, return_exceptions=True)
        await self._client.aclose()

    def _sent(self, to: str, task: asyncio.Task[None]) -> None:
        if self._sending.get(to) is task:
            del self._sending[to]
        if not task.cancelled() and task.exception() is not None:
            logger.error("sending webhooks failed", exc_info=task.exception())

    async def _send(self, address: str, queue: list[Message], now_ms: int) -> None:
        """One address's messages, in order, up to the first that fails."""
        while queue:
            message = queue[0]
            if address and not await self._is_over(address, message, now_ms):
                await self._settled([message], [])
                return
            del queue[0]
            await self._settled([], [message])

    async def _is_over(self, address: str, message: Message, now_ms: int) -> bool:
        """Tries once. Whether that was the last time; else the message says when the next is."""
        trouble = await _post(self._client, address, message, self._key)
        if not trouble:
            self._metrics.webhooks.labels("delivered").inc()
            return True
        host = urlsplit(address).hostname
        if trouble == str(_GONE) or now_ms - message.created > GIVE_UP_MS:
            logger.error("a webhook to %s is given up: %s", host, trouble)
            self._metrics.webhooks.labels("given_up").inc()
            return True
        self._log.warning("a webhook to %s failed, it is tried again: %s", host, trouble)
        self._metrics.webhooks.labels("failed").inc()
        wait_ms = min(_FIRST_WAIT_MS * 2**message.attempts, _LONGEST_WAIT_MS)
        message.attempts += 1
        message.next_at = now_ms + wait_ms
        return False


async def post(address: str, message: Message, secret_key: str) -> str:
    """Sends it once, on its own: '' when it was taken, else why it was not."""
    async with _client() as client:
        return await _post(client, address, message, signing_key(secret_key))


def _client() -> httpx.AsyncClient:
    return httpx.AsyncClient(timeout=TIMEOUT_S, follow_redirects=False, trust_env=False)


async def _post(client: httpx.AsyncClient, address: str, message: Message, key: bytes) -> str:
    """As `post`. Reads no more than the answer's head."""
    timestamp, body = int(time.time()), message.body.encode()
    headers = {
        "content-type": "application/json",
        "user-agent": "Footfall",
        "webhook-id": message.id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": sign(key, message.id, timestamp, body),
    }
    try:
        async with asyncio.timeout(2 * TIMEOUT_S):
            request = client.stream("POST", address, content=body, headers=headers)
            async with request as answer:
                return "" if answer.is_success else str(answer.status_code)
    except (httpx.HTTPError, httpx.InvalidURL, TimeoutError, OSError) as error:
        return type(error).__name__
