"""Whose a device is at any time: a function of the set of its login marks."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from schemas.device_state import DeviceState
from schemas.identity import (
    DAY_MS,
    HOUR_MS,
    LOGOUT,
    OVER,
    Mark,
    add_mark,
    segment_at,
    segments_of,
    timeline,
)

Login = tuple[int, str]
NOTHING = DeviceState(first_seen=0, last_seen=0)
HOUR = HOUR_MS

logins = st.lists(
    st.tuples(st.integers(0, 3 * DAY_MS), st.sampled_from(["anna", "ben", "cleo", LOGOUT])),
    max_size=10,
)


def marks_of(history: list[Login]) -> tuple[Mark, ...]:
    marks: tuple[Mark, ...] = ()
    for at, user in history:
        marks = add_mark(marks, user, at)
    return marks


def owner(history: list[Login], at: int) -> str:
    return segment_at(timeline(marks_of(history)), at).user_id


def oracle(history: list[Login], at: int) -> tuple[str, int]:
    """(user, logout) straight from the rule, over each hour's first and last mark of a user."""
    hours: dict[tuple[int, str], list[int]] = {}
    for time, user in history:
        hours.setdefault((time // HOUR_MS, user), []).append(time)
    points = sorted(
        {(f(times) + (not user), user) for (_, user), times in hours.items() for f in (min, max)}
    )
    past = [point for point in points if point[0] <= at]
    if past and past[-1][1] != LOGOUT:
        return past[-1][1], 0
    coming = [point for point in points if point[0] > at]
    if coming and coming[0][1] != LOGOUT:
        return coming[0][1], 0
    return "", past[-1][0] - 1 if past else 0


def test_a_device_without_login_is_one_anonymous_person() -> None:
    assert timeline(()) == segments_of("cookie", NOTHING)
    assert owner([], 5) == ""


def test_pages_before_the_first_login_belong_to_it() -> None:
    assert owner([(10 * HOUR, "anna")], 0) == "anna"


def test_after_another_login_later_events_belong_to_the_later_person() -> None:
    history = [(1 * HOUR, "anna"), (5 * HOUR, "ben")]
    assert [owner(history, hour * HOUR) for hour in (0, 3, 5, 9)] == ["anna", "anna", "ben", "ben"]


def test_after_a_logout_events_wait_for_the_next_login() -> None:
    history = [(1 * HOUR, "anna"), (2 * HOUR, LOGOUT), (4 * HOUR, "ben")]
    assert [owner(history, hour * HOUR) for hour in (1, 3, 5)] == ["anna", "ben", "ben"]


def test_a_logout_itself_belongs_to_whom_it_logs_out() -> None:
    history = [(1 * HOUR, "anna"), (2 * HOUR, LOGOUT), (4 * HOUR, "ben")]
    assert [owner(history, 2 * HOUR + ms) for ms in (0, 1)] == ["anna", "ben"]


def test_after_the_last_logout_nobody_is_logged_in() -> None:
    segments = timeline(marks_of([(1 * HOUR, "anna"), (2 * HOUR, LOGOUT)]))
    last = segment_at(segments, 3 * HOUR)
    assert (last.user_id, last.after_logout) == ("", 2 * HOUR)
    assert last.person("d") != segment_at(timeline(()), 0).person("d")


def test_whoever_logs_in_and_out_three_times_a_day_is_known_each_time() -> None:
    history = [
        (hour * HOUR + at, who) for hour in (9, 13, 17) for at, who in ((1, "anna"), (2, ""))
    ]
    assert [owner(history, hour * HOUR + 1) for hour in (9, 13, 17)] == ["anna"] * 3
    assert owner([*history, (14 * HOUR, "ben")], 13 * HOUR + 3) == "ben"


def test_a_day_with_more_than_five_users_applies_no_timeline() -> None:
    shared = [(hour * HOUR, f"user{hour}") for hour in range(6)]
    assert owner(shared, 3 * HOUR) == ""
    assert marks_of(shared)[0][0] == OVER
    assert owner([*shared, (DAY_MS + HOUR, "anna")], 2 * DAY_MS) == "anna"


def test_a_server_event_without_device_belongs_to_its_user() -> None:
    assert [s.user_id for s in segments_of("user:anna", NOTHING)] == ["anna"]


@given(logins, st.randoms(use_true_random=False))
def test_order_and_repetition_do_not_matter(history: list[Login], random: object) -> None:
    again = history + history[:3]
    random.shuffle(again)  # type: ignore[attr-defined]
    assert marks_of(again) == marks_of(history)


@given(logins, st.integers(-1, 3 * DAY_MS + 1))
def test_the_owner_is_what_the_rule_says(history: list[Login], at: int) -> None:
    segment = segment_at(timeline(marks_of(history)), max(at, 0))
    assert (segment.user_id, segment.after_logout) == oracle(history, max(at, 0))
