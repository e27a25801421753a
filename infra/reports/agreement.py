"""How well one grouping of events agrees with another, told by pairs of events."""

from __future__ import annotations

import msgspec
import polars as pl


class Agreement(msgspec.Struct, frozen=True, kw_only=True):
    """Of all pairs of two events, those that each grouping puts together."""

    pairs_found: int  # by the grouping that is judged
    pairs_expected: int  # by the one it is judged by
    pairs_both: int

    @property
    def precision(self) -> float | None:
        """Of the pairs that are put together, the share that belongs together; None without."""
        return self.pairs_both / self.pairs_found if self.pairs_found else None

    @property
    def recall(self) -> float | None:
        """Of the pairs that belong together, the share that is put together; None without."""
        return self.pairs_both / self.pairs_expected if self.pairs_expected else None

    @property
    def exact(self) -> bool:
        """Both groupings are the same."""
        return self.pairs_found == self.pairs_expected == self.pairs_both


def agreement(events: pl.DataFrame, found: str, expected: str) -> Agreement:
    """Counts pairs by the sizes of the groups and of what they share: n (n - 1) / 2 of each.

    `found`, `expected`: names of text columns, one row an event; an event with '' is in a group
    of its own. (Pairwise precision and recall as in O. Hassanzadeh et al., Framework for
    evaluating clustering algorithms in duplicate detection, PVLDB 2 (2009), 1282-1293.)
    """
    return Agreement(
        pairs_found=_pairs(events.filter(pl.col(found) != ""), [found]),
        pairs_expected=_pairs(events.filter(pl.col(expected) != ""), [expected]),
        pairs_both=_pairs(
            events.filter(pl.col(found) != "", pl.col(expected) != ""), [found, expected]
        ),
    )


def _pairs(events: pl.DataFrame, by: list[str]) -> int:
    sizes = events.group_by(by).len()["len"].cast(pl.Int64)
    return int((sizes * (sizes - 1) // 2).sum())
