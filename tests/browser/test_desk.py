"""The demo's SQL desk in a real browser, on a ClickHouse without events."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser, Page, expect

from infra.embedded import clickhouse_server
from schemas.settings import Settings
from sinks.clickhouse.migrate import migrate
from tests.integration.desk_process import desk
from tests.processes import environment_of
from tests.servers import own_settings, running

MARKUP = "<img src=x onerror=\"document.title='broken'\">"


@pytest.fixture(scope="module")
def own() -> Settings:
    return own_settings()


@pytest.fixture(scope="module")
def environment(
    own: Settings, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, str]]:
    """Of a desk on a ClickHouse of its own, since the shared one has other tests' events."""
    directory = tmp_path_factory.mktemp("desk")
    http_port = own.ports.clickhouse_http
    service = clickhouse_server.service(directory / "data", own.clickhouse, http_port)
    with running(service, directory / "log"):
        migrate(own.clickhouse)
        yield environment_of(own)


@pytest.fixture(scope="module")
def url(own: Settings, environment: dict[str, str]) -> Iterator[str]:
    with desk(environment, own.ports.desk) as url:
        yield url


@pytest.fixture
def page(browser: Browser, url: str) -> Iterator[Page]:
    """The desk; it fails the test for anything it complains about but refused queries."""
    complaints: list[str] = []
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    page.goto(url)
    expect(page.locator("#state")).to_contain_text("rows read")
    yield page
    page.close()
    assert [text for text in complaints if "status of 400" not in text] == []


def ask(page: Page, query: str) -> None:
    page.fill("#query", query)
    page.press("#query", "Control+Enter")


def test_values_are_text_and_never_markup(page: Page) -> None:
    ask(page, f"SELECT '{MARKUP.replace(chr(39), chr(39) * 2)}' AS `<b>name</b>`, NULL AS nothing")
    cell = page.locator(".result td").first
    expect(cell).to_have_text(MARKUP)
    expect(page.locator(".result th").first).to_contain_text("<b>name</b>")
    expect(page.locator(".result .null")).to_have_text("NULL")
    assert page.locator(".result img").count() == 0
    assert page.title() == "Footfall · ask SQL"


def test_numbers_keep_every_digit_and_sort_as_numbers(page: Page) -> None:
    ask(page, "SELECT arrayJoin([9, 18446744073709551615, 10000])::UInt64 AS n")
    cells = page.locator(".result td")
    expect(cells).to_have_text(["9", "18,446,744,073,709,551,615", "10,000"])
    expect(cells.first).to_have_css("text-align", "right")
    page.click(".result th button")
    expect(cells).to_have_text(["18,446,744,073,709,551,615", "10,000", "9"])
    page.click(".result th button")
    expect(cells).to_have_text(["9", "10,000", "18,446,744,073,709,551,615"])


def test_a_prepared_question_is_asked_by_a_click(page: Page) -> None:
    page.get_by_role("button", name="Is every event here exactly once?").click()
    expect(page.locator("#query")).to_have_value(re.compile("uniqExact"))
    expect(page.locator("#state")).to_contain_text("1 row ·")
    expect(page.locator("[aria-current]")).to_have_text("Is every event here exactly once?")
    page.get_by_role("button", name="Who was recognized on several devices?").click()
    expect(page.locator(".result")).to_contain_text("No rows")


def test_an_error_is_one_calm_line_and_the_next_answer_takes_it_away(page: Page) -> None:
    ask(page, "SELECT nope")
    state = page.locator("#state")
    expect(state).to_have_text("Unknown expression identifier `nope`.")
    expect(state).to_have_attribute("data-state", "refused")
    ask(page, "SELECT 1")
    expect(state).to_contain_text("1 row ·")
    expect(state).to_have_attribute("data-state", "")


def test_the_same_question_runs_on_a_command_line(page: Page, environment: dict[str, str]) -> None:
    ask(page, "SELECT 'it''s $HOME `x` \\\\ \"y\"'\nAS text -- why not")
    answer = page.locator(".result td")
    expect(answer).to_have_text('it\'s $HOME `x` \\ "y"')
    command = page.text_content("#command") or ""
    assert command.startswith("FOOTFALL_PORT_OFFSET=")
    command = command.replace(".venv/bin/footfall", f"{sys.executable} -m infra.cli", 1)
    done = subprocess.run(
        ["sh", "-c", f"{command} --format TabSeparatedRaw"],
        env={name: value for name, value in environment.items() if "CLICKHOUSE" not in name},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.stdout.strip() == answer.text_content()


def test_the_columns_are_listed_and_a_click_writes_one(page: Page) -> None:
    page.fill("#query", "SELECT ")
    page.click("#tables > summary")
    page.locator("#tables-list summary", has_text="sessions").first.click()
    page.get_by_role("button", name="session_number", exact=True).click()
    expect(page.locator("#query")).to_have_value("SELECT session_number")


def test_a_query_in_the_address_is_run_and_stays_for_a_reload(page: Page, url: str) -> None:
    page.goto(f"{url}/?q={quote('SELECT 40 + 2')}")
    expect(page.locator(".result td")).to_have_text("42")
    ask(page, "SELECT 40 + 3")
    expect(page.locator(".result td")).to_have_text("43")
    page.reload()
    expect(page.locator(".result td")).to_have_text("43")


def test_a_link_on_another_site_does_not_run_its_query(page: Page, url: str) -> None:
    local = url.replace("127.0.0.1", "localhost")
    page.goto(local)
    page.evaluate("url => { location.href = url }", f"{url}/?q={quote('SELECT 40 + 2')}")
    expect(page.locator("#state")).to_contain_text("Read it, then run it")
    expect(page.locator("#query")).to_have_value("SELECT 40 + 2")
    page.click("#run")
    expect(page.locator(".result td")).to_have_text("42")


def test_nothing_is_wider_than_a_phone(page: Page) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.reload()
    expect(page.locator("#state")).to_contain_text("rows read")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert not page.locator(".question").first.is_visible()
