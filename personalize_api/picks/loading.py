"""The shelf of now: the catalogue's file and the crowd's newest generation, looked at regularly.

Reading and arranging is done by worker threads, while answers are given from the shelf before. What
cannot be read leaves that one in use, and `/ready` says so.
"""

from __future__ import annotations

import asyncio
import logging
import time
from contextlib import suppress
from pathlib import Path

import redis.asyncio
from redis.exceptions import RedisError

from personalize_api.ending import end
from personalize_api.picks.choose import Chooser
from personalize_api.picks.shelf import Shelf
from personalize_api.picks.weights import USUAL
from personalize_api.seldom import SeldomLogger
from schemas.catalogue import Catalogue
from schemas.catalogue_file import read
from schemas.catalogue_problems import CatalogueError
from schemas.current_site import CurrentSite
from schemas.pick_model import PARTS, Trained, trained_from
from schemas.redis_keys import PICKS_KEY, picks_key
from schemas.site import Catalogue as CatalogueRules
from schemas.site import Site

LOOK_EVERY_S = 2.0
_FIRST_S = 3.0  # that a start waits for the first shelf
_SOCKET_TIMEOUT_S = 2.0

logger = logging.getLogger(__name__)

_Version = tuple[Path, str, int, int]
"""Of a catalogue: its file, the column of ids, and the file's time (ns) and size."""


class Shelves:
    """`chooser` chooses from the newest shelf. Must be used in one event loop."""

    def __init__(self, redis_url: str, site: CurrentSite) -> None:
        self.chooser = Chooser(Shelf(None, None, 0))
        self.error = ""  # why the catalogue's file is not used
        self._site = site
        self._redis = redis.asyncio.Redis.from_url(
            redis_url,
            socket_timeout=_SOCKET_TIMEOUT_S,
            socket_connect_timeout=_SOCKET_TIMEOUT_S,
        )
        self._catalogue: Catalogue | None = None
        self._version: _Version | None = None
        self._look_at = 0.0  # monotonic
        self._trained: Trained | None = None
        self._generation = b""
        self._task: asyncio.Task[None] | None = None
        self._log = SeldomLogger(logger)
        site.subscribe(self._look_soon)

    async def start(self) -> None:
        """Waits for the first shelf, though not for long: what takes longer is used when it is
        there.
        """
        first = asyncio.Event()
        self._task = asyncio.create_task(self._watch(first), name="picks")
        with suppress(TimeoutError):
            await asyncio.wait_for(first.wait(), _FIRST_S)

    async def close(self) -> None:
        await end(self._task)
        await self._redis.aclose()

    def told(self) -> dict[str, object]:
        """What `/ready` says of it."""
        shelf = self.chooser.shelf
        age = time.time() - shelf.trained_at / 1000 if shelf.trained_at else None
        return {
            "products": len(shelf),
            "catalogue": shelf.has_catalogue,
            "error": self.error or None,
            "trained_s_ago": None if age is None else round(age),
            "weights": "usual" if shelf.weights is USUAL else "learned",
        }

    async def look(self) -> None:
        """Takes over what has changed since the last look."""
        is_new = await self._look_at_catalogue()
        if await self._look_at_crowd() or is_new:
            now_ms = time.time_ns() // 1_000_000
            shelf = await asyncio.to_thread(Shelf, self._catalogue, self._trained, now_ms)
            self.chooser = Chooser(shelf)
            logger.info("picks: %d products on the shelf", len(shelf))

    async def _watch(self, first: asyncio.Event) -> None:
        while True:
            try:
                await self.look()
            except Exception as error:  # noqa: BLE001  whatever it is, the shelf before stays
                self._log.error("there is no new shelf of picks", error)
            first.set()
            await asyncio.sleep(LOOK_EVERY_S)

    def _look_soon(self, site: Site) -> None:
        self._look_at = 0.0

    async def _look_at_catalogue(self) -> bool:
        """Whether there is another one. A file that is refused is looked at when it changes."""
        rules = self._site.site.catalogue
        if rules is None:
            self._version, self.error = None, ""
            before, self._catalogue = self._catalogue, None
            return before is not None
        if time.monotonic() < self._look_at:
            return False
        self._look_at = time.monotonic() + rules.reload_s
        try:
            version = await asyncio.to_thread(_version, rules)
            if version == self._version:
                return False
            self._version = version
            self._catalogue = await asyncio.to_thread(read, rules.file, rules.id)
        except (CatalogueError, OSError) as error:
            self.error = str(error).replace(str(rules.file), rules.file.name)
            logger.error("the catalogue is not used: %s", self.error)
            return False
        self.error = ""
        return True

    async def _look_at_crowd(self) -> bool:
        """Whether there is another generation."""
        try:
            name = await self._redis.get(PICKS_KEY)
            if not isinstance(name, bytes) or name == self._generation:
                return False
            parts = await self._parts(picks_key(name.decode()))
            self._trained = await asyncio.to_thread(trained_from, parts)
        except (RedisError, OSError, ValueError) as error:
            self._log.warning("picks of the crowd cannot be read, those before stay: %s", error)
            return False
        self._generation = name
        return True

    async def _parts(self, key: str) -> dict[bytes, bytes]:
        """One by one, so that Redis answers others in between. Raises ValueError."""
        count = await self._redis.hget(key, PARTS.decode())
        if not isinstance(count, bytes):
            raise ValueError(f"{key} is gone, or is no generation")
        parts = {PARTS: count}
        for number in range(int(count)):
            part = await self._redis.hget(key, str(number))
            if not isinstance(part, bytes):
                raise ValueError(f"part {number} of {key} is missing")
            parts[str(number).encode()] = part
        return parts


def _version(rules: CatalogueRules) -> _Version:
    """Raises OSError."""
    found = rules.file.stat()
    return rules.file, rules.id, found.st_mtime_ns, found.st_size
