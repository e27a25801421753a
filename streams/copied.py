"""A shallow copy of a struct."""

from __future__ import annotations

from operator import methodcaller
from typing import Protocol, TypeVar, cast

import msgspec

Struct = TypeVar("Struct", bound=msgspec.Struct)


class _Copied(Protocol):
    def __call__(self, struct: Struct, /) -> Struct: ...


copied = cast(_Copied, methodcaller("__copy__"))
"""What `copy.copy` comes to for a struct, without the ways it takes for anything else."""
