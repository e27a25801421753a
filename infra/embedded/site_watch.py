"""What a changed site file means for a running stack: who must start again with it.

`collect` and `personalize` follow the file by themselves and drop no request. `sink` does not read
it. `stream` runs with the file it began with, because what it counts must not change between two
records of a batch; it is started again where the change is of what it counts, and loses nothing.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from pathlib import Path

import msgspec

from schemas.current_site import CurrentSite
from schemas.site import Site

NOT_COUNTED = frozenset(
    {
        *("timezone", "origins", "cookie", "write_keys", "consent"),  # asked at the door
        *("homepage", "lifecycle", "segments", "value_tiers"),  # asked when a visitor is looked up
        "catalogue",
    }
)
"""Sections of the site file that the stream does not ask; a new one counts until it stands here."""

_log = logging.getLogger("footfall")

Act = Callable[[], Awaitable[None]]


def counted(site: Site) -> bytes:
    """Equal for two versions of a site file that the stream counts by alike."""
    asked = {
        name: getattr(site, name) for name in site.__struct_fields__ if name not in NOT_COUNTED
    }
    asked["live funnels"] = getattr(site, "live_funnels", None)  # some follow from the homepage
    asked["countries"] = site.decides_by_country
    return msgspec.json.encode(asked, enc_hook=str, order="sorted")


async def watch(site_file: Path, migrate: Act, restart_stream: Act) -> None:
    """Runs until it is cancelled. A file that is wrong restarts nothing.

    `migrate` is called where the time changes for which topics and tables are kept.
    """
    current = await asyncio.to_thread(CurrentSite.read, site_file, _log)
    news = asyncio.Event()
    current.subscribe(lambda _: news.set())
    watching = asyncio.create_task(current.watch())
    running = current.site
    try:
        while await news.wait():
            news.clear()
            before, running = running, current.site
            await _follow(before, running, migrate, restart_stream)
    finally:
        watching.cancel()


async def _follow(before: Site, now: Site, migrate: Act, restart_stream: Act) -> None:
    try:
        if now.retention != before.retention:
            await migrate()
        if counted(now) != counted(before):
            _log.info("what the stream counts by has changed: it starts again")
            await restart_stream()
    except Exception:  # noqa: BLE001  the next change is followed all the same
        _log.exception("the stack could not follow the site file")
