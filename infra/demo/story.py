"""What the demo does once everything serves: a real log, a past week, then shoppers who come now.

Every act is a public command, run as a user would run it.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import signal
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

from infra.demo import catalogue
from infra.demo.figures import Figures, gather, refreshed
from infra.demo.place import Place
from infra.demo.screen import Screen
from infra.drain import Missing, drain

SHOPPERS, DAYS = 6_000, 7
HISTORY_SEED, LIVE_SEED, LOG_SEED = 1, 2, 3
LIVE_PER_MINUTE = 360  # so that a broken checkout is noticed while one watches
ONCE_LIVE_S = 15.0
DRAIN_TIMEOUT_S = 120.0
REFRESH_S = 3.0
COMPARE_EVERY = 10  # refreshes
ON_THE_WAY_MS = 10_000
STOP_TIMEOUT_S = 10.0
LOG_SITE = "www.example.org"


class DemoFailed(Exception):
    """An act did not end as it should. The message says which, and why."""


class Story:
    """One run with its shoppers; awaited as the stack's `while_up`.

    `log`: a web-server log (None: one is simulated). `once`: ends by itself when all is counted.
    """

    def __init__(self, place: Place, screen: Screen, log: Path | None, *, once: bool) -> None:
        self._place = place
        self._log = log
        self._screen = screen
        self._once = once
        self._truth = place.directory / "truth.csv"
        self._live_truth = place.directory / "live.csv"

    async def __call__(self) -> None:
        """Raises DemoFailed."""
        await self._import_log()
        await self._import_catalogue()
        await self._past_week()
        await self._drained()
        await self._train_picks()
        if self._once:
            self._screen.links(self._place)
            await self._live_for(ONCE_LIVE_S)
            await self._drained()
            figures = await self._figures()
            self._screen.summary(figures)
            if problems := figures.problems():
                raise DemoFailed("; ".join(problems))
        else:
            await self._live_until_stopped()

    async def _import_log(self) -> None:
        log = self._log
        if log is None:
            self._screen.act("No web-server log is here, so one of simulated shoppers is written")
            log = self._place.directory / "access.log"
            await self._footfall(
                *("simulate", "--shoppers", "500", "--days", str(DAYS), "--seed", str(LOG_SEED)),
                *("--as", "log", "--out", str(log)),
            )
        self._screen.act("A web-server log: every line is accounted for")
        await self._footfall("import-logs", str(log), "--site", LOG_SITE)

    async def _import_catalogue(self) -> None:
        self._screen.act("The catalogue, beside what is looked at and bought")
        await self._footfall("import", "products", str(catalogue.FILE))

    async def _past_week(self) -> None:
        self._screen.act(
            "A past week of simulated shoppers; the homepage by referrer was new in its middle"
        )
        await self._footfall(
            *("simulate", "--shoppers", str(SHOPPERS), "--days", str(DAYS)),
            *("--seed", str(HISTORY_SEED), "--send", self._place.collector),
            *("--truth", str(self._truth)),
        )

    async def _train_picks(self) -> None:
        self._screen.act("What goes together, and what is popular: picks are made of it")
        await self._footfall("picks", "train")

    async def _live_for(self, seconds: float) -> None:
        self._screen.act(f"Shoppers who come now, for {seconds:.0f} seconds")
        async with self._shoppers():
            await asyncio.sleep(seconds)

    async def _live_until_stopped(self) -> None:
        async with self._shoppers() as shoppers:
            figures = await self._figures(ON_THE_WAY_MS)
            self._screen.summary(figures)
            self._screen.links(self._place)
            if self._screen.is_live:
                await self._keep_showing(figures, shoppers)
            else:
                await shoppers.wait()
        raise DemoFailed(f"the simulated shoppers ended by themselves: code {shoppers.returncode}")

    async def _keep_showing(self, figures: Figures, shoppers: Process) -> None:
        """Until the shoppers end. The truth is compared now and then; what moves, at every turn."""
        with self._screen.live() as show:
            for turn in itertools.count(1):
                show(figures)
                await asyncio.sleep(REFRESH_S)
                if shoppers.returncode is not None:
                    return
                if turn % COMPARE_EVERY == 0:
                    figures = await self._figures(ON_THE_WAY_MS)
                else:
                    figures = await asyncio.to_thread(refreshed, self._place, figures)

    @contextlib.asynccontextmanager
    async def _shoppers(self) -> AsyncIterator[Process]:
        words = (
            *("simulate", "--live", "--per-minute", str(LIVE_PER_MINUTE)),
            *("--seed", str(LIVE_SEED), "--send", self._place.collector),
            *("--personalize", self._place.personalize, "--truth", str(self._live_truth)),
            *("--shop", self._place.url(self._place.settings.ports.shop)),
        )
        with (self._place.directory / "live.log").open("wb") as output:
            process = await self._spawn(words, output.fileno())
            try:
                yield process
            finally:
                await _stop(process)

    async def _drained(self) -> None:
        """Raises DemoFailed with what was lost."""
        missing: list[Missing] = await asyncio.to_thread(
            drain, self._place.settings, DRAIN_TIMEOUT_S
        )
        if missing:
            what = "; ".join(map(str, missing))
            raise DemoFailed(f"not taken within {DRAIN_TIMEOUT_S:.0f} s: {what}")

    async def _figures(self, on_the_way_ms: int = 0) -> Figures:
        truth = [path for path in (self._truth, self._live_truth) if path.exists()]
        return await asyncio.to_thread(gather, self._place, truth, DAYS + 1, on_the_way_ms)

    async def _footfall(self, *words: str) -> None:
        """Run a command; what it prints is the demo's. Raises DemoFailed."""
        self._screen.command(words, self._place)
        process = await self._spawn(words, None)
        try:
            code = await process.wait()
        finally:
            await _stop(process)
        if code:
            raise DemoFailed(f"footfall {words[0]} ended with code {code}")

    async def _spawn(self, words: Sequence[str], output: int | None) -> Process:
        return await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "infra.cli", *words),
            env=dict(self._place.environment),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,  # Ctrl-C is ours to pass on
        )


async def _stop(process: Process) -> None:
    """SIGINT, and a kill for what does not end by it."""
    if process.returncode is not None:
        return
    with contextlib.suppress(ProcessLookupError):
        process.send_signal(signal.SIGINT)
    try:
        await asyncio.wait_for(process.wait(), STOP_TIMEOUT_S)
    except TimeoutError:
        process.kill()
        await process.wait()
