"""Which products are looked at after which: item to item, in the order of a visit.

How often somebody who looked at one goes on to the other, the sooner the more: what comes next
counts whole, what comes later less and less. Of session-based neighbours (Ludewig and Jannach,
2018) what can be kept as a table. Shrunk where few looked at the first; a person counts once for a
pair.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from schemas.pick_model import MIN_PERSONS, MOST_RELATED, Places, Related

_NEAR = 0.7  # each product in between makes the later one count so much less
_FARTHEST = 8
_SHRINK = 3.0  # persons
_MOST_PAIRS = 4_000_000  # kept while adding up: some 100 MB


class Successors:
    """Add what was done by disjoint sets of persons, then ask what follows each product."""

    def __init__(self, most_in_basket: int) -> None:
        self._most = most_in_basket
        types = {"one": pl.Int32, "other": pl.Int32, "weight": pl.Float64, "persons": pl.Int32}
        self._pairs = pl.DataFrame(schema=types)
        self._single = pl.DataFrame(schema={"product": pl.Int32, "weight": pl.Float64})

    def add(self, done: pl.DataFrame) -> None:
        """`done`: person, basket, product (place), first (ms), weight; a product once a basket.
        Of a basket the last products count.
        """
        ordered = done.sort(["basket", "first", "product"])
        kept = ordered.group_by("basket", maintain_order=True).tail(self._most)
        kept = kept.with_columns(pl.int_range(pl.len()).over("basket").alias("rank"))
        single = kept.group_by("person", "product").agg(pl.col("weight").max())
        self._single = _added_up([self._single, single.select("product", "weight")], "product")
        found = []
        for distance in range(1, _FARTHEST + 1):
            later = pl.col("product", "basket").shift(-distance)
            after = kept.with_columns(later.name.prefix("then_"))
            after = after.filter(pl.col("then_basket") == pl.col("basket"))
            found.append(
                after.select(
                    "person",
                    pl.col("product").alias("one"),
                    pl.col("then_product").alias("other"),
                    pl.col("weight") * _NEAR ** (distance - 1),
                )
            )
        both = pl.concat(found).group_by("person", "one", "other").agg(pl.col("weight").max())
        both = both.with_columns(pl.lit(1, pl.Int32).alias("persons"))
        self._pairs = _added_up([self._pairs, both.select(self._pairs.columns)], "one", "other")
        if self._pairs.height > _MOST_PAIRS:  # those that hardly anybody had are let go
            order = ["persons", "weight", "one", "other"]
            self._pairs = self._pairs.sort(order, descending=True).head(_MOST_PAIRS // 2)

    def related(self, products: int) -> Related:
        """After each of so many products the most usual others."""
        looked = self._single.rename({"product": "one", "weight": "looked"})
        pairs = self._pairs.filter(pl.col("persons") >= MIN_PERSONS).join(looked, on="one")
        share = pl.col("weight") / (pl.col("looked") + _SHRINK)
        found = (
            pairs.select("one", "other", share.alias("score"))
            .sort(["one", "score", "other"], descending=[False, True, False])
            .group_by("one", maintain_order=True)
            .head(MOST_RELATED)
        )
        starts: Places = np.zeros(products + 1, np.int32)
        np.cumsum(np.bincount(found["one"].to_numpy(), minlength=products), out=starts[1:])
        return Related.of(
            starts, found["other"].to_numpy(), found["score"].cast(pl.Float32).to_numpy()
        )


def _added_up(parts: list[pl.DataFrame], *by: str) -> pl.DataFrame:
    return pl.concat(parts).group_by(*by, maintain_order=True).sum()
