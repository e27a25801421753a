"""Places where a test may kill or stop this process, named after the step that was just done.

    loaded, folded, published, applied, acknowledged    a lane's batch (streams/lane.py)
    committing, committed                               what Faust commits (streams/worker.py)
    sink.taken, sink.events_stored (and so every table of a block), sink.inserted, sink.published,
    sink.acknowledged                                   a block of the sink (sinks/clickhouse)

FOOTFALL_FAULT=published:3 kills the process with SIGKILL at the third time `published` is passed,
footfall.raw.published:3 where the stage of that topic passes it; published:3:STOP stops it there
with SIGSTOP.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Mapping

FaultPoint = Callable[[str], None]


def no_fault(name: str) -> None:
    """Where nothing shall happen."""


def fault_point_from(env: Mapping[str, str]) -> FaultPoint:
    """What to call at each place; does nothing unless the environment names a fault."""
    setting = env.get("FOOTFALL_FAULT", "")
    if not setting:
        return no_fault
    wanted, *rest = setting.split(":")
    fatal = int(rest[0]) if rest else 1
    what = signal.SIGSTOP if rest[1:] == ["STOP"] else signal.SIGKILL
    passed = 0

    def die_at(name: str) -> None:
        nonlocal passed
        if name == wanted or name.endswith(f".{wanted}"):
            passed += 1
            if passed == fatal:
                os.kill(os.getpid(), what)

    return die_at
