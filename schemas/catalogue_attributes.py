"""A catalogue's attributes, `name=value` or `name=value:weight`, as numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from schemas.catalogue import STEPS, Sparse, token_of
from schemas.catalogue_problems import LINE, MAX_TOLD, Problems

TEXTS = ("category", "maker", "kind")
"""Columns whose text is an attribute too."""

MAX_ATTRIBUTES = 1000  # a product

_ROWS_AT_ONCE = 2000  # whose attributes are taken apart together
_WEIGHT = r":(0?\.\d{1,9}|0|1|[01]\.\d{1,9})$"
_RIGHT = r"^[^=]*[^=\s][^=]*=\s*[^\s]"


def read_attributes(rows: pl.DataFrame, problems: Problems) -> tuple[Sparse, list[str]]:
    """Taken apart some rows at a time: all of them as texts would be several GB."""
    vocabulary = _Vocabulary(problems)
    parts = [_whole(rows, column, vocabulary) for column in TEXTS if column in rows.columns]
    if "attributes" in rows.columns:
        cells = rows.select(LINE, "attributes").with_row_index("place")
        parts += [vocabulary.read(part) for part in cells.iter_slices(_ROWS_AT_ONCE)]
    places, tokens, weights = (
        np.concatenate([part[n] for part in parts] or [np.zeros(0, np.int32)]) for n in range(3)
    )
    held = Sparse.of(places, tokens, weights.astype(np.uint8), rows.height)
    return held, vocabulary.tokens


Part = tuple[np.ndarray[Any, Any], np.ndarray[Any, Any], np.ndarray[Any, Any]]
"""(place of the product, token, weight), one each an attribute."""


class _Vocabulary:
    """Texts `name=value:weight` that were met, each taken apart once."""

    def __init__(self, problems: Problems) -> None:
        self._problems = problems
        self._numbers: dict[str, int] = {}
        self._known = pl.DataFrame(
            schema={"text": pl.String, "token": pl.Int32, "weight": pl.UInt8}
        )

    @property
    def tokens(self) -> list[str]:
        return list(self._numbers)

    def token(self, name: str) -> int:
        return self._numbers.setdefault(name, len(self._numbers))

    def read(self, cells: pl.DataFrame) -> Part:
        """`cells`: place, line and attributes of some products."""
        said = (
            cells.with_columns(pl.col("attributes").str.split(";").alias("text"))
            .drop("attributes")
            .explode("text")
            .with_columns(pl.col("text").str.strip_chars())
            .filter(pl.col("text") != "")
        )
        new = said.select("text").unique().join(self._known, on="text", how="anti")
        if new.height:
            self._check(said, new)
            self._known = pl.concat([self._known, self._taken_apart(new.sort("text"))])
        found = said.join(self._known, on="text", how="left", maintain_order="left")
        places = found["place"].cast(pl.Int32).to_numpy()
        return places, found["token"].to_numpy(), found["weight"].to_numpy()

    def _check(self, said: pl.DataFrame, new: pl.DataFrame) -> None:
        wrong = new.filter(~pl.col("text").str.contains(_RIGHT))
        if wrong.height:
            rows = said.join(wrong, on="text", how="semi").select(LINE, "text").head(MAX_TOLD)
            for line, text in rows.iter_rows():
                self._problems.add(
                    line, f"attributes: {text[:60]!r}; allowed: name=value or name=value:weight"
                )

    def _taken_apart(self, new: pl.DataFrame) -> pl.DataFrame:
        apart = new.with_columns(
            pl.col("text").str.extract(_WEIGHT).cast(pl.Float64).fill_null(1.0).alias("weight"),
            pl.col("text").str.replace(_WEIGHT, "").str.splitn("=", 2).alias("both"),
        ).unnest("both")
        tokens = [
            self.token(token_of(name.strip(), value.strip()))
            for name, value in apart.select("field_0", pl.col("field_1").fill_null("")).iter_rows()
        ]
        return apart.select(
            "text",
            pl.Series("token", tokens, pl.Int32),
            (pl.col("weight") * STEPS).round().cast(pl.UInt8).alias("weight"),
        )


def _whole(rows: pl.DataFrame, column: str, vocabulary: _Vocabulary) -> Part:
    """A column whose text is an attribute of full weight."""
    said = rows.with_row_index("place").filter(pl.col(column) != "").select("place", column)
    tokens = [vocabulary.token(token_of(column, text)) for text in said[column]]
    places = said["place"].cast(pl.Int32).to_numpy()
    return places, np.array(tokens, np.int32), np.full(len(tokens), STEPS, np.uint8)
