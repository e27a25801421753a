"""The demo's SQL desk: every prepared question has an answer, and nobody else may ask."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from infra.clickhouse_http import QueryRefused
from infra.demo.desk import questions
from infra.demo.desk.answers import in_plain_words
from infra.demo.desk.app import create_app, shell_environment
from schemas.settings import Ports, Settings
from tests.integration.desk_process import desk
from tests.servers import own_settings
from tests.stack import CHROME, Stack, stack

PREPARED = [question for group in questions.load() for question in group.questions]
CRAWLER = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    directory = tmp_path_factory.mktemp("desk")
    with stack(directory / "state", directory / "up.log") as running:
        visit(running)
        yield running


@pytest.fixture(scope="module")
def url(running: Stack) -> Iterator[str]:
    ports = Settings.from_environment(running.environment).ports
    with desk(running.environment, ports.desk) as url:
        yield url


@pytest.fixture(scope="module")
def client(url: str) -> Iterator[httpx.Client]:
    """The desk's own page."""
    with httpx.Client(base_url=url, headers={"Origin": url}, trust_env=False, timeout=60) as client:
        yield client


def visit(running: Stack) -> None:
    """A little of everything that the questions ask about."""
    began = datetime.now(UTC) - timedelta(minutes=9)
    messages: list[dict[str, Any]] = []

    def add(kind: str, device: str, minute: float, path: str = "/", **more: Any) -> None:
        page = {"url": f"https://toyhouse.example{path}", "referrer": more.pop("referrer", "")}
        context = {"page": page, "userAgent": CHROME, "ip": "192.0.2.7"} | more.pop("context", {})
        at = (began + timedelta(minutes=minute)).isoformat()
        message = {"type": kind, "anonymousId": device, "timestamp": at, "context": context}
        messages.append(message | {"messageId": str(uuid.uuid4())} | more)

    def home(device: str, referrer: str) -> None:
        shown = running.homepage(anonymous_id=device, referrer=referrer, consent="granted")
        properties = {name: shown[name] for name in ("variant", "decision_id")}
        add("page", device, 0, referrer=referrer, properties=properties)

    home("laptop", "https://encyclopedia.example/wiki/Teddy_bear")
    add("page", "laptop", 1, "/p/teddy")
    add("track", "laptop", 2, event="Product Added")
    add("track", "laptop", 3, event="Checkout Started")
    bear = {"name": "Bruno the Bear", "category": "cuddly-toys", "quantity": 2}
    order = {"order_id": "o-1", "revenue": 69.8, "currency": "EUR", "products": [bear]}
    for minute in (4, 4.5):  # a checkout page that was loaded again
        add("track", "laptop", minute, event="Order Completed", properties=order)
    add("identify", "laptop", 5, "/login", userId="ada")
    add("page", "phone", 0, "/p/kite")
    add("identify", "phone", 1, userId="ada")
    for number in range(8):  # so many that the experiment has both arms, or nearly surely
        home(f"seeker{number}", "https://www.google.com/")
    searched = {"query": "Unicorn", "search_results": 0}
    add("track", "seeker0", 1, event="Products Searched", properties=searched)
    for minute, user in ((0, "mum"), (3, "son")):
        add("identify", "family", minute, userId=user)
        add("track", "family", minute + 1, event="Logged Out")
    add("page", "refuser", 0, context={"consent": "denied"})
    add("page", "crawler", 0, context={"userAgent": CRAWLER})
    messages.append({"type": "dance", "anonymousId": "laptop"})
    running.segment("batch", batch=messages)
    running.segment("batch", batch=messages)
    running.drain()


def ask(client: httpx.Client, query: str) -> Any:
    answer = client.post("/query", content=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


def named_rows(answer: Any) -> list[dict[str, Any]]:
    names = [column["name"] for column in answer["columns"]]
    return [dict(zip(names, row, strict=True)) for row in answer["rows"]]


def prepared(client: httpx.Client, part_of_title: str) -> list[dict[str, Any]]:
    [question] = [question for question in PREPARED if part_of_title in question.title]
    return named_rows(ask(client, question.query))


@pytest.mark.parametrize("question", PREPARED, ids=lambda question: question.title)
def test_a_prepared_question_has_an_answer(
    client: httpx.Client, question: questions.Question
) -> None:
    answer = ask(client, question.query)
    assert answer["rows"]
    assert answer["statistics"]["rows_read"] > 0
    assert not answer["more"]


def test_one_person_has_the_pages_from_before_the_login(client: httpx.Client) -> None:
    rows = prepared(client, "before and after the login")
    assert {row["device_id"] for row in rows} == {"laptop", "phone"}
    assert {row["user_id"] for row in rows} == {"", "ada"}
    assert len({row["person_id"] for row in rows}) == 1


def test_the_funnel_counts_the_one_who_ordered(client: httpx.Client) -> None:
    rows = prepared(client, "How far do persons come")
    assert [row["step_name"] for row in rows] == ["product", "cart", "checkout", "order"]
    assert [row["persons"] for row in rows] == ["1", "1", "1", "1"]


def test_the_encyclopedias_reader_ordered_from_bestsellers(client: httpx.Client) -> None:
    [row] = [
        row for row in prepared(client, "homepage sells") if row["came_from"] == "Encyclopedia"
    ]
    assert (row["variant"], row["with_order"]) == ("bestsellers", "1")
    [toy] = prepared(client, "Which toys were bought")
    assert toy["product"] == "Bruno the Bear"
    assert toy["pieces"] == "2"
    assert toy["buyers_came_from"] == ["Encyclopedia"]


def test_what_was_sent_twice_is_there_once(client: httpx.Client) -> None:
    [row] = prepared(client, "exactly once")
    assert row["each_exactly_once"] is True
    assert row["events"] == row["different_events"]
    assert ask(client, "SELECT count() FROM events WHERE device_id = 'phone'")["rows"] == [["2"]]


def test_who_refused_is_no_person(client: httpx.Client) -> None:
    rows = {row["consent"]: row for row in prepared(client, "refused consent")}
    assert rows["denied"]["events_of_a_person"] == "0"
    assert rows["granted"]["events_of_a_person"] != "0"


def test_values_come_as_they_are(client: httpx.Client) -> None:
    [row] = ask(
        client, "SELECT 18446744073709551615, toDecimal64('69.80', 2), NULL, nan, '<b>', [1, 2]"
    )["rows"]
    assert row == ["18446744073709551615", "69.8", None, "nan", "<b>", [1, 2]]


def test_more_rows_than_a_page_holds_are_cut_and_said(client: httpx.Client) -> None:
    answer = ask(client, "SELECT number, repeat('x', 1000) FROM numbers(1000000)")
    assert len(answer["rows"]) == 1000
    assert answer["more"]
    assert not ask(client, "SELECT number FROM numbers(1000)")["more"]


@pytest.mark.parametrize(
    ("query", "code", "message"),
    [
        ("SELECT nope FROM events", "query_refused", "identifier `nope`"),
        ("SELEC 1", "query_refused", "Syntax error: failed at position"),
        ("SELECT 1; SELECT 2", "query_refused", "Multi-statements are not allowed"),
        ("DROP TABLE events_stored", "query_refused", "may read, and change nothing"),
        ("INSERT INTO events_stored (name) VALUES ('x')", "query_refused", "change nothing"),
        ("SELECT * FROM file('/etc/passwd')", "query_refused", "Not enough privileges"),
        ("SELECT * FROM url('http://127.0.0.1:1/')", "query_refused", "Not enough privileges"),
        ("SELECT 1 FORMAT CSV", "not_a_table", "Leave out FORMAT"),
        ("SELECT repeat('x', 900000) FROM numbers(20)", "not_a_table", "More than 8 MB"),
        ("SELECT sleepEachRow(3) FROM numbers(1) SETTINGS max_execution_time = 1", "", "30 sec"),
        (" \n", "empty", "no query"),
    ],
)
def test_what_cannot_be_answered_is_said_in_one_calm_line(
    client: httpx.Client, query: str, code: str, message: str
) -> None:
    answer = client.post("/query", content=query)
    said = answer.json()
    assert answer.status_code == 400
    assert said["code"] == (code or "query_refused")
    assert message in said["message"]
    assert "DB::Exception" not in said["message"]
    assert "\n" not in said["message"]


def test_an_error_keeps_no_list_of_everything_clickhouse_knows() -> None:
    error = (
        "Code: 62. DB::Exception: Syntax error: failed at position 7 (1): 1. "
        "Expected one of: token, Dot, OR. (SYNTAX_ERROR) (version 26.9.2.1)"
    )
    said = in_plain_words(QueryRefused(error))
    assert said == "Syntax error: failed at position 7 (1): 1."


def test_too_long_a_query_is_refused(client: httpx.Client) -> None:
    assert client.post("/query", content="SELECT " + "1" * 70_000).status_code == 413


def test_the_tables_are_described(client: httpx.Client) -> None:
    described = {name: columns for name, _, columns in client.get("/tables").json()}
    assert {"events", "sessions", "persons", "identities", "decisions", "rejected"} <= set(
        described
    )
    assert "events_stored" not in described
    names = [name for name, _, _ in described["sessions"]]
    assert names[:2] == ["session_id", "session_number"]
    assert all(comment for _, _, comment in described["events"])


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"Host": "127.0.0.1.evil.example"},
        {"X-Forwarded-For": "192.0.2.7"},
    ],
)
def test_another_name_or_a_proxy_is_refused(client: httpx.Client, headers: dict[str, str]) -> None:
    for path in ("/", "/tables", "/desk.js", "/health"):
        answer = client.get(path, headers=headers)
        assert answer.status_code == 403
        assert answer.json()["code"] == "loopback_only"


def test_localhost_is_this_machine_too(client: httpx.Client, url: str) -> None:
    local = url.replace("127.0.0.1", "localhost").removeprefix("http://")
    headers = {"Host": local, "Origin": f"http://{local}"}
    assert client.post("/query", content="SELECT 1", headers=headers).status_code == 200


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://localhost", ""])
def test_another_sites_page_may_not_ask(url: str, origin: str) -> None:
    headers = {"Origin": origin} if origin else {}
    answer = httpx.post(f"{url}/query", content="SELECT 1", headers=headers, trust_env=False)
    assert answer.status_code == 403
    assert answer.json()["code"] == "other_origin"


def test_every_answer_forbids_what_is_not_the_desks(client: httpx.Client) -> None:
    for path in ("/", "/desk.js", "/nothing"):
        policy = client.get(path).headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'")
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy


def test_a_query_in_the_address_waits_when_another_site_sent_it(client: httpx.Client) -> None:
    query = "SELECT '</textarea><script>alert(1)</script>'"

    def page(came_from: str) -> str:
        headers = {"Sec-Fetch-Site": came_from}
        return client.get("/", params={"q": query}, headers=headers).text

    assert "SELECT &#39;&lt;/textarea&gt;" in page("none")
    assert "<script>alert" not in page("none")
    assert 'data-run="yes"' in page("none")
    assert 'data-run="no"' in page("cross-site")


def test_it_is_ready_when_clickhouse_has_events(client: httpx.Client) -> None:
    answer = client.get("/ready")
    assert (answer.status_code, answer.json()) == (200, {"ready": True, "waits_for": ""})


def test_without_clickhouse_the_page_stands_and_says_so() -> None:
    settings = own_settings()
    origin = f"http://localhost:{settings.ports.desk}"

    async def asked() -> list[httpx.Response]:
        transport = httpx.ASGITransport(create_app(settings))
        headers = {"Origin": origin}
        async with httpx.AsyncClient(transport=transport, base_url=origin, headers=headers) as desk:
            return [
                await desk.get("/"),
                await desk.post("/query", content="SELECT 1"),
                await desk.get("/ready"),
            ]

    page, answer, ready = asyncio.run(asked())
    assert page.status_code == 200
    assert (answer.status_code, answer.json()["code"]) == (503, "clickhouse_away")
    assert settings.clickhouse_http_url in answer.json()["message"]
    assert (ready.status_code, ready.json()["ready"]) == (503, False)


def test_a_caller_from_another_machine_is_refused() -> None:
    async def asked() -> httpx.Response:
        transport = httpx.ASGITransport(create_app(own_settings()), client=("192.0.2.7", 4711))
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as desk:
            return await desk.get("/")

    assert asyncio.run(asked()).status_code == 403


def test_it_refuses_to_listen_beyond_loopback() -> None:
    environment = {**os.environ, "FOOTFALL_BIND": "0.0.0.0", "FOOTFALL_SECRET_KEY": "secret"}
    done = subprocess.run(
        [sys.executable, "-m", "infra.demo.desk"],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 2
    assert done.stderr.startswith("desk: FOOTFALL_BIND is 0.0.0.0")
    assert done.stderr.count("\n") == 1


def test_the_command_line_asks_the_same_clickhouse() -> None:
    assert shell_environment(Settings.from_environment({})) == ""
    moved = Settings.from_environment({"FOOTFALL_PORT_OFFSET": "200"})
    assert moved.ports == Ports.with_offset(200)
    assert shell_environment(moved) == "FOOTFALL_PORT_OFFSET=200"
    far = Settings.from_environment({"FOOTFALL_CLICKHOUSE_HTTP_URL": "http://ch.example:8123"})
    assert shell_environment(far) == "FOOTFALL_CLICKHOUSE_HTTP_URL=http://ch.example:8123"
