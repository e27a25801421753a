"""How much more a visitor has to do with a kind of product than everybody has.

Kinds are categories, ranges of price, ranges of age. A lift is log(1 + mine / (unsure * usual)):
of what the visitor looked at, how much is of a product's kind or near it, against how usual that
kind is. Few looks say little (`UNSURE`), and a kind that everybody looks at says nothing about one.
In a logistic model of what is looked at next that is the term of a kind, but for what is the same
for all products.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import numpy as np
from numpy.typing import NDArray

from schemas.catalogue import Catalogue, Floats, Places, Span

UNSURE = 3.0  # looks
_SCALE = 3.0  # so that what is looked at much is about 1
_PRICES = 24  # ranges of price
_PRICE_NEAR = 0.5  # in logarithms: what costs 1.65 times as much is 0.6 alike
_ENDS = 8  # into so many steps both ends of spans are put
_LEAST = 1e-3  # how usual a kind is, at least


class Kinds:
    """Products by kind, -1 for none; how alike two kinds are; how usual what is like each."""

    def __init__(self, of: Places, alike: Floats, shares: Floats) -> None:
        """`shares`: of each product, of all that is looked at; they add up to 1."""
        self.of = of
        self._alike = alike
        known = of >= 0
        of_kind = np.bincount(of[known], shares[known], len(alike))
        total = max(float(of_kind.sum()), 1e-9)
        self._usual = np.maximum(alike @ (of_kind / total), _LEAST).astype(np.float32)

    def lift(self, seen: Sequence[tuple[int, float]]) -> Floats | None:
        """Of every product, by what was looked at (place, how much it matters).

        None where no kind of it is known. What is of no kind is as good as what is usual.
        """
        held = [(int(self.of[place]), amount) for place, amount in seen if self.of[place] >= 0]
        if not held:
            return None
        kinds, amounts = (np.array(column) for column in zip(*held, strict=True))
        mine = self._alike[:, kinds] @ amounts.astype(np.float32)
        usual = np.float32(amounts.sum())
        values = np.append(scaled(mine, self._usual, UNSURE), scaled(usual, 1.0, UNSURE))
        return values.astype(np.float32)[self.of]

    def stands_out(self, seen: Sequence[tuple[int, float]], place: int) -> bool:
        """Whether a product's kind is more this visitor's than everybody's."""
        lift = self.lift(seen)
        held = sum(amount for one, amount in seen if self.of[one] >= 0)
        if lift is None or self.of[place] < 0:
            return False
        return float(lift[place]) > float(scaled(np.float32(held), 1.0, UNSURE))


def scaled(mine: Floats | np.float32, usual: Floats | float, unsure: float) -> Floats:
    return cast(Floats, np.log1p(mine / (np.float32(unsure) * usual)) / np.float32(_SCALE))


def by_price(catalogue: Catalogue, shares: Floats) -> Kinds | None:
    """None where no product says what it costs."""
    said = np.isfinite(catalogue.prices)
    if not said.any():
        return None
    logs = np.log(catalogue.prices[said])
    ends = np.linspace(float(logs.min()), float(logs.max()) + 1e-6, _PRICES + 1)
    of = np.full(len(catalogue), -1, np.int32)
    of[said] = np.clip(np.searchsorted(ends, logs, "right") - 1, 0, _PRICES - 1)
    middles = (ends[:-1] + ends[1:]) / 2
    apart = (middles[:, None] - middles[None]) / _PRICE_NEAR
    return Kinds(of, np.exp(-(apart**2) / 2).astype(np.float32), shares)


def by_span(span: Span, shares: Floats) -> Kinds | None:
    """Spans are alike by what they share of what both cover. None where nothing is said."""
    said = np.isfinite(span.low) & np.isfinite(span.high)
    if not said.any():
        return None
    low, lows = _stepped(span.low[said])
    high, highs = _stepped(np.minimum(span.high[said], _far(span.high[said])))
    of = np.full(len(said), -1, np.int32)
    of[said] = low * len(highs) + high
    first, last = np.repeat(lows, len(highs)), np.tile(highs, len(lows))
    last = np.maximum(first, last)
    shared = np.minimum(last[:, None], last[None]) - np.maximum(first[:, None], first[None]) + 1
    covered = np.maximum(last[:, None], last[None]) - np.minimum(first[:, None], first[None]) + 1
    return Kinds(of, (np.clip(shared, 0, None) / covered).astype(np.float32), shares)


def _far(highs: Floats) -> np.float32:
    """'To 99' means without an end: as far as the furthest that most products say, and a half."""
    return np.float32(np.quantile(highs, 0.75) * 1.5)


def _stepped(ends: Floats) -> tuple[Places, NDArray[np.float64]]:
    """Of each end its step, and what each step stands for."""
    values = np.unique(ends)
    if len(values) > _ENDS:
        values = np.unique(np.quantile(ends, np.linspace(0, 1, _ENDS)))
    between = (values[1:] + values[:-1]) / 2
    return np.searchsorted(between, ends).astype(np.int32), values.astype(np.float64)
