"""What fills the places for which nothing speaks yet: a shop's first day, a visitor of rare taste.

A page that asked for twelve products has room for twelve. These are products that may be shown and
that nothing speaks against, in the catalogue's order and made various; they say no more than that.
"""

from __future__ import annotations

import numpy as np

from personalize_api.picks.scores import Scored
from personalize_api.picks.variety import varied
from schemas.catalogue import Catalogue

REASON = "from the catalogue"

_POOL_FACTOR = 4


def fillers(catalogue: Catalogue, scored: Scored, most: int) -> list[int]:
    """Places of at most so many products with a score of 0 that may be shown."""
    if most < 1:
        return []
    found = np.flatnonzero((scored.total == 0) & ~scored.blocked)[: _POOL_FACTOR * most]
    return [place for place, _ in varied(catalogue, found.astype(np.int32), scored.total, most)]
