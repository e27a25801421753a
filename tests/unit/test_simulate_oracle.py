"""What the rules entail, by hand; and the stream's own code beside it."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.simulate.oracle import Owner, Said, owner, session_starts
from infra.simulate.truth import Truth
from infra.simulate.truth_book import COLUMNS, TruthBook, UnknownFormat
from schemas.identity import DAY_MS, HOUR_MS, LOGOUT, Mark, add_mark, segment_at, timeline
from schemas.ids import person_of_device, person_of_user, session_of

MINUTE = 60_000


def login(at: int, user: str) -> Said:
    return Said(at, user)


def logout(at: int, user: str = "") -> Said:
    return Said(at, user, logs_out=True)


@pytest.mark.parametrize(
    ("said", "at", "expected"),
    [
        ([], 5, Owner()),
        ([Said(1), Said(9)], 5, Owner()),
        ([login(10, "anna")], 5, Owner("anna")),  # rule 2: before the first login
        ([login(10, "anna")], 10, Owner("anna")),
        ([login(10, "anna")], 99, Owner("anna")),
        ([login(10, "anna"), login(20, "ben")], 15, Owner("anna")),
        ([login(10, "anna"), login(20, "ben")], 20, Owner("ben")),  # rule 3: another login
        ([login(10, "anna"), logout(20)], 25, Owner("", 20)),  # rule 3: a logout
        ([login(10, "anna"), logout(20), login(30, "ben")], 25, Owner("ben")),
        ([login(10, "anna"), logout(20), logout(27), login(30, "ben")], 25, Owner("", 20)),
        ([login(10, "anna"), logout(20), logout(27), login(30, "ben")], 28, Owner("ben")),
        ([logout(20), login(30, "ben")], 10, Owner()),  # a logout comes first
        ([logout(20, "anna"), login(30, "ben")], 20, Owner()),  # its own event is not after it
        ([logout(20, "anna"), login(30, "ben")], 21, Owner("ben")),
        ([login(20, "anna"), logout(20)], 20, Owner("anna")),  # at the same moment
    ],
)
def test_the_owner_of_a_moment(said: list[Said], at: int, expected: Owner) -> None:
    assert owner(said, at) == expected
    assert owner(list(reversed(said)), at) == expected, "whatever came first"
    assert owner(said, at, "carla") == Owner("carla"), "rule 1: its own user"


marks = st.lists(
    st.tuples(st.integers(0, 3 * DAY_MS), st.sampled_from(["anna", "ben", LOGOUT])), max_size=8
)


@given(marks, st.integers(0, 3 * DAY_MS))
def test_the_stream_resolves_owners_as_the_oracle_does(
    history: list[tuple[int, str]], at: int
) -> None:
    """Where nobody logs in or out more than twice an hour: of a third the stream keeps no mark."""
    kept: list[tuple[int, str]] = []
    for time, user in sorted(set(history)):
        same = [t for t, u in kept if u == user and t // HOUR_MS == time // HOUR_MS]
        if len(same) < 2:
            kept.append((time, user))
    known: tuple[Mark, ...] = ()
    for time, user in kept:
        known = add_mark(known, user, time)
    found = segment_at(timeline(known), at)
    said = [logout(time) if user == LOGOUT else login(time, user) for time, user in kept]
    assert owner(said, at) == Owner(found.user_id, found.after_logout)


def test_a_session_ends_after_half_an_hour_and_at_another_owner() -> None:
    at = [minute * MINUTE for minute in (0, 29, 59, 90, 95, 100)]
    assert session_starts([Said(time) for time in at]) == {
        at[0]: at[0], at[1]: at[0], at[2]: at[0], at[3]: at[3], at[4]: at[3], at[5]: at[3],
    }  # fmt: skip
    said = [Said(at[3]), login(at[4], "anna"), logout(at[5])]
    assert session_starts(said) == dict.fromkeys(at[3:], at[3]), "the logout is its last event"
    after = at[5] + MINUTE
    assert session_starts([*said, Said(after)])[after] == at[5] + 1, "it begins with the logout"
    later = login(after + DAY_MS, "anna")
    assert session_starts([*said, Said(after), later])[after] == at[3], "it was her all the time"


def truth(event: str, at: int, device: str = "d1", **more: object) -> Truth:
    told = {"person": "h1", "session": "v1", "kind": "visitor", "consent": "granted"} | more
    return Truth(event, device, at, **told)  # type: ignore[arg-type]


@pytest.mark.parametrize("ending", ["csv", "ndjson", "parquet"])
def test_a_truth_file_says_what_the_rules_entail(tmp_path: Path, ending: str) -> None:
    file = tmp_path / f"truth.{ending}"
    with TruthBook() as book:
        book.add(truth("e1", 1_000))
        book.add(truth("e2", 2_000, user_id="anna"))
        book.add(truth("e3", 3_000, device="", consent="denied"))
        book.write(file)
        book.add(truth("e4", 4_000, logs_out=True))
        book.add(truth("e5", 5_000))
        book.write(file)
    reader = {"csv": pl.read_csv, "ndjson": pl.read_ndjson, "parquet": pl.read_parquet}[ending]
    table = reader(file)  # type: ignore[operator]
    assert table.columns == list(COLUMNS)
    rows = {row["event_id"]: row for row in table.fill_null("").iter_rows(named=True)}
    anna, nobody = person_of_user("anna"), person_of_device("d1", 4_000)
    entailed = [rows[f"e{n}"]["entailed_person"] for n in (1, 2, 3, 4, 5)]
    assert entailed == [anna, anna, "", anna, nobody]
    assert rows["e1"]["entailed_session"] == session_of("d1", 1_000)
    assert rows["e4"]["entailed_session"] == session_of("d1", 1_000)
    assert rows["e5"]["entailed_session"] == session_of("d1", 4_001)
    assert rows["e3"]["entailed_session"] == ""
    assert rows["e5"]["event_time"] == "1970-01-01T00:00:05.000Z"


def test_a_truth_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    with TruthBook() as book, pytest.raises(UnknownFormat, match=r"\.csv, \.ndjson, \.parquet"):
        book.write(tmp_path / "truth.txt")
