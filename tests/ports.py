"""Free ports for tests that run side by side.

A test takes a block of ports long before its servers listen on all of them. So those that run at
the same time choose from blocks that can never share a port, and a block is not given again before
the module that took it is over.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Collection, Iterator
from contextlib import contextmanager

import msgspec

from infra.embedded.ports import OFFSETS
from infra.embedded.ports import free_offset as free_offset_of
from schemas.settings import Ports

STRIDE = 64
_given: set[int] = set()
"""A block may be free now and wanted later by the test that took it."""
_kept: set[int] = set()
"""Those of the whole session."""
_one_at_a_time = threading.Lock()
_PORTS = msgspec.structs.astuple(Ports.with_offset(0))
_USED = {*_PORTS, Ports.with_offset(0).kafka + 1}  # Apache Kafka's controller stands beside it


def free_offset(*, for_session: bool = False) -> int:
    """A FOOTFALL_PORT_OFFSET with which every default port is free, for this worker alone, until
    the module is over, or the session.
    """
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    if worker >= len(residues()):
        raise ValueError(f"at most {len(residues())} tests run side by side: pytest -n 2")
    residue = residues()[worker]
    with _one_at_a_time:
        taken = _given | _kept
        mine = [offset for offset in OFFSETS if offset % STRIDE == residue and offset not in taken]
        offset = free_offset_of(among=mine)
        (_kept if for_session else _given).add(offset)
    return offset


@contextmanager
def given_back() -> Iterator[None]:
    """What is taken within the block is free again after it."""
    before = set(_given)
    yield
    _given.intersection_update(before)


def residues() -> list[int]:
    """Of offsets modulo the stride: two blocks of different residues have no port in common."""
    apart = {(one - other) % STRIDE for one in _USED for other in _USED}
    chosen: list[int] = []
    for residue in range(STRIDE):
        if all(_clear(residue - other, apart) for other in chosen):
            chosen.append(residue)
    return chosen


def _clear(difference: int, apart: Collection[int]) -> bool:
    return difference % STRIDE not in apart
