"""Reads a catalogue's file, CSV or JSON lines, strictly: one bad row and it is not taken.

Columns: the one that the site file names as `id`; `title` (or `name`); and, each if it is there:

    category, maker (or brand), kind    text
    stock                               whole number; 0 is not picked
    available                           yes or no
    added                               a date, 2026-11-30: what is new may be picked for it
    price                               a number above 0; anything else counts as not said
    attributes                          name=value; name=value:0.5; ... the weight is from 0 to 1
    <number>_from, <number>_to          whom it is for, both ends included: age_from, age_to

Others are the shop's own and are left alone. In JSON lines attributes may be a list of such texts.

Polars reads, and lets go of Python's lock while it does: a service answers meanwhile.
"""

from __future__ import annotations

import csv
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import polars as pl
from polars.exceptions import PolarsError

from schemas.catalogue import Catalogue, Product, Span
from schemas.catalogue_attributes import MAX_ATTRIBUTES, TEXTS, read_attributes
from schemas.catalogue_problems import LINE, MAX_TOLD, Problems

MAX_PRODUCTS = 200_000
MAX_ID = 64
_MAX_TEXT = 500
_BREATH = 20  # JSON lines read until others may run

_ALSO = {"name": "title", "brand": "maker"}
_YES, _NO = ("yes", "true", "1", "in stock"), ("no", "false", "0", "out of stock")
_NUMBER = r"^-?\d{1,9}(\.\d{1,9})?$"


def read(path: Path, id_column: str) -> Catalogue:
    """Raises CatalogueError, OSError."""
    problems = Problems()
    rows = _json_rows(path, problems) if path.suffix == ".jsonl" else _csv_rows(path, problems)
    problems.raise_any(path)
    rows = _named(rows, id_column, problems)
    problems.raise_any(path)
    rows = rows.with_columns(pl.exclude("attributes").cast(pl.String).str.strip_chars())
    rows = rows.with_columns(pl.col(LINE).cast(pl.Int64))
    _check(rows, problems)
    problems.raise_any(path)
    rows = rows.sort("id")
    attributes, tokens = read_attributes(rows, problems)
    problems.raise_any(path)
    return Catalogue(
        _products(rows),
        tokens,
        attributes,
        available=_available(rows),
        added_ms=_added(rows),
        spans=_spans(rows),
        prices=_prices(rows),
    )


def _csv_rows(path: Path, problems: Problems) -> pl.DataFrame:
    """All columns as text, and the line on which each row begins."""
    try:
        rows = pl.read_csv(path, infer_schema=False).fill_null("")
    except (PolarsError, UnicodeDecodeError) as error:
        _find_ragged(path, problems, str(error).partition("\n")[0])
        return pl.DataFrame()
    return rows.with_columns(_lines(rows).alias(LINE))


def _lines(rows: pl.DataFrame) -> pl.Series:
    """A cell in quotes may hold line breaks, so a row may be several lines."""
    breaks = pl.sum_horizontal(pl.all().str.count_matches("\n", literal=True).fill_null(0))
    taken = rows.select((breaks + 1).cast(pl.Int64).alias("taken"))["taken"]
    return 2 + taken.cum_sum() - taken


def _find_ragged(path: Path, problems: Problems, said: str) -> None:
    """Where polars gives up it does not say on which line."""
    line = 1
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = csv.reader(file, strict=True)
            width = len(next(rows, ()))
            for row in rows:
                line = rows.line_num
                if len(row) > width:
                    problems.add(line, f"{len(row)} cells; allowed: {width}, as the header has")
                    return
    except (csv.Error, UnicodeDecodeError) as error:
        problems.add(line + 1, f"not to be read: {error}")
        return
    problems.add(1, f"not to be read as CSV: {said}")


def _json_rows(path: Path, problems: Problems) -> pl.DataFrame:
    rows: list[dict[str, str]] = []
    decoder = msgspec.json.Decoder(dict[str, Any])
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            if number % _BREATH == 0:
                time.sleep(0)
            if not line.strip():
                continue
            try:
                row = {name: _text(value) for name, value in decoder.decode(line).items()}
            except (msgspec.MsgspecError, UnicodeDecodeError, TypeError) as error:
                problems.add(number, f"not to be read: {error}")
                continue
            row[LINE] = str(number)
            rows.append(row)
    columns = dict.fromkeys(name for row in rows for name in row) or {LINE: None}
    frame = pl.DataFrame(rows, schema=dict.fromkeys(columns, pl.String)).fill_null("")
    return frame.with_columns(pl.col(LINE).cast(pl.Int64))


def _text(value: object) -> str:
    """A JSON value as the cell of a table would have it. Raises TypeError."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str | int | float):
        return str(value)
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        return ";".join(value)
    raise TypeError("allowed: texts, numbers, true, false, null and lists of texts")


def _named(rows: pl.DataFrame, id_column: str, problems: Problems) -> pl.DataFrame:
    """The columns that mean something, under their names here."""
    if id_column not in rows.columns:
        problems.add(1, f"there is no column {id_column!r}, which `catalogue.id` names")
        return rows
    names = {id_column: "id"}
    for column in rows.columns:
        name = _ALSO.get(column, column)
        if name not in names.values() and (name == column or name not in rows.columns):
            names.setdefault(column, name)
    known = {"id", "title", *TEXTS, "stock", "available", "added", "price", "attributes", LINE}
    spans = {f"{name}_{end}" for name in _numbers(rows.columns) for end in ("from", "to")}
    kept = {column: name for column, name in names.items() if name in known | spans}
    if "title" not in kept.values():
        problems.add(1, "there is no column 'title'")
    if not rows.height:
        problems.add(1, "there are no products")
    if rows.height > MAX_PRODUCTS:
        problems.add(1, f"there are {rows.height} products; allowed: {MAX_PRODUCTS}")
    return rows.select(pl.col(column).alias(name) for column, name in kept.items())


def _numbers(columns: Iterable[str]) -> list[str]:
    """Names of which both ends are columns."""
    there = set(columns)
    begun = (column.removesuffix("_from") for column in there if column.endswith("_from"))
    return sorted(name for name in begun if name and f"{name}_to" in there)


def _check(rows: pl.DataFrame, problems: Problems) -> None:
    limits = [("id", 1, MAX_ID), ("title", 1, _MAX_TEXT), *((name, 0, _MAX_TEXT) for name in TEXTS)]
    for column, least, most in limits:
        if column in rows.columns:
            length = pl.col(column).str.len_chars()
            allowed = f"{least} to {most} characters"
            problems.where(rows, ~length.is_between(least, most), column, allowed)
    twice = rows.filter(~pl.col("id").is_first_distinct()).head(MAX_TOLD)
    for line, product in twice.select(LINE, "id").iter_rows():
        first = rows.filter(pl.col("id") == product)[LINE][0]
        problems.add(line, f"id {product[:60]!r} is that of line {first} too")
    for column, (right, allowed) in _ALLOWED.items():
        if column in rows.columns:
            problems.where(rows, ~right, column, allowed)
    for name in _numbers(rows.columns):
        _check_span(rows, f"{name}_from", f"{name}_to", problems)


_COUNT = pl.col("attributes").str.count_matches(";", literal=True)
_ALLOWED = {
    "stock": (pl.col("stock").str.contains(r"^\d{1,9}$"), "a whole number"),
    "available": (pl.col("available").str.to_lowercase().is_in([*_YES, *_NO]), "yes or no"),
    "added": (
        (pl.col("added") == "") | pl.col("added").str.to_date(strict=False).is_not_null(),
        "a date such as 2026-11-30, or nothing",
    ),
    "attributes": (_COUNT <= MAX_ATTRIBUTES, f"at most {MAX_ATTRIBUTES} of them"),
}


def _check_span(rows: pl.DataFrame, low: str, high: str, problems: Problems) -> None:
    for column in (low, high):
        right = (pl.col(column) == "") | pl.col(column).str.contains(_NUMBER)
        problems.where(rows, ~right, column, "a number, or nothing")
    first, last = (pl.col(column).cast(pl.Float32, strict=False) for column in (low, high))
    problems.where(rows, first > last, low, f"at most {high}")


def _products(rows: pl.DataFrame) -> list[Product]:
    given = ("id", "title", "category", "maker")
    texts = rows.select(
        pl.col(name) if name in rows.columns else pl.lit("").alias(name) for name in given
    )
    return [
        Product(id=id_, title=title, category=category, maker=maker)
        for id_, title, category, maker in texts.iter_rows()
    ]


def _available(rows: pl.DataFrame) -> np.ndarray[Any, np.dtype[np.bool_]]:
    there = pl.lit(True)
    if "stock" in rows.columns:
        there &= pl.col("stock").cast(pl.Int64) > 0
    if "available" in rows.columns:
        there &= pl.col("available").str.to_lowercase().is_in([*_YES])
    return rows.select(there.alias("there") & (pl.col("id") != "")).to_series().to_numpy()


def _added(rows: pl.DataFrame) -> np.ndarray[Any, np.dtype[np.int64]] | None:
    if "added" not in rows.columns:
        return None
    days = rows["added"].str.to_date(strict=False).cast(pl.Int32).cast(pl.Int64).fill_null(0)
    return days.to_numpy() * 86_400_000


def _spans(rows: pl.DataFrame) -> dict[str, Span]:
    def ends(column: str) -> np.ndarray[Any, np.dtype[np.float32]]:
        return rows[column].cast(pl.Float32, strict=False).fill_null(float("nan")).to_numpy()

    return {name: Span(ends(f"{name}_from"), ends(f"{name}_to")) for name in _numbers(rows.columns)}


def _prices(rows: pl.DataFrame) -> np.ndarray[Any, np.dtype[np.float32]] | None:
    """NaN for what is no number above 0: a shop may write "on request"."""
    if "price" not in rows.columns:
        return None
    prices = rows["price"].cast(pl.Float32, strict=False).fill_null(float("nan")).to_numpy()
    return np.where(prices > 0, prices, np.float32("nan")).astype(np.float32)
