"""How popular products are: overall, and among those who came from one source or saw one scenario.

What few visits of a group did says little about it: its shares are drawn towards everybody's, as if
so many visits more had done as everybody does. Scores are square roots of shares, the largest 1,
so that the second bestseller is not nothing beside the first.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from schemas.pick_model import MIN_PERSONS, Places, Popular

MOST_POPULAR = 200  # of a group
MOST_GROUPS = 100
_AS_EVERYBODY = 30.0
_LEAST_PERSONS = 20  # of a group


class Popularity:
    """Add what was done by disjoint sets of persons."""

    def __init__(self) -> None:
        types = {"group": pl.String, "product": pl.Int32, "weight": pl.Float64}
        self._done = pl.DataFrame(schema={**types, "persons": pl.Int32})
        self._persons = pl.DataFrame(schema={"group": pl.String, "persons": pl.Int32})

    def add(self, done: pl.DataFrame) -> None:
        """`done`: person, group, product (place), weight."""
        once = done.group_by("person", "group", "product").agg(pl.col("weight").max())
        by_product = once.group_by("group", "product").agg(
            pl.col("weight").sum(), pl.len().cast(pl.Int32).alias("persons")
        )
        counted = done.group_by("group").agg(
            pl.col("person").n_unique().cast(pl.Int32).alias("persons")
        )
        self._done = pl.concat([self._done, by_product]).group_by("group", "product").sum()
        self._persons = pl.concat([self._persons, counted]).group_by("group").sum()

    def overall(self, products: int) -> Popular:
        """Every product that some persons had to do with."""
        shares = self._everybody(products)
        places = np.argsort(-shares, kind="stable")[: int((shares > 0).sum())]
        return _scored(places.astype(np.int32), shares[places])

    def by_group(self, products: int) -> dict[str, Popular]:
        """The largest groups."""
        everybody = self._everybody(products)
        enough = self._persons.filter(
            (pl.col("persons") >= _LEAST_PERSONS) & (pl.col("group") != "")
        )
        largest = enough.sort(["persons", "group"], descending=[True, False]).head(MOST_GROUPS)
        found = {}
        for group in largest["group"]:
            mine = self._done.filter(
                (pl.col("group") == group) & (pl.col("persons") >= MIN_PERSONS)
            )
            weights = np.zeros(products)
            weights[mine["product"].to_numpy()] = mine["weight"].to_numpy()
            shares = weights + _AS_EVERYBODY * everybody
            shares /= weights.sum() + _AS_EVERYBODY
            places = np.argsort(-shares, kind="stable")[:MOST_POPULAR]
            places = places[shares[places] > 0]
            found[group] = _scored(places.astype(np.int32), shares[places])
        return found

    def _everybody(self, products: int) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        totals = self._done.group_by("product").agg(pl.col("weight", "persons").sum())
        totals = totals.filter(pl.col("persons") >= MIN_PERSONS)
        weights = np.zeros(products)
        weights[totals["product"].to_numpy()] = totals["weight"].to_numpy()
        weights /= max(float(weights.sum()), 1e-9)
        return weights


def _scored(places: Places, shares: np.ndarray[tuple[int], np.dtype[np.float64]]) -> Popular:
    scores = np.sqrt(shares / shares[0]) if len(shares) else shares
    return Popular.of(places, scores.astype(np.float32))
