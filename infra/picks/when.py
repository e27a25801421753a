"""When the weights of picks are learned again; apart from what learns, for who only asks."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from schemas.pick_model import Trained, Weighed

LEARN_EVERY_MS = 24 * 3_600_000
_GROWN = 1.5  # times as many persons


class Learn(StrEnum):
    """Now, when they are due, or not: those before stay."""

    NOW = "now"
    DUE = "due"
    NEVER = "never"

    def is_now(self, before: Weighed | None, trained: Trained) -> bool:
        """`before`: the weights in use; `trained`: the new table. Due once a day, and where many
        more persons have come since.
        """
        if self is not Learn.DUE or before is None:
            return self is not Learn.NEVER
        is_old = trained.trained_at - before.learned_at >= LEARN_EVERY_MS
        return is_old or trained.persons > _GROWN * before.persons
