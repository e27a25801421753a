"""Every query that we hand to analysts runs on a real stack, and finds what is there."""

from __future__ import annotations

import io
import json
import re
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from infra.clickhouse_http import query_to
from infra.docs.dictionary import PAGE as DICTIONARY
from infra.docs.dictionary import views
from schemas.settings import Settings
from tests.stack import Stack, stack

DASHBOARDS = DICTIONARY.parent.parent / "grafana/dashboards"
RECIPES = DICTIONARY.with_name("recipes.md")
_RECIPE = re.compile(r"^### (.+?)\n(.*?)^```sql\n(.+?)^```$", re.MULTILINE | re.DOTALL)
_ANY_SQL = re.compile(r"^```sql$", re.MULTILINE)


class _Answer(msgspec.Struct):
    meta: list[dict[str, str]]
    data: list[list[object]]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """A shop with two simulated weeks, one visitor of today whom a decision was shown, and
    two users with one address: whether simulated people claim the same depends on the hour.
    """
    directory = tmp_path_factory.mktemp("analysts")
    with stack(directory / "state", directory / "up.log") as running:
        running.environment["FOOTFALL_SECRET_KEY"] = (directory / "state/secret").read_text()
        words = ("simulate", "--shoppers", "300", "--days", "14", "--seed", "4")
        running.footfall(*words, "--send", running.collector)
        _visit_of_today(running)
        costs = directory / "costs.csv"
        costs.write_text(
            "day,utm_source,utm_medium,utm_campaign,cost,currency\n"
            "2026-11-20,newsletter,email,week-47,120.50,EUR\n"
        )
        running.footfall("import", "costs", str(costs))
        running.drain()
        yield Settings.from_environment(running.environment)


def _visit_of_today(running: Stack) -> None:
    decision = running.homepage(consent="granted", referrer="https://encyclopedia.example/w")
    cookie = decision["visitor"]["anonymous_id"]
    shown = {"decision_id": decision["decision_id"], "variant": decision["variant"]}
    running.page(cookie, "/", "https://encyclopedia.example/w", properties=shown)
    running.browser("alias", previousId="one", userId="other")  # refused: needs a server key
    for user in ("anna", "ben"):  # the second claim does not hold
        traits = {"email": "both@example.org", "email_verified": True}
        running.segment("identify", userId=user, traits=traits)


def ask(shop: Settings, query: str) -> _Answer:
    out = io.BytesIO()
    query_to(shop, query, "JSONCompact", out)
    return msgspec.json.decode(out.getvalue(), type=_Answer)


def recipes() -> dict[str, str]:
    """Question -> query."""
    return {title: query for title, _, query in _RECIPE.findall(RECIPES.read_text())}


def test_no_recipe_is_left_out() -> None:
    assert len(recipes()) == len(_ANY_SQL.findall(RECIPES.read_text())) > 30


@pytest.mark.parametrize("question", recipes())
def test_a_recipe_runs_and_finds_something(shop: Settings, question: str) -> None:
    answer = ask(shop, recipes()[question])
    assert answer.data, "no rows"
    assert any(any(value not in (None, "", "0", 0, False) for value in row) for row in answer.data)


def test_the_recipes_agree_with_one_another(shop: Settings) -> None:
    """Where two of them count the same, they count the same."""

    def column(question: str, name: str) -> list[object]:
        answer = ask(shop, recipes()[question])
        at = [column["name"] for column in answer.meta].index(name)
        return [row[at] for row in answer.data]

    ((numbers,),) = ask(
        shop, "SELECT uniqExact(order_id) FROM events WHERE name = 'Order Completed'"
    ).data
    by_channel = [int(str(n)) for n in column("What are orders worth?", "orders")]
    assert sum(by_channel) == int(str(numbers))
    steps = [int(str(n)) for n in column("How far do people come? (a funnel by hand)", "persons")]
    assert steps == sorted(steps, reverse=True)
    buyers = [int(str(n)) for n in column("Who buys again, and when?", "buyers")]
    needed = [int(str(n)) for n in column("How many visits does a buyer need?", "buyers")]
    assert sum(buyers) == sum(needed)


def panels() -> dict[str, str]:
    """Dashboard and panel -> query, with the plugin's macros in it."""
    return {
        f"{file.stem}: {panel['title']}": panel["targets"][0]["rawSql"]
        for file in sorted(DASHBOARDS.glob("*.json"))
        for panel in json.loads(file.read_text())["panels"]
    }


def as_the_plugin_asks(query: str, since: int, until: int, interval_s: int) -> str:
    """The query with macros replaced as grafana-clickhouse-datasource does; times in seconds."""
    between = rf"\1 >= toDateTime({since}) AND \1 <= toDateTime({until})"
    bucket = rf"toStartOfInterval(toDateTime(\1), INTERVAL {interval_s} second)"
    query = re.sub(r"\$__timeFilter\((.*?)\)", between, query)
    query = re.sub(r"\$__timeInterval\((.*?)\)", bucket, query)
    query = query.replace("$__fromTime", f"toDateTime({since})")
    return query.replace("$__toTime", f"toDateTime({until})")


@pytest.mark.parametrize("panel", panels())
def test_a_panel_shows_something(shop: Settings, panel: str) -> None:
    now = int(time.time()) + 1
    answer = ask(shop, as_the_plugin_asks(panels()[panel], now - 15 * 86400, now, 3600))
    assert answer.data, "no rows"
    names = [column["name"] for column in answer.meta]
    assert all(re.fullmatch(r"\w+", name) for name in names), "a column without a name"
    if names[0] == "time":
        assert answer.meta[0]["type"].startswith("DateTime")


def test_a_panel_about_a_time_without_visitors_is_no_error(shop: Settings) -> None:
    for panel, query in panels().items():
        if "$__" in query:
            answer = ask(shop, as_the_plugin_asks(query, 946_684_800, 946_771_200, 3600))
            assert len(answer.data) <= 4, panel  # zeros of the four steps of the funnel


def test_the_dictionary_lists_what_the_database_has(shop: Settings) -> None:
    rows = ask(
        shop,
        "SELECT table, groupArray(name) FROM system.columns WHERE database = 'footfall'"
        " AND table IN (SELECT name FROM system.tables WHERE engine = 'View') GROUP BY table",
    )
    listed = {view.name: [column.name for column in view.columns] for view in views()}
    plain = {name: columns for name, columns in listed.items() if columns}
    assert {str(row[0]): row[1] for row in rows.data if row[0] in plain} == plain
    text = DICTIONARY.read_text()
    assert [name for name in listed if f" {name}\n" not in text] == []


def test_a_path_in_the_pages_leads_somewhere() -> None:
    for page in DICTIONARY.parent.glob("*.md"):
        for target in re.findall(r"\]\(([^)#]+)\)", page.read_text()):
            assert (Path(page).parent / target).exists(), f"{page.name}: {target}"
