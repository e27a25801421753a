"""An account with children, and what it did before Footfall came, on the whole stack."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.processes import await_true
from tests.stack import CHROME, Stack, stack

LAST_WEEK = datetime.now(UTC) - timedelta(days=7)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Stack:  # type: ignore[misc]
    directory = tmp_path_factory.mktemp("family")
    with stack(directory / "state", directory / "up.log") as running:
        yield running


def message(kind: str, minute: int, who: dict[str, str], **more: Any) -> dict[str, Any]:
    """One of last week's events, so many minutes after its first."""
    at = LAST_WEEK + timedelta(minutes=minute)
    page = {"url": f"https://toyhouse.example/p/{minute}"}
    context = {"page": page, "userAgent": CHROME, **more.pop("context", {})}
    return {"type": kind, "timestamp": at.isoformat(), "context": context, **who, **more}


def test_a_child_that_a_server_told_of_decides_the_homepage(running: Stack) -> None:
    running.segment(
        "identify",
        userId="ada",
        context={"profile_id": "mia"},
        traits={"age": 7, "interests": ["trains", "puzzles"], "school": {"name": "left out"}},
    )
    running.segment("identify", userId="ada", traits={"newsletter": True})

    def shown() -> bool:
        asked = running.homepage(user_id="ada", profile_id="mia", consent="granted")
        return (asked["variant"], asked["scenario"]) == ("my-kids", "my-kids")

    await_true(shown, 10, "my-kids for a child of seven")
    answer = running.homepage(user_id="ada", profile_id="mia", consent="granted")
    assert answer["reason"] == "logged_in is true and profile.age is 7"
    assert running.homepage(user_id="ada", consent="granted")["scenario"] == "members"
    running.drain()
    assert running.sql("SELECT profile_id, notes FROM events WHERE user_id = 'ada' ORDER BY 1") == [
        ["", "['said_by_server']"],
        ["mia", "['said_by_server','trait_left_out']"],
    ]

    # she grows up, and the shop says so late
    running.segment("identify", userId="ada", context={"profile_id": "mia"}, traits={"age": 10})
    await_true(lambda: not shown(), 10, "another homepage for a child of ten")


def test_last_week_told_today_makes_its_sessions_and_its_customers(running: Stack) -> None:
    who = {"anonymousId": "old-friend"}
    running.page("old-friend", "/p/today")
    running.drain()
    money = {"order_id": "week-1", "revenue": 20, "currency": "EUR"}
    history = [
        message("page", 0, who),
        message("track", 5, who, event="Order Completed", properties=money),
        message("page", 90, who),
        message("page", 95, who, userId="bert"),
        message("page", 96, {}, context={"consent": "denied", "ip": "203.0.113.9"}),
    ]
    for _ in range(2):  # a history import that was repeated adds nothing
        running.segment("batch", batch=history, historical_migration=True)
        running.drain()
        assert running.sql(
            "SELECT protocol, late, event_time = received_at, count() FROM events "
            "WHERE event_time < now() - INTERVAL 6 DAY GROUP BY 1, 2, 3"
        ) == [["import", "false", "1", "5"]]
        assert running.sql(
            "SELECT events, orders, duration_s FROM sessions "
            "WHERE device_id = 'old-friend' ORDER BY started_at"
        ) == [["2", "1", "300"], ["2", "0", "300"], ["1", "0", "0"]]
        assert running.sql(
            "SELECT count(), uniqExact(person_id) FROM events WHERE device_id = 'old-friend'"
        ) == [["5", "1"]]
    visitor = running.homepage(anonymous_id="old-friend")["visitor"]
    assert (visitor["class"], visitor["user_id"], visitor["orders"]) == ("customer", "bert", 1)
    assert running.live_funnel("checkout")["order"] == 0  # last week is no live number
