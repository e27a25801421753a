"""footfall report picks: cases hold nothing of their own answer, and figures are what they say."""

from __future__ import annotations

import polars as pl
import pytest

from infra.picks.cases import Case, cases_of
from infra.picks.judge import Ranking, ranks_of
from infra.picks.learn import Tried
from infra.reports.picks import rows_of
from personalize_api.picks.taste import Taste

DAY = 86_400_000
NOW = 100 * DAY


def done(*rows: tuple[int, int, str, str]) -> pl.DataFrame:
    """(person, day, product, what)."""
    told = [
        (person, day, day * DAY, product, "toys", "Search", "presents", what)
        for person, day, product, what in rows
    ]
    names = ("person", "visit", "at", "product", "category", "source", "scenario", "what")
    types = dict(zip(names, (pl.UInt64, pl.UInt64, pl.Int64, *[pl.String] * 5), strict=True))
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
    assert (first.found, first.known, first.visit) == ("d", 2, 6)
    assert (first.taste.source, first.taste.scenario) == ("Search", "presents")
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


def tried(cases: list[Case], **rankings: Ranking) -> Tried:
    return Tried(cases, {name: ranks_of(ranking, cases) for name, ranking in rankings.items()})


def case(person: int, found: str, known: int = 0) -> Case:
    return Case(person, found, Taste(), known)


def test_figures_are_hits_among_the_first_ten_and_mean_reciprocal_ranks() -> None:
    ranked = [f"p{n}" for n in range(1, 40)]
    cases = [case(1, "p1"), case(2, "p4"), case(3, "p11"), case(4, "unknown")]
    assert ranks_of(lambda _: ranked, cases).tolist() == [1, 4, 11, 0]
    rows = rows_of(tried(cases, popular=lambda _: ranked, usual=lambda each: [each.found]))
    assert rows[0][:5] == ("everybody", "popular", 4, 1, 0.5)
    assert rows[0][7] == pytest.approx((1 + 1 / 4 + 1 / 11) / 4, abs=1e-4)
    assert rows[0][10:] == (0, 0, 0, 0, 0, 0)
    assert rows[1][13] == 0.5, "so many more hits"
    assert rows[1][:5] == ("everybody", "picks, usual weights", 4, 1, 1.0)
    assert rows[1][10] == pytest.approx(1 - float(str(rows[0][7])), abs=1e-4)
    assert {row[0] for row in rows} == {"everybody", "nothing known"}


def test_an_interval_is_wide_where_few_persons_made_all_cases() -> None:
    one = [case(n % 2, "p1" if n % 2 else "p9") for n in range(200)]
    many = [case(n, "p1" if n % 2 else "p9") for n in range(200)]
    (few, *_), (wide, *_) = (rows_of(tried(each, popular=lambda _: ["p1"])) for each in (one, many))
    assert (few[5], few[6]) == (0, 1)
    assert 0.4 < float(str(wide[5])) < 0.5 < float(str(wide[6])) < 0.6
