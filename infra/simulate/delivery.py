"""Messages to a collector: batches of history, in order, each acknowledged before the next."""

from __future__ import annotations

import asyncio
import gzip
import time
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager

import httpx
import msgspec

from infra.simulate.messages import Happening, Message
from infra.simulate.truth import Truth
from schemas.batch import MAX_BATCH_EVENTS
from schemas.event import MAX_REQUEST_BYTES

PATH = "/v1/batch"

_TIMEOUT_S = 30.0
_PATIENCE_S = 120.0  # how long a collector may say no before we believe it
_FIRST_WAIT_S, _LONGEST_WAIT_S = 0.25, 10.0
_TRY_AGAIN = frozenset({429, 502, 503, 504})
_ROOM = 1024  # of a request, for what stands around the messages

_encode = msgspec.json.Encoder().encode


class SendingFailed(Exception):
    """The collector did not take what was sent. The message says why."""


class Sent(msgspec.Struct):
    """What has been acknowledged so far. Duplicates are messages too."""

    messages: int = 0
    batches: int = 0
    retries: int = 0
    seconds: float = 0.0

    @property
    def per_second(self) -> float:
        return self.messages / self.seconds if self.seconds else 0.0


class Collector:
    """A collector that takes batches with a server key."""

    def __init__(self, client: httpx.AsyncClient, url: str, key: str) -> None:
        self._client = client
        self._url = url.rstrip("/") + PATH
        self._headers = {
            "authorization": f"Bearer {key}",
            "content-type": "application/json",
            "content-encoding": "gzip",
        }
        self.retries = 0

    async def take(self, lines: Sequence[bytes], *, historical: bool) -> None:
        """Returns when all is durable. Raises SendingFailed.

        A batch that was not taken is sent again with the same ids, so nothing counts twice.
        """
        flag = b',"historical_migration":true' if historical else b""
        body = gzip.compress(b'{"batch":[' + b",".join(lines) + b"]" + flag + b"}", 1, mtime=0)
        give_up = time.monotonic() + _PATIENCE_S
        wait = _FIRST_WAIT_S
        while True:
            refused, retry_after = await self._post(body)
            if not refused:
                return
            if time.monotonic() + (retry_after or wait) > give_up:
                raise SendingFailed(f"{self._url} took nothing for {_PATIENCE_S:.0f} s: {refused}")
            self.retries += 1
            await asyncio.sleep(retry_after or wait)
            wait = min(2 * wait, _LONGEST_WAIT_S)

    async def _post(self, body: bytes) -> tuple[str, float]:
        """('', 0) when taken; else why not, and in how many seconds to come again (0: not said).

        Raises SendingFailed where coming again is of no use.
        """
        try:
            answer = await self._client.post(self._url, content=body, headers=self._headers)
        except httpx.TransportError as error:
            return f"{type(error).__name__} {error}".strip(), 0.0
        if answer.is_success:
            return "", 0.0
        why = f"{answer.status_code} {answer.text[:200]}"
        if answer.status_code not in _TRY_AGAIN:
            raise SendingFailed(f"{self._url} refused a batch: {why}")
        return why, _seconds(answer.headers.get("retry-after", ""))


@asynccontextmanager
async def connected(url: str, key: str) -> AsyncIterator[Collector]:
    # proxies of the environment are for the world outside
    async with httpx.AsyncClient(timeout=_TIMEOUT_S, trust_env=False) as client:
        yield Collector(client, url, key)


async def send(
    happenings: Iterable[Happening],
    collect_url: str,
    key: str,
    on_truth: Callable[[Truth], None],
    progress: Callable[[Sent, int], None] = lambda sent, at_ms: None,
    *,
    rate: float = 0.0,
) -> Sent:
    """Sends a history in its order. Raises SendingFailed.

    `on_truth` gets the truth of what is acknowledged, each event once; `progress` is told how
    far the past has come (ms). `rate`: messages a second, 0 for as fast as they are taken.
    """
    sent = Sent()
    started = time.monotonic()
    size = MAX_BATCH_EVENTS if not rate else max(1, min(MAX_BATCH_EVENTS, int(rate / 5)))
    async with connected(collect_url, key) as collector:
        underway: asyncio.Task[None] | None = None
        try:
            for lines, batch in _batches(happenings, size):
                if underway is not None:
                    await underway
                underway = asyncio.create_task(_deliver(collector, lines, batch, on_truth, sent))
                await asyncio.sleep(0)  # it is on its way while the next batch is made
                if rate:
                    due = started + sent.messages / rate
                    await asyncio.sleep(max(0.0, due - time.monotonic()))
                sent.retries = collector.retries
                sent.seconds = time.monotonic() - started
                progress(sent, _last_time(batch))
            if underway is not None:
                await underway
        finally:
            if underway is not None and not underway.done():
                underway.cancel()
        sent.retries = collector.retries
    sent.seconds = time.monotonic() - started
    return sent


async def _deliver(
    collector: Collector,
    lines: Sequence[bytes],
    batch: Sequence[Happening],
    on_truth: Callable[[Truth], None],
    sent: Sent,
) -> None:
    await collector.take(lines, historical=True)
    sent.messages += len(batch)
    sent.batches += 1
    for happening in batch:
        if happening.truth is not None:
            on_truth(happening.truth)


def _batches(
    happenings: Iterable[Happening], size: int
) -> Iterator[tuple[list[bytes], list[Happening]]]:
    """Cut by count and by what a request may weigh."""
    lines: list[bytes] = []
    batch: list[Happening] = []
    weight = 0
    for happening in happenings:
        line = encoded(happening.message)
        if batch and (len(batch) == size or weight + len(line) > MAX_REQUEST_BYTES - _ROOM):
            yield lines, batch
            lines, batch, weight = [], [], 0
        lines.append(line)
        batch.append(happening)
        weight += len(line) + 1
    if batch:
        yield lines, batch


def encoded(message: Message) -> bytes:
    return _encode(message)


def _last_time(batch: Sequence[Happening]) -> int:
    return max((each.truth.event_time for each in batch if each.truth is not None), default=0)


def _seconds(retry_after: str) -> float:
    try:
        return min(max(0.0, float(retry_after)), 60.0)
    except ValueError:  # a date, or nothing
        return 0.0
