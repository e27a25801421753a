"""Picks for one request: in time, whatever happens, and never at the expense of other answers."""

from __future__ import annotations

import asyncio
import logging
from concurrent.futures import ThreadPoolExecutor

from personalize_api.metrics import Metrics
from personalize_api.picks.choose import Chooser, Picked
from personalize_api.picks.loading import Shelves
from personalize_api.picks.taste import Taste
from personalize_api.seldom import SeldomLogger

WITHIN_S = 0.02
AT_ONCE = 3000
"""Products of which picks take less than a millisecond: more are chosen from by a thread."""

_THREADS = 2


class Picks:
    """Must be used in one event loop."""

    def __init__(self, shelves: Shelves, metrics: Metrics) -> None:
        self._shelves = shelves
        self._metrics = metrics
        self._threads = ThreadPoolExecutor(_THREADS, "picks")
        self._log = SeldomLogger(logging.getLogger(__name__))

    async def pick(self, taste: Taste, limit: int) -> list[Picked]:
        """Never raises. What takes too long or fails gives way to what is popular."""
        chooser = self._shelves.chooser
        with self._metrics.pick_seconds.time():
            try:
                if not taste.is_personal or len(chooser.shelf) <= AT_ONCE:
                    return chooser.pick(taste, limit)
                loop = asyncio.get_running_loop()
                choosing = loop.run_in_executor(self._threads, chooser.pick, taste, limit)
                return await asyncio.wait_for(choosing, WITHIN_S)
            except TimeoutError:
                self._metrics.picks_popular["deadline"].inc()
            except Exception as error:  # noqa: BLE001  a page must not fail over its picks
                self._metrics.picks_popular["bug"].inc()
                self._log.error("picks failed; popular products are shown", error)
        return self._popular(chooser, taste, limit)

    def _popular(self, chooser: Chooser, taste: Taste, limit: int) -> list[Picked]:
        try:
            return chooser.popular(taste.source, taste.scenario)[:limit]
        except Exception as error:  # noqa: BLE001  then there are none
            self._log.error("popular products failed too; there are no picks", error)
            return []

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)
