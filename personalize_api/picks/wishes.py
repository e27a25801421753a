"""What a profile says somebody wants, in the catalogue's own words."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
import numpy as np
from numpy.typing import NDArray

from schemas.catalogue import Catalogue, Floats, token_of
from schemas.profiles import AttributeValue, Scalar

MOST_TOKENS = 24  # of a taste: what says most
_SAME_VALUE = 4  # attributes of other names with the same value
_NARROW = 6.0  # years, or what the number counts, in which a span fits half as well


class Wishes(msgspec.Struct, frozen=True):
    """`said`: of each wanted token by which attribute of the profile it is wanted."""

    wanted: dict[int, float]
    said: dict[int, tuple[str, str]]
    numbers: dict[str, float]  # of spans: age -> 6


def wishes_of(catalogue: Catalogue, attributes: Mapping[str, AttributeValue]) -> Wishes:
    """An attribute's text is wanted under its own name or, as `likes: trains`, under any.

    Names that begin with `dislike` say what is not wanted. What no product has is no wish.
    """
    wanted: dict[int, float] = {}
    said: dict[int, tuple[str, str]] = {}
    numbers: dict[str, float] = {}
    for name, value in attributes.items():
        amount = -1.0 if name.startswith("dislike") else 1.0
        for one in value if isinstance(value, tuple) else (value,):
            if name in catalogue.spans and (number := number_of(one)) is not None:
                numbers[name] = number
                continue
            for token in _tokens(catalogue, name, one):
                wanted[token] = amount
                said[token] = name, str(one)
    return Wishes(catalogue.strongest(wanted, MOST_TOKENS), said, numbers)


def _tokens(catalogue: Catalogue, name: str, value: Scalar) -> tuple[int, ...]:
    text = str(value).lower() if isinstance(value, bool) else str(value).strip()
    own = catalogue.token.get(token_of(name, text))
    if own is not None:
        return (own,)
    if isinstance(value, str) and not text.isdigit():
        return catalogue.by_value.get(text.casefold(), ())[:_SAME_VALUE]
    return ()


def number_of(value: Scalar) -> float | None:
    if isinstance(value, bool):
        return None
    try:
        return float(value)
    except ValueError:
        return None


def fits(catalogue: Catalogue, numbers: Mapping[str, float]) -> tuple[Floats, NDArray[np.bool_]]:
    """How closely each product is made for these numbers, 0 to 1, and which are not for them.

    What is for ages 5 to 7 fits a child of 6 better than what is for everybody.
    """
    closeness = np.zeros(len(catalogue), np.float32)
    outside = np.zeros(len(catalogue), np.bool_)
    for name, number in numbers.items():
        span = catalogue.spans[name]
        outside |= (span.low > number) | (span.high < number)
        width = span.high - span.low
        near = np.nan_to_num(1 / (1 + width / np.float32(_NARROW)), nan=0.0)
        closeness = np.maximum(closeness, near)
    return closeness, outside
