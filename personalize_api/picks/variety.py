"""Best first, and not the same again and again: what resembles what stands above it waits.

Greedy, as maximal marginal relevance (Carbonell and Goldstein, 1998): of those left the next is the
best after each took a penalty for every product above it of its category or maker.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from schemas.catalogue import Catalogue, Floats

SAME_CATEGORY, SAME_MAKER = 0.02, 0.01
_ENOUGH = 8  # penalties count up to so many products above

Places = NDArray[np.int32]


def candidates(total: Floats, blocked: NDArray[np.bool_], most: int) -> Places:
    """Places of the best products that may be shown, best first; those before win ties.

    What nothing speaks for is none of them.
    """
    open_total = np.where(blocked, 0, total)
    if len(open_total) > most:
        least = max(float(np.partition(open_total, len(open_total) - most)[-most]), 0.0)
        found = np.flatnonzero((open_total >= least) & (open_total > 0))
    else:
        found = np.flatnonzero(open_total > 0)
    order = np.lexsort((found, -open_total[found]))[:most]
    return found[order].astype(np.int32)


def varied(
    catalogue: Catalogue, pool: Places, total: Floats, limit: int
) -> list[tuple[int, float]]:
    """(place, what is taken off its score), so many of the pool."""
    scores = total[pool].astype(np.float64)
    categories, makers = catalogue.categories[pool], catalogue.makers[pool]
    same_category, same_maker = np.zeros(len(pool)), np.zeros(len(pool))
    left = np.ones(len(pool), np.bool_)
    chosen = []
    for _ in range(min(limit, len(pool))):
        off = SAME_CATEGORY * np.minimum(same_category, _ENOUGH)
        off += SAME_MAKER * np.minimum(same_maker, _ENOUGH)
        at = int(np.argmax(np.where(left, scores - off, -np.inf)))
        chosen.append((int(pool[at]), -float(off[at])))
        left[at] = False
        if categories[at] >= 0:
            same_category += categories == categories[at]
        if makers[at] >= 0:
            same_maker += makers == makers[at]
    return chosen
