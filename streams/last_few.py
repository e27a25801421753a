"""A mapping that forgets everything when it grows too large: memory for what follows anyway."""

from __future__ import annotations

from typing import TypeVar

Key = TypeVar("Key")
Value = TypeVar("Value")

_LIMIT = 50_000


class LastFew(dict[Key, Value]):
    """Holds at most `_LIMIT` entries; what is gone is computed or read again."""

    def __setitem__(self, key: Key, value: Value) -> None:
        if len(self) >= _LIMIT:
            self.clear()
        super().__setitem__(key, value)
