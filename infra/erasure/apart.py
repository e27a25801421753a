"""Erasure for a service that must not be held up by it."""

from __future__ import annotations

import asyncio
import sys

from infra.erasure.whom import NOBODY
from personalize_api.errors import NotThere, StateUnavailable

_WAITS_S = 900


async def erase_apart(identifier: str) -> bytes:
    """`footfall forget` in a process of its own, since it looks at every key; its report, JSON.

    The identifier goes in by stdin: what stands on a command line, everybody on the machine reads.
    Raises NotThere, StateUnavailable.
    """
    if not identifier.isprintable():
        raise NotThere(NOBODY)
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "infra.cli", "forget", "-", "--json"),
        stdin=pipe, stdout=pipe, stderr=pipe,
    )  # fmt: skip
    try:
        async with asyncio.timeout(_WAITS_S):
            report, said = await process.communicate(identifier.encode() + b"\n")
    except TimeoutError:
        process.kill()
        raise StateUnavailable("the erasure takes too long; ask again, and it goes on") from None
    if process.returncode == 0:
        return report
    message = said.decode(errors="replace").strip().rpartition("\n")[2].removeprefix("footfall: ")
    raise NotThere(message) if message == NOBODY else StateUnavailable(message)
