"""The catalogue: what may be picked, as arrays by which thousands of products are scored at once.

Immutable; `schemas.catalogue_file` reads it. Products are sorted by id and known by their place.
An attribute is `name=value` with a weight from 0 to 1; a token is its number. Category, maker and
kind are attributes of weight 1 too. Weights are kept in 255 steps, so that 50,000 products with 300
attributes each take about 200 MB.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Places = NDArray[np.int32]
Steps = NDArray[np.uint8]

Wanted = Mapping[int, float]
"""How much of which attribute (token) is wanted."""

STEPS = 255
_OFTEN = 3  # an attribute of more than one product in so many is kept as a whole row


class Product(msgspec.Struct, frozen=True, kw_only=True):
    """What a product says of itself besides attributes; text that is not said is ''."""

    id: str
    title: str
    category: str = ""
    maker: str = ""


class Sparse(msgspec.Struct, frozen=True):
    """Rows of (column, weight): those of row n stand from `starts[n]` to `starts[n + 1]`."""

    starts: NDArray[np.int64]
    columns: Places
    weights: Steps

    def row(self, number: int) -> tuple[Places, Steps]:
        part = slice(self.starts[number], self.starts[number + 1])
        return self.columns[part], self.weights[part]

    @classmethod
    def of(cls, rows: Places, columns: Places, weights: Steps, count: int) -> Sparse:
        """`rows` in any order; `count`: how many rows there are."""
        order = np.argsort(rows, kind="stable")
        starts = np.zeros(count + 1, np.int64)
        np.cumsum(np.bincount(rows, minlength=count), out=starts[1:])
        return cls(starts, columns[order], weights[order])


class Span(msgspec.Struct, frozen=True):
    """For whom each product is by one number, as `age_from` and `age_to` say; NaN: not said."""

    low: Floats
    high: Floats


class Catalogue:
    """`tokens`: each attribute as 'name=value'. `attributes`: rows are products, columns tokens."""

    def __init__(
        self,
        products: Sequence[Product],
        tokens: Sequence[str],
        attributes: Sparse,
        *,
        available: NDArray[np.bool_] | None = None,
        added_ms: NDArray[np.int64] | None = None,
        spans: Mapping[str, Span] | None = None,
        prices: Floats | None = None,
    ) -> None:
        count = len(products)
        self.products = tuple(products)
        self.tokens = tuple(tokens)
        self.attributes = attributes
        self.available = np.ones(count, np.bool_) if available is None else available
        self.added_ms = np.zeros(count, np.int64) if added_ms is None else added_ms  # 0: not said
        self.spans = dict(spans or {})
        self.prices = (
            np.full(count, np.nan, np.float32) if prices is None else prices
        )  # NaN: not said
        self.place = {product.id: at for at, product in enumerate(self.products)}
        self.token = {token: at for at, token in enumerate(self.tokens)}
        self.by_value = _by_value(self.tokens)
        self.categories = _numbered(each.category for each in self.products)
        self.makers = _numbered(each.maker for each in self.products)
        self.rarity = _rarity(attributes, count, len(self.tokens))
        self._lengths = _lengths(attributes, self.rarity)
        self._often, self._seldom = _turned(attributes, count, len(self.tokens))

    def __len__(self) -> int:
        return len(self.products)

    def likeness(self, wanted: Wanted) -> Floats:
        """How alike each product is to what is wanted: a cosine, -1 to 1.

        Here and below rare attributes say more than frequent ones.
        """
        return self._dot(wanted) / (self._lengths * np.float32(self._length(wanted)))

    def coverage(self, wanted: Wanted) -> Floats:
        """How much of what is wanted each product has, whatever else it has: at most 1.

        What is wanted by less than 0 is taken off.
        """
        return self._dot(wanted) / np.float32(self._length(_liked(wanted)) ** 2)

    def shared(self, place: int, wanted: Wanted) -> dict[int, float]:
        """What each wanted attribute gives to the coverage of one product."""
        columns, weights = self.attributes.row(place)
        scale = STEPS * self._length(_liked(wanted)) ** 2
        return {
            token: wanted[token] * float(self.rarity[token]) ** 2 * weight / scale
            for token, weight in zip(columns.tolist(), weights.tolist(), strict=True)
            if token in wanted
        }

    def mixture(self, places: Sequence[int], amounts: Sequence[float], most: int) -> Wanted:
        """Of products so much each: their attributes, each product's together of length 1.

        Only those that say most.
        """
        rows = [self.attributes.row(place) for place in places]
        if not rows:
            return {}
        columns = np.concatenate([row[0] for row in rows])
        shares = np.concatenate(
            [
                row[1] * np.float32(amount / (STEPS * float(self._lengths[place])))
                for row, amount, place in zip(rows, amounts, places, strict=True)
            ]
        )
        tokens, at = np.unique(columns, return_inverse=True)
        said = np.bincount(at, shares, len(tokens)).astype(np.float32)
        first = np.argsort(-said * self.rarity[tokens], kind="stable")[:most]
        return dict(zip(tokens[first].tolist(), said[first].tolist(), strict=True))

    def alike(self, place: int, others: Sequence[int]) -> list[float]:
        """How alike one product is to each of others, 0 to 1."""
        columns, weights = self.attributes.row(place)
        mine = np.zeros(len(self.tokens), np.float32)
        mine[columns] = weights * self.rarity[columns] ** 2
        found = []
        for other in others:
            tokens, theirs = self.attributes.row(other)
            length = STEPS * STEPS * float(self._lengths[place]) * float(self._lengths[other])
            found.append(float(mine[tokens] @ theirs.astype(np.float32)) / length)
        return found

    def strongest(self, wanted: Wanted, most: int) -> dict[int, float]:
        """The wanted attributes that say most."""
        if len(wanted) <= most:
            return dict(wanted)
        said = sorted(wanted, key=lambda token: (-abs(wanted[token]) * self.rarity[token], token))
        return {token: wanted[token] for token in said[:most]}

    def _length(self, wanted: Wanted) -> float:
        squares = sum((amount * float(self.rarity[t])) ** 2 for t, amount in wanted.items())
        return float(max(squares**0.5, 1e-6))

    def _dot(self, wanted: Wanted) -> Floats:
        scores = np.zeros(len(self), np.float32)
        for token, amount in wanted.items():
            scale = np.float32(amount * float(self.rarity[token]) ** 2 / STEPS)
            if (row := self._often.get(token)) is not None:
                scores += row * scale
            else:
                places, weights = self._seldom.row(token)
                scores[places] += weights * scale
        return scores


def _liked(wanted: Wanted) -> Wanted:
    """What is wanted by more than 0, all where nothing is."""
    return {token: amount for token, amount in wanted.items() if amount > 0} or wanted


def token_of(name: str, value: str) -> str:
    return f"{name}={value}"


def said_by(token: str) -> tuple[str, str]:
    """The name and the value of an attribute."""
    name, _, value = token.partition("=")
    return name, value


def _by_value(tokens: Sequence[str]) -> dict[str, tuple[int, ...]]:
    """Value in lower case -> the tokens that have it, whatever their names."""
    found: dict[str, list[int]] = {}
    for at, token in enumerate(tokens):
        found.setdefault(said_by(token)[1].casefold(), []).append(at)
    return {value: tuple(places) for value, places in found.items()}


def _numbered(texts: Iterable[str]) -> Places:
    """A number for each different text, -1 for ''."""
    numbers: dict[str, int] = {"": -1}
    return np.array([numbers.setdefault(text, len(numbers)) for text in texts], np.int32)


def _rarity(attributes: Sparse, products: int, tokens: int) -> Floats:
    """Of each token: the less products have it, the more it says (inverse document frequency)."""
    count = np.bincount(attributes.columns, minlength=tokens)
    return np.log1p(products / np.maximum(count, 1)).astype(np.float32)


def _lengths(attributes: Sparse, rarity: Floats) -> Floats:
    """Of each product's attributes by rarity."""
    squares = attributes.weights.astype(np.float32)
    squares *= rarity[attributes.columns]
    squares *= squares
    starts = attributes.starts
    sums = np.add.reduceat(np.append(squares, np.float32(0)), starts[:-1])
    sums[starts[1:] == starts[:-1]] = 0
    return np.maximum(np.sqrt(sums) / STEPS, 1e-6).astype(np.float32)


def _turned(attributes: Sparse, products: int, tokens: int) -> tuple[dict[int, Steps], Sparse]:
    """By token the products that have it: a whole row of all products where many do."""
    places = np.repeat(np.arange(products, dtype=np.int32), np.diff(attributes.starts))
    turned = Sparse.of(attributes.columns, places, attributes.weights, tokens)
    often: dict[int, Steps] = {}
    for token in np.flatnonzero(np.diff(turned.starts) * _OFTEN > products).tolist():
        row = often[token] = np.zeros(products, np.uint8)
        columns, weights = turned.row(token)
        row[columns] = weights
    return often, turned
