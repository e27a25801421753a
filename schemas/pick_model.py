"""What the crowd did, as picks use it: written by `sinks.redis`, read by `personalize_api`.

One generation is one `Trained`, in parts under one key; a pointer names the generation that counts.
It names no person, and nothing that fewer than MIN_PERSONS different persons did.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec
import numpy as np
from numpy.typing import NDArray

MIN_PERSONS = 2
MOST_RELATED = 50  # to a product
STEPS = 255  # in which scores from 0 to 1 are kept
PART_BYTES = 256 * 1024  # more at once would hold Redis up for others
PARTS = b"parts"
"""The field that says how many fields '0', '1', ... hold the generation."""

Places = NDArray[np.int32]
Scores = NDArray[np.float32]


class Related(msgspec.Struct, frozen=True, array_like=True):
    """To each product others, the most related first; packed arrays (int32, int32, uint8)."""

    starts: bytes = b""  # one more than products
    others: bytes = b""
    scores: bytes = b""

    @classmethod
    def of(cls, starts: Places, others: Places, scores: Scores) -> Related:
        return cls(starts.astype("<i4").tobytes(), others.astype("<i4").tobytes(), _pack(scores))

    def unpack(self) -> tuple[Places, Places, Scores]:
        """Raises ValueError for what `of` did not write."""
        starts, others = np.frombuffer(self.starts, "<i4"), np.frombuffer(self.others, "<i4")
        scores = _unpack(self.scores)
        if len(starts) and (starts[0] or starts[-1] != len(others) or len(others) != len(scores)):
            raise ValueError("related products do not fit together")
        return starts, others, scores


class Popular(msgspec.Struct, frozen=True, array_like=True):
    """Places of products and how popular they are, 0 to 1, the most popular first."""

    places: bytes = b""  # int32
    scores: bytes = b""  # uint8

    @classmethod
    def of(cls, places: Places, scores: Scores) -> Popular:
        return cls(places.astype("<i4").tobytes(), _pack(scores))

    def unpack(self) -> tuple[Places, Scores]:
        """Raises ValueError."""
        places, scores = np.frombuffer(self.places, "<i4"), _unpack(self.scores)
        if len(places) != len(scores):
            raise ValueError("popular products do not fit together")
        return places, scores


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    """How well a ranking found what visitors looked at next; intervals are 95 %, of persons.

    `gain`: in mean reciprocal rank, `hit_gain`: in hit rate, against what is popular.
    """

    hit_rate: float  # among the first ten
    hit_low: float
    hit_high: float
    mrr: float
    mrr_low: float
    mrr_high: float
    gain: float
    gain_low: float
    gain_high: float
    hit_gain: float
    hit_gain_low: float
    hit_gain_high: float


class Weighed(msgspec.Struct, frozen=True, kw_only=True):
    """How much each part of a pick's score counts on this site, and what speaks for it.

    `adopted`: on visits later than those they were learned from, the weights were better than the
    usual ones; else they are not used. Times are ms.
    """

    weights: dict[str, float]  # of every part, see `personalize_api.picks.scores`
    adopted: bool
    why: str  # a sentence
    learned_at: int
    persons: int  # of the generation for which they were learned
    learned_cases: int = 0
    judged_cases: int = 0
    judged_visits: int = 0
    judged_since: int = 0
    judged_until: int = 0
    measured: dict[str, Measured] = {}  # by ranking: popular, usual, learned
    better: float = 0.0  # mean gain of learned against usual
    better_low: float = 0.0
    better_high: float = 0.0


class Trained(msgspec.Struct, frozen=True, kw_only=True):
    """A generation. `titles` and `categories` are what events said, for sites without catalogue."""

    trained_at: int  # ms
    since: int  # ms: what happened before is left out
    persons: int  # of whom something is in it
    products: list[str]  # ids
    titles: list[str]
    categories: list[str]
    viewed: Related  # looked at in one visit
    bought: Related  # bought by one person
    popular: Popular
    by_source: dict[str, Popular]  # see `source_key`
    by_scenario: dict[str, Popular]
    next: Related = Related()  # looked at after it, in one visit
    weighed: Weighed | None = None  # None: nothing was learned yet


def source_key(medium: str, source: str) -> str:
    """Under which a visit's products are popular: where it came from."""
    return source or f"({medium})"


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Trained).decode


def parts_of(trained: Trained) -> Iterator[tuple[bytes, bytes]]:
    """(field, value) of the key of a generation."""
    blob = _encode(trained)
    starts = range(0, len(blob), PART_BYTES)
    for number, start in enumerate(starts):
        yield str(number).encode(), blob[start : start + PART_BYTES]
    yield PARTS, str(len(starts)).encode()


def trained_from(parts: Mapping[bytes, bytes]) -> Trained:
    """Raises ValueError (msgspec's errors among them) for what is no whole generation."""
    try:
        count = int(parts[PARTS])
        return _decode(b"".join(parts[str(number).encode()] for number in range(count)))
    except KeyError as error:
        raise ValueError(f"part {error} of the generation is missing") from error


def _pack(scores: Scores) -> bytes:
    return np.rint(np.clip(scores, 0, 1) * STEPS).astype(np.uint8).tobytes()


def _unpack(scores: bytes) -> Scores:
    return np.frombuffer(scores, np.uint8).astype(np.float32) / np.float32(STEPS)
