"""footfall report picks: cases hold nothing of their own answer, and figures are what they say."""

from __future__ import annotations

import polars as pl
import pytest

from infra.reports.picks import rows_of
from infra.reports.picks_cases import Case, cases_of, rank_of
from personalize_api.picks.taste import Taste

DAY = 86_400_000
NOW = 100 * DAY


def done(*rows: tuple[int, int, str, str]) -> pl.DataFrame:
    """(person, day, product, what)."""
    told = [
        (person, day * DAY, product, "toys", "Search", what) for person, day, product, what in rows
    ]
    names = ("person", "at", "product", "category", "source", "what")
    types = dict(zip(names, (pl.UInt64, pl.Int64, *[pl.String] * 4), strict=True))
    return pl.DataFrame(told, schema=types, orient="row")


def test_a_case_knows_what_was_before_and_nothing_of_what_comes() -> None:
    first, second = cases_of(
        done(
            (1, 1, "a", "look"),
            (1, 3, "b", "add"),
            (1, 4, "c", "order"),
            (1, 6, "d", "look"),
            (1, 7, "a", "look"),
            (1, 8, "c", "look"),
            (1, 9, "e", "look"),
            (2, 2, "z", "look"),
        ),
        5 * DAY,
    )
    assert (first.found, first.known) == ("d", 2)
    assert [product for product, _ in first.taste.seen] == ["b", "a"]
    assert first.taste.owned == {"c"}
    assert 0.5 < dict(first.taste.interests)["toys"] < 1, "four looks' worth are not all"
    assert (second.found, second.known) == ("e", 4), "what was seen or is owned is no case"
    assert "e" not in dict(second.taste.seen)


def test_a_case_has_the_profile_that_was_told_before_it() -> None:
    told = '{"age": 6, "likes": ["trains"]}'
    before, after = cases_of(
        done((1, 6, "a", "look"), (1, 7, told, "profile"), (1, 8, "b", "look")), 5 * DAY
    )
    assert before.taste.attributes == {}
    assert after.taste.attributes == {"age": 6, "likes": ("trains",)}


def case(person: int, found: str, known: int = 0) -> Case:
    return Case(person, found, Taste(), known)


def test_figures_are_hits_among_the_first_ten_and_mean_reciprocal_ranks() -> None:
    ranked = [f"p{n}" for n in range(1, 40)]
    cases = [case(1, "p1"), case(2, "p4"), case(3, "p11"), case(4, "unknown")]
    assert [rank_of(lambda _: ranked, each) for each in cases] == [1, 4, 11, 0]
    rows = rows_of(cases, {"popular": lambda _: ranked, "picks": lambda each: [each.found]})
    assert rows[0][:4] == ("everybody", "popular", 4, 0.5)
    assert rows[0][6] == pytest.approx((1 + 1 / 4 + 1 / 11) / 4, abs=1e-4)
    assert rows[0][7:] == (0, 0, 0)
    assert rows[1][:4] == ("everybody", "picks", 4, 1.0)
    assert rows[1][7] == pytest.approx(1 - float(str(rows[0][6])), abs=1e-4)
    assert {row[0] for row in rows} == {"everybody", "nothing known"}


def test_an_interval_is_wide_where_few_persons_made_all_cases() -> None:
    one = [case(n % 2, "p1" if n % 2 else "p9") for n in range(200)]
    many = [case(n, "p1" if n % 2 else "p9") for n in range(200)]
    ranking = {"popular": lambda _: ["p1"]}
    (few, *_), (wide, *_) = rows_of(one, ranking), rows_of(many, ranking)
    assert (few[4], few[5]) == (0, 1)
    assert 0.4 < float(str(wide[4])) < 0.5 < float(str(wide[5])) < 0.6
