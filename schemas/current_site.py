"""The site file as it is now: read again when it changes, and kept when the new one is wrong.

What is made of a site (compiled scenarios, an open database) is made by a worker thread, of the
whole new site, before any of it is used: a request sees all of the old site or all of the new one.
"""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Generic, TypeVar

from schemas.settings import ConfigurationError
from schemas.site import Site
from schemas.site_version import SiteVersion, digest_of, read_version

LOOK_EVERY_S = 1.0
_TRY_AGAIN_S = 5.0  # a file that was refused: what it names may have come meanwhile

logger = logging.getLogger(__name__)

T = TypeVar("T")


class Followed(Generic[T]):
    """What was made of the site of now. Ask for `now` once a request: the next one may differ."""

    __slots__ = ("_build", "_next", "now")

    def __init__(self, build: Callable[[Site], T], site: Site) -> None:
        self._build = build
        self.now = self._next = build(site)

    def prepare(self, site: Site) -> None:
        self._next = self._build(site)

    def swap(self) -> None:
        self.now = self._next


class CurrentSite:
    """`site` is the newest valid one. Must be used in one event loop; `path` None: never changes.

    `error` says why what stands in the file now is not used; '' while it is.
    """

    def __init__(
        self,
        site: Site,
        path: Path | None = None,
        digest: str = "",
        log: logging.Logger = logger,
    ) -> None:
        self.site = site
        self.digest = digest
        self.error = ""
        self.since_ms = time.time_ns() // 1_000_000
        self.reloads = 0
        self._path = path
        self._log = log
        self._seen = digest  # of the last look
        self._refused = ""  # digest of what is not used
        self._try_at = 0.0  # monotonic: when that is looked at again
        self._followed: list[Followed[object]] = []
        self._subscribers: list[Callable[[Site], None]] = []

    @classmethod
    def read(cls, path: Path, log: logging.Logger = logger) -> CurrentSite:
        """Raises SiteFileError, ConfigurationError. `log`: who says what becomes of changes."""
        version = read_version(path)
        return cls(version.site, path, version.digest, log)

    def follow(self, build: Callable[[Site], T]) -> Followed[T]:
        """What `build` makes of the site of now, at once, and of each new one, in a thread.

        A `build` that raises refuses the new site: the old one stays, whole.
        """
        followed = Followed(build, self.site)
        self._followed.append(followed)  # type: ignore[arg-type]
        return followed

    def subscribe(self, callback: Callable[[Site], None]) -> None:
        """`callback` is called in the loop after each change. It must be quick and not raise."""
        self._subscribers.append(callback)

    def told(self) -> dict[str, str | None]:
        """What `/ready` says of it. `since` is when this process began to use this version."""
        since = datetime.fromtimestamp(self.since_ms // 1000, UTC)
        return {
            "digest": self.digest,
            "since": since.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "error": self.error or None,
        }

    async def watch(self) -> None:
        """Looks every second, until it is cancelled."""
        while self._path is not None:
            await asyncio.sleep(LOOK_EVERY_S)
            await self.look()

    async def look(self) -> None:
        """Takes what two looks have found to be the same: a file is not read half written."""
        if self._path is None:
            return
        try:
            found = await asyncio.to_thread(digest_of, self._path)
        except OSError as error:
            self._refuse("gone", f"cannot be read: {error.strerror or error}")
            return
        settled, self._seen = found == self._seen, found
        if found == self.digest:
            self._accept_again()
        elif settled and (found != self._refused or time.monotonic() >= self._try_at):
            await self._reload(found, self._path)

    async def _reload(self, found: str, path: Path) -> None:
        try:
            version = await asyncio.to_thread(self._prepare, path)
        except ConfigurationError as error:
            self._refuse(found, _without_folder(str(error), path))
        except Exception as error:  # noqa: BLE001  whatever it is, the old site stays
            self._log.exception("what follows the site file cannot be made of the new one")
            self._refuse(found, f"{type(error).__name__}: {error}")
        else:
            self._take(version)

    def _prepare(self, path: Path) -> SiteVersion:
        version = read_version(path)
        for followed in self._followed:
            followed.prepare(version.site)
        return version

    def _take(self, version: SiteVersion) -> None:
        for followed in self._followed:
            followed.swap()
        self.site, self.digest, self.error = version.site, version.digest, ""
        self._refused = ""
        self.since_ms = time.time_ns() // 1_000_000
        self.reloads += 1
        self._log.info("the site file has changed: version %s is in use", self.digest)
        for callback in self._subscribers:
            callback(self.site)

    def _refuse(self, found: str, why: str) -> None:
        if (found, why) != (self._refused, self.error):
            self._log.error("the site file is not used, version %s stays: %s", self.digest, why)
        self._refused, self.error = found, why
        self._try_at = time.monotonic() + _TRY_AGAIN_S

    def _accept_again(self) -> None:
        if self.error:
            self._log.info("the site file is again what is in use, version %s", self.digest)
        self._refused, self.error = "", ""


def _without_folder(message: str, path: Path) -> str:
    """`/ready` may be read by others than operators."""
    return message.replace(f"{path.parent}{os.sep}", "")
