"""Sessions as a function of the set of events: equal to batch, in any order."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.sessions import Mark, Run, add_event, add_newest, session_start_of, session_starts

GAP = 30
Seen = tuple[int, str]  # time and external source


def batch_starts(events: list[Seen]) -> dict[int, int]:
    """Each event time's session start, computed the ordinary way over the sorted events."""
    starts: dict[int, int] = {}
    previous: int | None = None
    start, source = 0, ""
    for time in sorted({time for time, _ in events}):
        sources = sorted({name for at, name in events if at == time and name})
        if previous is None or time - previous > GAP:
            start, source = time, sources[0] if sources else ""
        else:
            for name in sources:
                if name != source:
                    start, source = time, name
        starts[time] = start
        previous = time
    return starts


def fold(events: list[Seen]) -> tuple[tuple[Run, ...], tuple[Mark, ...]]:
    runs: tuple[Run, ...] = ()
    marks: tuple[Mark, ...] = ()
    for time, source in events:
        runs, marks = add_event(runs, marks, time, source, GAP)
    return runs, marks


def fold_in_order(
    events: list[Seen],
) -> tuple[tuple[Run, ...], tuple[Mark, ...], tuple[int, ...]]:
    runs: tuple[Run, ...] = ()
    marks: tuple[Mark, ...] = ()
    starts: tuple[int, ...] = ()
    for time, source in sorted(dict(events).items()):
        runs, marks, starts = add_newest(runs, marks, starts, time, source, GAP)
    return runs, marks, starts


histories = st.lists(
    st.tuples(st.integers(0, 300), st.sampled_from(["", "", "", "A", "B"])),
    min_size=1,
    max_size=14,
)


@settings(max_examples=1000)
@given(histories, st.data())
def test_equal_to_batch_in_any_order_with_repetition(
    events: list[Seen], data: st.DataObject
) -> None:
    again = data.draw(st.lists(st.sampled_from(events), max_size=3))
    arrival = data.draw(st.permutations(events + again))
    runs, marks = fold(arrival)
    starts = session_starts(runs, marks)
    assert {time: session_start_of(starts, time) for time, _ in events} == batch_starts(events)
    assert (runs, marks) == fold(sorted(events))


@given(histories, st.lists(st.integers(0, 300), max_size=3))
def test_a_cut_inside_a_run_starts_a_session_exactly_there(
    events: list[Seen], cuts: list[int]
) -> None:
    runs, marks = fold(events)
    inside = {cut for cut in cuts if any(first < cut <= last for first, last in runs)}
    starts = set(session_starts(runs, marks))
    assert set(session_starts(runs, marks, cuts)) == starts | inside


def test_neighbours_exactly_the_gap_apart_are_one_run() -> None:
    assert fold([(0, ""), (GAP, "")])[0] == ((0, GAP),)
    assert fold([(0, ""), (GAP + 1, "")])[0] == ((0, 0), (GAP + 1, GAP + 1))
    assert fold([(0, ""), (2 * GAP, ""), (GAP, "")])[0] == ((0, 2 * GAP),)


def test_a_campaign_in_the_middle_cuts_and_the_same_campaign_again_does_not() -> None:
    runs, marks = fold([(0, ""), (10, "campaign:a"), (20, "campaign:a"), (25, "campaign:b")])
    assert session_starts(runs, marks) == [0, 10, 25]


def test_before_the_first_session_there_is_none() -> None:
    with pytest.raises(ValueError, match="no session has begun at 4"):
        session_start_of([5], 4)


@settings(max_examples=500)
@given(histories, st.sampled_from(["", "A", "B"]))
def test_the_newest_event_needs_only_the_end(events: list[Seen], source: str) -> None:
    runs, marks = fold(events)
    starts = tuple(session_starts(runs, marks))
    for newest in (runs[-1][1] + 1, runs[-1][1] + GAP, runs[-1][1] + GAP + 1):
        wanted = add_event(runs, marks, newest, source, GAP)
        found = add_newest(runs, marks, starts, newest, source, GAP)
        assert found == (*wanted, tuple(session_starts(*wanted)))


@given(histories)
def test_in_order_the_end_is_all_there_is(events: list[Seen]) -> None:
    runs, marks, starts = fold_in_order(events)
    assert (runs, marks) == fold(list(dict(events).items()))
    assert starts == tuple(session_starts(runs, marks))
