"""Precision and recall by the kind of evidence, against counting pairs one by one."""

from __future__ import annotations

from itertools import combinations

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from infra.reports.evidence import DETERMINISTIC, LOG, Evidences, evidences

COLUMNS = ("evidence", "person", "found_person", "session", "entailed_person")
kinds = st.sampled_from([*DETERMINISTIC, LOG, "cookie", "misleading"])
event = st.tuples(
    kinds, st.sampled_from("ab"), st.sampled_from(["", "p", "q"]), st.sampled_from("vwxyz")
)


def judged(rows: list[tuple[str, ...]]) -> Evidences:
    full = [row + ("v", "")[len(row) - 3 :] for row in rows]
    return evidences(pl.DataFrame(full, schema=dict.fromkeys(COLUMNS, pl.String), orient="row"))


@settings(max_examples=40)
@given(st.lists(event, max_size=20))
def test_pairs_are_those_of_which_one_has_the_evidence(rows: list[tuple[str, ...]]) -> None:
    found = judged(rows)
    doubtful = {visit for kind, _, _, visit in rows if kind not in (*DETERMINISTIC, LOG)}
    told = {visit for kind, _, _, visit in rows if kind != LOG}
    rows = [row for row in rows if row[0] != LOG or row[3] in told - doubtful]
    assert {one.evidence for one in found.each} == {
        kind for kind, *_ in rows if kind in (*DETERMINISTIC, LOG)
    }
    for one in found.each:
        scope = {*DETERMINISTIC, one.evidence}
        pairs = [
            (left, right)
            for left, right in combinations(rows, 2)
            if left[0] in scope and right[0] in scope and one.evidence in (left[0], right[0])
        ]
        together = [left[2] == right[2] != "" for left, right in pairs]
        same = [left[1] == right[1] for left, right in pairs]
        assert one.agreement.pairs_found == sum(together)
        assert one.agreement.pairs_expected == sum(same)
        assert one.agreement.pairs_both == sum(map(all, zip(together, same, strict=True)))
    assert found.without == sum(row[0] in ("cookie", "misleading") for row in rows)


def test_a_line_is_joined_rightly_where_its_visit_is_the_same_person() -> None:
    found = judged(
        [
            ("login", "a", "p", "v1"),
            ("log", "a", "p", "v1", "p"),
            ("log", "a", "p", "v2", "p"),  # another visit's
            ("log", "a", "q", "v1"),
            ("log", "a", "", "v1"),
        ]
    )
    assert found.log_lines is not None
    assert (found.log_lines.lines, found.log_lines.joined, found.log_lines.entailed) == (4, 3, 2)
    assert found.log_lines.right == 1
    assert judged([("login", "a", "p")]).log_lines is None
