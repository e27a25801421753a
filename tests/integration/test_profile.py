"""What is known of a person, on real servers: profile, segments, outcomes of experiments."""

from __future__ import annotations

import json
import random
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.processes import await_true
from tests.stack import CHROME, Stack, stack

GOOGLE = "https://www.google.com/"
ARTICLE = "https://encyclopedia.example/wiki/Teddy_bear"
DAY = timedelta(days=1)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Stack:  # type: ignore[misc]
    directory = tmp_path_factory.mktemp("profile")
    with stack(directory / "state", directory / "up.log") as running:
        yield running


def person(running: Stack, identifier: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(running.footfall("visitor", identifier))
    return found


def bought(order: str, revenue: float, **who: str) -> dict[str, Any]:
    """Order Completed, as Segment's spec has it."""
    products = [{"product_id": "T-0001", "category": "cuddly-toys"}]
    properties = {"order_id": order, "revenue": revenue, "currency": "EUR", "products": products}
    return {"event": "Order Completed", "properties": properties, **who}


def test_browser_and_backend_tell_of_one_customer(running: Stack) -> None:
    running.page("her-laptop", "/p/bruno", ARTICLE)
    running.segment("track", anonymousId="her-laptop", event="Product Viewed",
                    properties={"product_id": "T-0001", "category": "cuddly-toys"})  # fmt: skip
    running.segment("track", **bought("o-1", 30, anonymousId="her-laptop"))
    running.segment("identify", anonymousId="her-laptop", userId="anna")
    running.segment("track", **bought("o-1", 30, userId="anna"))
    running.segment("track", **bought("o-2", 12.5, userId="anna"))
    refund = {"order_id": "o-1", "revenue": 10, "currency": "EUR"}
    for _ in range(2):  # told twice
        running.segment("track", userId="anna", event="Order Refunded", properties=refund)
    running.drain()
    anna = person(running, "anna")
    assert (anna["class"], anna["orders"]) == ("customer", 2)
    known = anna["person"]
    assert known["money"] == {"EUR": "32.50"}
    assert (known["lifecycle"], known["recency"]) == ("second-time", "active")
    assert [(i["category"], i["share"]) for i in known["interests"]] == [("cuddly-toys", 1.0)]
    assert known["first_touch"]["source"] == "Encyclopedia"
    assert known["segments"] == ["cuddlers", "from-the-encyclopedia"]
    rows = running.sql(
        "SELECT orders, revenue, lifecycle FROM persons WHERE person_id IN "
        "(SELECT person_id FROM identities WHERE identifier = 'anna')"
    )
    assert rows == [["2", "32.5", "second-time"]]


def test_another_login_takes_what_is_its_own(running: Stack) -> None:
    running.segment("identify", anonymousId="tablet", userId="ben")
    running.segment("track", anonymousId="tablet", event="Product Added",
                    properties={"category": "trains"})  # fmt: skip
    running.segment("track", anonymousId="tablet", event="Logged Out")
    running.segment("identify", anonymousId="tablet", userId="carla")
    running.segment("track", **bought("o-9", 5, anonymousId="tablet"))
    running.drain()
    ben, carla = person(running, "ben"), person(running, "carla")
    assert [i["category"] for i in ben["person"]["interests"]] == ["trains"]
    assert [i["category"] for i in carla["person"]["interests"]] == ["cuddly-toys"]
    assert (ben["person"]["lifecycle"], carla["person"]["lifecycle"]) == ("lead", "new")


def test_who_hesitates_for_days_is_shown_offers(running: Stack) -> None:
    now = datetime.now(UTC)
    context = {"page": {"url": "https://toyhouse.example/p/bear"}, "userAgent": CHROME}
    for days in (3, 2, 1):
        at = {"timestamp": (now - days * DAY).isoformat(), "sentAt": now.isoformat()}
        running.segment(
            "batch",
            batch=[{"type": "page", "anonymousId": "waits", "context": context, **at}],
            historical_migration=True,
        )
    running.drain()
    decision = running.homepage(anonymous_id="waits", explain="1")
    assert (decision["scenario"], decision["variant"]) == ("hesitant", "offers")
    assert decision["reason"] == "segment is hesitant"
    running.segment("track", **bought("o-20", 5, anonymousId="waits"))
    running.drain()
    decision = running.homepage(anonymous_id="waits", explain="1")
    assert decision["scenario"] == "members"
    why = {tried["scenario"]: tried["why"] for tried in decision["explained"]}
    assert why["hesitant"] == "segment is cuddlers, not hesitant"


def test_live_experiments_equal_clickhouse(running: Stack) -> None:
    chance = random.Random(4)
    users = [f"member-{n}" for n in range(12)]
    for n in range(60):
        device = f"tester-{n}"
        answer = running.homepage(anonymous_id=device, referrer=GOOGLE, consent="granted")
        assert (answer["scenario"], answer["experiment"]["name"]) == ("search-toys", "hero")
        page = {"url": "https://toyhouse.example/", "referrer": chance.choice(["", GOOGLE])}
        shown = {"decision_id": answer["decision_id"], "variant": answer["variant"]}
        batch: list[dict[str, Any]] = []
        if chance.random() < 0.3:
            batch.append({"type": "track", **bought(f"early-{n}", 1)})
        batch.append(
            {
                "type": "page",
                "properties": shown,
                "context": {"page": page},
            }
        )
        if chance.random() < 0.4:
            batch.append({"type": "track", **bought(f"late-{n}", 1)})
        if chance.random() < 0.5:
            batch.append({"type": "identify", "userId": chance.choice(users)})
        if chance.random() < 0.2:
            batch.append({"type": "track", "event": "Logged Out"})
            batch.append({"type": "page", "properties": shown, "context": {"page": {}}})
        began = datetime.now(UTC) - timedelta(minutes=chance.randrange(3, 50))
        for position, message in enumerate(batch):
            at = began + timedelta(seconds=position)
            message |= {"anonymousId": device, "timestamp": at.isoformat()}
        chance.shuffle(batch)
        running.segment("batch", batch=batch)
    running.drain()
    live = experiments(running)
    report = json.loads(running.footfall("report", "experiments", "--json"))
    batch_counts = {row["arm"]: (row["exposed"], row["converted"]) for row in report["rows"]}
    assert live == batch_counts
    (hero,) = running.live_experiments()
    assert {arm["name"]: (arm["exposed"], arm["converted"]) for arm in hero["total"]} == live
    stored = running.sql(
        "SELECT referrer_medium, arm, exposed, converted FROM report_experiments("
        "experiment = 'hero', goal = 'Order Completed', within_s = 86400,"
        " since = '2020-01-01', until = '2100-01-01')"
        " ORDER BY referrer_medium, arm"
    )
    assert stored == [
        [medium, arm["name"], str(arm["exposed"]), str(arm["converted"])]
        for medium, arms in sorted(hero["media"].items())
        for arm in arms
    ]
    assert set(hero["media"]) == {"direct", "search"}
    exposed = sum(count for count, _ in live.values())
    converted = sum(count for _, count in live.values())
    assert 40 < exposed < 75  # some testers are one member, some logged out and are two
    assert 0 < converted < exposed
    assert set(live) == {"search-hero", "classic", "holdout"}


def experiments(running: Stack) -> dict[str, tuple[int, int]]:
    """Arm -> exposed, converted, live."""
    time.sleep(1.0)  # the API adds its counters up once a second
    (hero,) = running.live_experiments()
    assert (hero["name"], hero["goal"]) == ("hero", "Order Completed")
    return {arm["name"]: (arm["exposed"], arm["converted"]) for arm in hero["arms"]}


def test_two_testers_who_are_one_count_once(running: Stack) -> None:
    before = sum(count for count, _ in experiments(running).values())
    for device in ("one-phone", "one-laptop"):
        answer = running.homepage(anonymous_id=device, referrer=GOOGLE, consent="granted")
        shown = {"decision_id": answer["decision_id"], "variant": answer["variant"]}
        running.page(device, "/", properties=shown)
    await_true(
        lambda: sum(count for count, _ in experiments(running).values()) == before + 2,
        30,
        "two persons in the experiment",
    )
    for device in ("one-phone", "one-laptop"):
        running.segment("identify", anonymousId=device, userId="one")
    await_true(
        lambda: sum(count for count, _ in experiments(running).values()) == before + 1,
        30,
        "one person in the experiment",
    )


def test_an_agent_sees_at_one_touch_who_calls_and_what_to_do(running: Stack) -> None:
    now = datetime.now(UTC)
    running.segment("identify", anonymousId="cleos-phone", userId="cleo")
    running.segment("identify", userId="cleo", traits={"email": "cleo@toyhouse.example"},
                    context={"verified": ["email"]})  # fmt: skip
    for path in ("/p/kite", "/cart"):
        running.page("cleos-phone", path)
    running.segment("track", anonymousId="cleos-phone", event="Product Added",
                    properties={"product_id": "T-0007", "category": "outdoor"})  # fmt: skip
    mail = {"event": "Mail Received", "properties": {"subject": "broken wheel"}}
    waits = {"timestamp": (now - timedelta(hours=61)).isoformat(), "sentAt": now.isoformat()}
    running.segment("batch", historical_migration=True,
                    batch=[{"type": "track", "userId": "cleo", **mail, **waits}])  # fmt: skip
    running.segment("track", **bought("o-77", 350, userId="cleo"))
    running.drain()
    found = person(running, "cleo")
    assert [(each["kind"], each["identifier"], each["reason"]) for each in found["identities"]] == [
        ("user_id", "cleo", "login"),
        ("cookie", "cleos-phone", "login"),
    ]
    assert {page["path"] for page in found["last_pages"]} == {"/p/kite", "/cart"}
    assert found["last_products"][0]["product_id"] == "T-0007"
    assert (found["value_tier"], found["revenue_site"]) == ("large", "350")
    assert [each["device_id"] for each in found["recent_sessions"]].count("cleos-phone") == 1
    (contact,) = found["contacts"]
    assert (contact["channel"], contact["subject"], contact["answered"]) == (
        *("mail", "broken wheel", False),
    )
    assert found["next_action"]["action"] == "answer-contact"
    assert "about 'broken wheel' has waited for 61 hours" in found["next_action"]["reason"]
    running.segment("track", userId="cleo", event="Call Made")
    running.drain()
    answered = person(running, "cleo")
    assert answered["contacts"][-1]["answered"] is True
    assert answered["next_action"]["action"] != "answer-contact"


def test_a_decision_that_no_page_has_shown_is_no_exposure(running: Stack) -> None:
    before = experiments(running)
    answer = running.homepage(anonymous_id="only-asked", referrer=GOOGLE, consent="granted")
    assert answer["experiment"]["name"] == "hero"
    running.page("only-asked", "/p/bruno", GOOGLE)
    running.drain()
    assert experiments(running) == before
    assert person(running, "only-asked")["person"]["experiments"] == []
    shown = f"SELECT shown FROM decisions WHERE decision_id = '{answer['decision_id']}'"
    assert running.sql(shown) == [["false"]]
    forged = {"decision_id": "x" + answer["decision_id"][1:], "variant": answer["variant"]}
    running.page("only-asked", "/", properties=forged)
    running.drain()
    assert experiments(running) == before
    running.page("only-asked", "/", properties={**forged, "decision_id": answer["decision_id"]})
    running.drain()
    assert sum(n for n, _ in experiments(running).values()) == 1 + sum(
        n for n, _ in before.values()
    )
    assert running.sql(shown) == [["true"]]
    (arm,) = person(running, "only-asked")["person"]["experiments"]
    assert (arm["arm"], arm["running"]) == (answer["experiment"]["arm"], True)
