"""One visit, followed through every stage on real servers: what Footfall is for."""

from __future__ import annotations

import random
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from infra.cli.context import EXAMPLE_SITE
from tests.processes import await_true
from tests.stack import Stack, stack

ARTICLE = "https://encyclopedia.example/wiki/Teddy_bear"


FUNNELS_OF_EVERY_KIND = """
funnels:
  straight:
    order: strict
    by: [referrer_medium, variant]
    steps: [{name: product, page: "/p/*"}, {name: cart, event: Product Added}]
  sitting:
    {per: session, order: strict, within: 30m, by: [referrer_source], steps: [
      {name: page, page: "*"}, {name: next, page: "*"}]}
  whatever:
    {order: any, within: 20m, by: [variant], steps: [{name: search, page: /search},
      {name: cart, event: Product Added}, {name: order, event: Order Completed}]}
  together:
    {per: session, order: any, by: [device_class], steps: [
      {name: home, page: /}, {name: cart, event: Product Added}]}
"""


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Stack:  # type: ignore[misc]
    directory = tmp_path_factory.mktemp("visit")
    site = directory / "site.yaml"
    shop = EXAMPLE_SITE.read_text().replace("\nfunnels:\n", FUNNELS_OF_EVERY_KIND)
    site.write_text(shop.replace("file: ", f"file: {EXAMPLE_SITE.parent}/"))
    with stack(directory / "state", directory / "up.log", FOOTFALL_SITE=str(site)) as running:
        yield running


def test_a_visit_from_the_encyclopedia_to_the_order_of_one_person(running: Stack) -> None:
    # she comes from an article, and the homepage shows what such visitors look for
    decision = running.homepage(referrer=ARTICLE, consent="granted")
    assert (decision["variant"], decision["scenario"]) == ("bestsellers", "encyclopedia")
    assert decision["reason"] == "referrer_source is Encyclopedia"
    assert decision["visitor"]["class"] == "first-time"
    cookie = decision["visitor"]["anonymous_id"]

    # the page says what it showed; she looks at a product and takes it
    shown = {"decision_id": decision["decision_id"], "variant": decision["variant"]}
    running.page(cookie, "/", ARTICLE, properties=shown)
    running.page(cookie, "/p/teddy")
    running.segment("track", anonymousId=cookie, event="Product Added")

    # ops see the funnel tick within two seconds
    await_true(lambda: running.live_funnel("checkout")["cart"] == 1, 2, "cart in the live funnel")

    # she logs in: everything was her, the pages before the login included
    running.segment("identify", anonymousId=cookie, userId="alice")
    running.drain()
    persons = running.sql(
        "SELECT count(), uniqExact(person_id), groupUniqArray(path) FROM events "
        f"WHERE device_id = '{cookie}' AND person_id IS NOT NULL"
    )
    assert persons[0][:2] == ["4", "1"]
    assert "/p/teddy" in persons[0][2]
    assert running.sql(
        "SELECT identifier, kind, reason FROM identities ORDER BY kind FORMAT TabSeparated"
    ) == [[cookie, "cookie", "login"], ["alice", "user_id", "login"]]

    # the decision was shown, and the session is credited with it
    assert running.sql("SELECT variant, shown FROM decisions WHERE scenario != ''")[0] == [
        "bestsellers",
        "true",
    ]
    assert running.sql(
        "SELECT variant, scenario, referrer_source, pages, events FROM sessions"
    ) == [["bestsellers", "encyclopedia", "Encyclopedia", "2", "4"]]

    # she comes back on another machine and logs in there: still one person
    running.page("her-phone", "/p/puzzle")
    running.segment("identify", anonymousId="her-phone", userId="alice")
    running.drain()
    assert running.sql("SELECT devices, sessions FROM persons") == [["2", "2"]]
    assert running.homepage(anonymous_id="her-phone")["visitor"]["class"] == "registered"

    # live equals batch
    assert running.live("checkout")["steps"] == running.funnel("checkout")["steps"]
    assert running.live_funnel("checkout")["product"] == 1


def test_a_visitor_without_consent_is_counted_and_leaves_no_trace(running: Stack) -> None:
    before = int(running.sql("SELECT count() FROM persons")[0][0])
    refused = {"consent": {"categoryPreferences": {"Analytics": False}}, "ip": "203.0.113.77"}
    page = {"url": "https://toyhouse.example/p/quiet"}
    running.segment(
        "page", anonymousId="her-cookie", userId="carla", context={**refused, "page": page}
    )
    running.drain()
    rows = running.sql(
        "SELECT device_id, user_id, isNull(person_id), isNotNull(session_id), consent "
        "FROM events WHERE path = '/p/quiet'"
    )
    assert len(rows) == 1
    assert rows[0][0].startswith("p_")
    assert rows[0][1:] == ["", "1", "1", "denied"]
    assert int(running.sql("SELECT count() FROM persons")[0][0]) == before
    assert running.homepage(anonymous_id="her-cookie")["visitor"]["class"] == "first-time"


def test_a_wrong_event_in_a_batch_is_rejected_and_the_rest_kept(running: Stack) -> None:
    running.segment(
        "batch",
        batch=[
            {"type": "track", "event": "Kept", "anonymousId": "d1"},
            {"type": "track", "anonymousId": "d1"},
            {"type": "dance", "anonymousId": "d1"},
        ],
    )
    running.drain()
    assert running.sql("SELECT count() FROM events_all WHERE name = 'Kept'") == [["1"]]
    reasons = running.sql("SELECT reason FROM rejected ORDER BY reason")
    assert reasons == [["missing_field"], ["unknown_type"]]
    assert running.sql("SELECT count() FROM rejected WHERE original LIKE '%dance%'") == [["1"]]


def test_an_event_is_in_clickhouse_within_three_seconds(running: Stack) -> None:
    running.page("quick", "/p/quick")
    began = time.monotonic()
    await_true(
        lambda: running.sql("SELECT count() FROM events WHERE device_id = 'quick'") == [["1"]],
        10,
        "the event in ClickHouse",
    )
    assert time.monotonic() - began < 6  # a coarse net; `make bench` measures


def test_live_equals_batch_for_random_visits(running: Stack) -> None:
    visits = random_visits(devices=60, events=900)
    running.segment("batch", batch=visits[:450])
    running.segment("batch", batch=visits[450:], historical_migration=True)
    running.drain()
    time.sleep(1.5)  # the API adds its counters up once a second
    reached = {}
    kinds = ("straight", "sitting", "whatever", "together")
    for name in ("checkout", "homepage", "search", "visits", "homepages", *kinds):
        batch, live = running.funnel(name), running.live(name)
        assert live["steps"] == batch["steps"], name
        told = {by: found for by, found in batch["by"].items() if by not in live["not_live"]}
        assert live["by"] == told, name
        assert told, name
        assert all(told.values()), name
        reached[name] = [step["count"] for step in batch["steps"]]
    assert [name for name, counts in reached.items() if min(counts) == 0] == []


def test_a_changed_definition_starts_anew_and_says_since_when(running: Stack) -> None:
    site = Path(running.environment["FOOTFALL_SITE"])
    assert running.live("together")["since"] is None
    began = datetime.now(UTC) - timedelta(seconds=1)
    site.write_text(
        site.read_text().replace("per: session, order: any", "per: session, order: strict")
    )

    def counted() -> bool:
        running.page("changed-mind", "/")
        return running.live_funnel("together")["home"] == 1  # once, for many pages

    await_true(counted, 60, "the changed funnel counts")
    changed, other = running.live("together"), running.live("straight")
    assert changed["order"] == "strict"
    assert began < datetime.fromisoformat(changed["since"]) < datetime.now(UTC)
    assert other["since"] is None
    assert other["steps"][0]["count"] > 1


def test_a_burst_takes_back_what_was_counted_of_the_device(running: Stack) -> None:
    running.drain()
    time.sleep(1.5)
    before = {name: running.live(name)["steps"] for name in ("checkout", "search")}
    now = datetime.now(UTC)
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    minute = max(midnight, now - timedelta(minutes=9)).replace(second=0, microsecond=0)
    running.browser("batch", batch=views("fast", minute, 5))
    running.drain()
    await_true(
        lambda: running.live_funnel("checkout")["product"] == before["checkout"][0]["count"] + 1,
        5,
        "the visitor in the live funnel",
    )
    running.browser("batch", batch=views("fast", minute, 130))
    running.drain()
    flagged = running.sql(
        "SELECT count(), groupUniqArray(bot_reason) FROM events_all WHERE device_id = 'fast'"
    )
    assert flagged == [["135", "['impossible_rate']"]]
    time.sleep(1.5)
    for name in ("checkout", "search"):
        assert running.live(name)["steps"] == before[name], name
        assert running.funnel(name)["steps"] == before[name], name


def views(device: str, since: datetime, count: int) -> list[dict[str, object]]:
    """Pages of one minute."""
    page = {"url": "https://toyhouse.example/p/bear"}
    return [
        {
            "type": "page",
            "anonymousId": device,
            "timestamp": (since + timedelta(milliseconds=400 * number)).isoformat(),
            "context": {"page": page, "consent": "granted"},
        }
        for number in range(count)
    ]


def random_visits(devices: int, events: int) -> list[dict[str, object]]:
    """Of the last 50 minutes, in any order: some people log in, on several devices, and out;
    some have refused."""
    chance = random.Random(3)
    names = ["Product Added", "Cart Emptied", "Checkout Started", "Order Completed", "Logged Out"]
    sources = ["", "https://encyclopedia.example/wiki/Bear", "https://www.google.com/"]
    messages: list[dict[str, object]] = []
    for _ in range(events):
        number = chance.randrange(devices)
        at = datetime.now(UTC) - timedelta(milliseconds=chance.randrange(1, 3_000_000))
        path = chance.choice(["/", "/p/bear", "/p/bear", "/search?q=bear"])
        page = {"url": f"https://toyhouse.example{path}", "referrer": chance.choice(sources)}
        message: dict[str, Any] = {
            "anonymousId": f"random-{number}",
            "timestamp": at.isoformat(timespec="milliseconds"),
            "context": {"page": page},
        }
        if number % 6 == 5:  # counts as a session of nobody's
            message["context"] = {"page": page, "consent": "denied", "ip": f"203.0.113.{number}"}
        kind = chance.random()
        if kind < 0.45:
            message["type"] = "page"
            message["context"]["variant"] = chance.choice(["classic", "offers", "b"])
        elif kind < 0.93:
            name = chance.choices(names, (10, 1, 6, 5, 1))[0]
            currency = chance.choice(["EUR", "EUR", "USD"])
            message |= {"type": "track", "event": name, "properties": {"currency": currency}}
        else:
            message |= {"type": "identify", "userId": f"user-{number % 20}"}
        messages.append(message)
    return messages
