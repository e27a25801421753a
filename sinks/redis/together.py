"""Which products go together: item to item, by how many different persons had both.

The cosine of their weighted counts (Sarwar et al., 2001), shrunk where few persons speak for it:
n / (n + shrink) of it counts. A person counts once for a pair, however often it did both.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from schemas.pick_model import MIN_PERSONS, MOST_RELATED, Places, Related

_MOST_PAIRS = 4_000_000  # kept while adding up: some 100 MB


class Together:
    """Add what was done by disjoint sets of persons, then ask which products are related."""

    def __init__(self, shrink: float, most_in_basket: int) -> None:
        self._shrink = shrink
        self._most = most_in_basket
        self._pairs = _no_pairs()
        self._single = pl.DataFrame(schema={"product": pl.Int32, "weight": pl.Float64})

    def add(self, done: pl.DataFrame) -> None:
        """`done`: person, basket, product (place), weight (how much it counts); a product once a
        basket. Of a basket the heaviest products count, which are the newest.
        """
        kept = done.sort(["weight", "product"], descending=[True, False])
        kept = kept.group_by("basket", maintain_order=True).head(self._most)
        single = kept.group_by("person", "product").agg(pl.col("weight").max())
        self._single = _added_up([self._single, single.select("product", "weight")], "product")
        left = kept.select("person", "basket", pl.col("product").alias("one"), "weight")
        both = (
            left.join(
                kept.select("basket", pl.col("product").alias("other"), "weight"), on="basket"
            )
            .filter(pl.col("one") < pl.col("other"))
            .with_columns(pl.min_horizontal("weight", "weight_right").alias("weight"))
            .group_by("person", "one", "other")
            .agg(pl.col("weight").max())
            .with_columns(pl.lit(1, pl.Int32).alias("persons"))
        )
        self._pairs = _added_up([self._pairs, both.select(self._pairs.columns)], "one", "other")
        if self._pairs.height > _MOST_PAIRS:  # those that hardly anybody had are let go
            order = ["persons", "weight", "one", "other"]
            self._pairs = self._pairs.sort(order, descending=True).head(_MOST_PAIRS // 2)

    def related(self, products: int) -> Related:
        """To each of so many products the most related others."""
        weights = self._single.select("product", pl.col("weight").sqrt())
        pairs = self._pairs.filter(pl.col("persons") >= MIN_PERSONS)
        for end in ("one", "other"):
            named = weights.rename({"product": end, "weight": f"{end}_length"})
            pairs = pairs.join(named, on=end)
        score = pl.col("weight") / (pl.col("one_length") * pl.col("other_length"))
        sure = pl.col("persons") / (pl.col("persons") + self._shrink)
        scored = pairs.select("one", "other", (score * sure).alias("score"))
        turned = scored.select(pl.col("other").alias("one"), pl.col("one").alias("other"), "score")
        found = (
            pl.concat([scored, turned])
            .sort(["one", "score", "other"], descending=[False, True, False])
            .group_by("one", maintain_order=True)
            .head(MOST_RELATED)
        )
        count = np.bincount(found["one"].to_numpy(), minlength=products)
        starts: Places = np.zeros(products + 1, np.int32)
        np.cumsum(count, out=starts[1:])
        return Related.of(
            starts, found["other"].to_numpy(), found["score"].cast(pl.Float32).to_numpy()
        )


def _no_pairs() -> pl.DataFrame:
    types = {"one": pl.Int32, "other": pl.Int32, "weight": pl.Float64, "persons": pl.Int32}
    return pl.DataFrame(schema=types)


def _added_up(parts: list[pl.DataFrame], *by: str) -> pl.DataFrame:
    return pl.concat(parts).group_by(*by, maintain_order=True).sum()
