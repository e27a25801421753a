"""What happened off the web, from CSV files: events by way of the collector, reference data
straight into ClickHouse.

Events go through the collector and not past it, so that they are named, claimed and checked by the
same code and secret as those of a website's server.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
import zoneinfo
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TypeVar

import httpx
import msgspec

from infra.simulate.delivery import SendingFailed, connected
from ingest.imports.contacts import Contacts
from ingest.imports.errors import BadRow
from ingest.imports.importer import Counts, Maker, read_table
from ingest.imports.kinds import KINDS, KindName
from ingest.imports.members import Members
from ingest.imports.messages import Timed
from ingest.imports.orders import Orders
from ingest.imports.reference import Costs, Products
from ingest.imports.values import Clock
from ingest.logs.read import STDIN, pieces, size_of
from schemas.batch import pack_lines
from schemas.event import MAX_REQUEST_BYTES
from schemas.reference import Cost, Product
from schemas.settings import Settings
from schemas.site import Site
from sinks.clickhouse.reference import ReferenceStore

T = TypeVar("T")

_REQUEST_BYTES = MAX_REQUEST_BYTES - 1024
_encode = msgspec.json.Encoder().encode


class Told(msgspec.Struct, frozen=True):
    """Who is told while an import runs. `progress`: bytes done, and in total (0: not known)."""

    progress: Callable[[int, int], None]
    bad: Callable[[BadRow], None]


class Imported(msgspec.Struct):
    """`sent`: events, or rows of reference data."""

    counts: Counts
    sent: int
    seconds: float


def import_table(
    kind: KindName, path: Path, settings: Settings, site: Site, url: str, key: str, told: Told
) -> Imported:
    """Imports one file (`-` is stdin), and returns when all of it is durable.

    `url`, `key`: of the collector. Raises MissingColumns and UnreadableFile before anything is
    sent, SendingFailed, SinkError; importing again then adds only what is missing.
    """
    started = time.monotonic()
    now_ms = int(time.time() * 1000)
    counts = Counts()
    read = _Source(path, told)
    store = ReferenceStore(settings.clickhouse, now_ms)
    try:
        if kind == "products":
            sent = _stored(store, Product, _made(kind, read, Products(), counts))
        elif kind == "costs":
            sent = _stored(store, Cost, _made(kind, read, Costs(), counts))
        else:
            clock = Clock(zoneinfo.ZoneInfo(site.timezone), now_ms)
            maker = _maker(kind, read, site, clock, store)
            messages = sorted(_made(kind, read, maker, counts), key=lambda each: each.at)
            asyncio.run(_send(messages, url, key))
            sent = len(messages)
    finally:
        store.close()
    return Imported(counts, sent, time.monotonic() - started)


def _made(kind: KindName, read: _Source, maker: Maker[T], counts: Counts) -> Iterator[T]:
    return read_table(read.pieces(), KINDS[kind], maker, counts, read.told.bad)


def _stored(
    store: ReferenceStore, record: type[msgspec.Struct], rows: Iterator[msgspec.Struct]
) -> int:
    """All of a file or nothing, but for rows that are bad."""
    whole = list(rows)
    store.put(record, whole)
    return len(whole)


def _maker(
    kind: KindName, read: _Source, site: Site, clock: Clock, store: ReferenceStore
) -> Maker[Timed]:
    if kind == "orders":
        return Orders(site.name, clock)
    if kind == "contacts":
        return Contacts(site.name, clock)
    return Members(site.name, clock, store.first_import(read.digest(f"{kind}\x1f{site.name}\x1f")))


class _Source:
    """A file that can be read twice."""

    def __init__(self, path: Path, told: Told) -> None:
        self.told = told
        self._path = path
        self._total = size_of(path)
        self._kept: list[bytes] = []  # of stdin

    def digest(self, what: str) -> str:
        """Of `what` and the unpacked content."""
        made = hashlib.blake2b(what.encode(), digest_size=16)
        for piece in pieces(self._path, lambda _done: None):
            made.update(piece)
            if self._path == STDIN:
                self._kept.append(piece)
        return made.hexdigest()

    def pieces(self) -> Iterable[bytes]:
        if self._kept:
            return self._kept
        return pieces(self._path, lambda done: self.told.progress(done, self._total))


async def _send(messages: Iterable[Timed], url: str, key: str) -> None:
    await _check(url)
    async with connected(url, key) as collector:
        for lines in pack_lines((_encode(each.message) for each in messages), _REQUEST_BYTES):
            await collector.take(lines, historical=True)


async def _check(url: str) -> None:
    """Raises SendingFailed at once where nobody is there, which while sending may be a pause."""
    try:
        async with httpx.AsyncClient(timeout=5, trust_env=False) as client:
            await client.get(f"{url.rstrip('/')}/health")
    except httpx.HTTPError as error:
        raise SendingFailed(
            f"no collector at {url} ({type(error).__name__}): start footfall up, or say --send URL"
        ) from error
