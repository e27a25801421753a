"""Places where a test may kill this process, named after the step that was just done.

FOOTFALL_FAULT=published:3 kills the process with SIGKILL at the third time `published` is passed,
footfall.raw.published:3 where the stage of that topic passes it.

    loaded, folded, published, applied, acknowledged    a lane's batch (streams/lane.py)
    committing, committed                               what Faust commits (streams/worker.py)
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Mapping

FaultPoint = Callable[[str], None]


def fault_point_from(env: Mapping[str, str]) -> FaultPoint:
    """What to call at each place; does nothing unless the environment names a fault."""
    setting = env.get("FOOTFALL_FAULT", "")
    if not setting:
        return lambda name: None
    wanted, _, count = setting.partition(":")
    left = [int(count or 1)]

    def die_at(name: str) -> None:
        if name == wanted or name.endswith(f".{wanted}"):
            left[0] -= 1
            if left[0] <= 0:
                os.kill(os.getpid(), signal.SIGKILL)

    return die_at
