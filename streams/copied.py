"""A shallow copy of a struct."""

from __future__ import annotations

from typing import TypeVar

import msgspec

Struct = TypeVar("Struct", bound=msgspec.Struct)


def copied(struct: Struct) -> Struct:
    """What `copy.copy` comes to for a struct, without the ways it takes for anything else."""
    copy: Struct = struct.__copy__()  # type: ignore[attr-defined]  # not in msgspec's stubs
    return copy
