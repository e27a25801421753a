"""Pairs are counted by group sizes, and give what counting every pair gives."""

from __future__ import annotations

from itertools import combinations

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from infra.reports.agreement import Agreement, agreement

labels = st.sampled_from(["", "a", "b", "c"])


def judged(rows: list[tuple[str, str]]) -> Agreement:
    schema = {"found": pl.String, "expected": pl.String}
    return agreement(pl.DataFrame(rows, schema=schema, orient="row"), "found", "expected")


@given(st.lists(st.tuples(labels, labels), max_size=30))
def test_it_counts_the_pairs_that_enumerating_them_counts(rows: list[tuple[str, str]]) -> None:
    pairs = list(combinations(rows, 2))
    found = [one[0] == other[0] != "" for one, other in pairs]
    expected = [one[1] == other[1] != "" for one, other in pairs]
    assert judged(rows) == Agreement(
        pairs_found=sum(found),
        pairs_expected=sum(expected),
        pairs_both=sum(map(all, zip(found, expected, strict=True))),
    )


def test_a_fused_family_costs_precision_and_a_split_person_recall() -> None:
    fused = judged([("p", "ann")] * 3 + [("p", "bob")] * 2)
    assert (fused.precision, fused.recall) == (4 / 10, 1)
    split = judged([("p", "ann")] * 3 + [("q", "ann")] * 2)
    assert (split.precision, split.recall) == (1, 4 / 10)


def test_names_do_not_matter_only_who_is_with_whom() -> None:
    assert judged([("x", "ann"), ("x", "ann"), ("y", "bob")]).exact
    assert not judged([("x", "ann"), ("y", "ann"), ("y", "bob")]).exact


def test_without_pairs_there_is_no_rate() -> None:
    alone = judged([("", "ann"), ("p", "bob")])
    assert (alone.precision, alone.recall) == (None, None)


def test_a_million_events_of_one_person_do_not_overflow() -> None:
    many = pl.DataFrame({"found": ["p"], "expected": ["ann"]}).select(
        pl.all().repeat_by(1_000_000).explode()
    )
    assert agreement(many, "found", "expected").pairs_both == 1_000_000 * 999_999 // 2
