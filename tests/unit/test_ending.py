"""What runs beside the requests ends, also where a cancellation gets lost."""

from __future__ import annotations

import asyncio
import contextlib

from personalize_api.ending import end


def test_a_lost_cancellation_is_sent_again() -> None:
    lost = []

    async def deaf() -> None:
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.sleep(60)
        lost.append(1)
        await asyncio.sleep(60)

    async def fails() -> None:
        raise ValueError

    async def run() -> None:
        tasks = [asyncio.create_task(each()) for each in (deaf, fails)]
        await asyncio.sleep(0)
        await end(*tasks, None)
        assert all(task.done() for task in tasks)

    asyncio.run(run())
    assert lost == [1]
