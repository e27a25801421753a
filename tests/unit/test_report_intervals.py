"""Intervals against the values their authors published, and against what defines them."""

from __future__ import annotations

from math import sqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.reports.intervals import Interval, newcombe, verdict, wilson

Z = 1.959963984540054


# Newcombe, Statistics in Medicine 17 (1998), 857-872, table I, method 3.
@pytest.mark.parametrize(
    ("successes", "n", "low", "high"),
    [
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0000, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_gives_the_published_values(successes: int, n: int, low: float, high: float) -> None:
    assert wilson(successes, n) == pytest.approx((low, high), abs=0.00005)


# Newcombe, Statistics in Medicine 17 (1998), 873-890, table II, method 10.
@pytest.mark.parametrize(
    ("first", "base", "low", "high"),
    [
        ((56, 70), (48, 80), 0.0524, 0.3339),
        ((9, 10), (3, 10), 0.1705, 0.8090),
        ((6, 7), (2, 7), 0.0582, 0.8062),
        ((5, 56), (0, 29), -0.0381, 0.1926),
        ((0, 10), (0, 20), -0.1611, 0.2775),
        ((0, 10), (0, 10), -0.2775, 0.2775),
        ((10, 10), (0, 20), 0.6791, 1.0000),
        ((10, 10), (0, 10), 0.6075, 1.0000),
    ],
)
def test_newcombe_gives_the_published_values(
    first: tuple[int, int], base: tuple[int, int], low: float, high: float
) -> None:
    assert newcombe(*first, *base) == pytest.approx((low, high), abs=0.00005)


@given(st.integers(1, 100_000), st.data())
def test_wilson_ends_where_the_score_test_no_longer_rejects(n: int, data: st.DataObject) -> None:
    successes = data.draw(st.integers(0, n))
    rate, (low, high) = successes / n, wilson(successes, n)
    assert 0 <= low <= rate <= high <= 1
    for end in (low, high):
        if 0 < end < 1:
            assert abs(rate - end) == pytest.approx(Z * sqrt(end * (1 - end) / n), rel=1e-6)


counts = st.integers(0, 2000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@given(counts, counts)
def test_newcombe_the_other_way_round_is_its_mirror(
    first: tuple[int, int], base: tuple[int, int]
) -> None:
    low, high = newcombe(*first, *base)
    assert newcombe(*base, *first) == pytest.approx((-high, -low))
    assert -1 <= low <= high <= 1


def test_no_trials_tell_nothing() -> None:
    assert wilson(0, 0) == (0, 1)
    assert newcombe(0, 0, 0, 0) == (-1, 1)


@pytest.mark.parametrize(("successes", "n"), [(3, 2), (-1, 2), (0, -1)])
def test_impossible_counts_are_errors(successes: int, n: int) -> None:
    with pytest.raises(ValueError, match="successes of"):
        wilson(successes, n)


def test_below_thirty_on_either_side_there_is_no_verdict() -> None:
    clear = Interval(0.5, 0.9)
    assert verdict(clear, 29, 1000) == "too few"
    assert verdict(clear, 1000, 29) == "too few"
    assert verdict(clear, 30, 30) == "higher"


def test_a_verdict_needs_an_interval_without_zero() -> None:
    assert verdict(Interval(-0.2, -0.1), 100, 100) == "lower"
    assert verdict(Interval(-0.1, 0.1), 100, 100) == "no difference seen"
    assert verdict(Interval(0.0, 0.1), 100, 100) == "no difference seen"
