"""Reports on what is in ClickHouse: every number is known beforehand."""

from __future__ import annotations

import csv
import io
import itertools
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from clickhouse_driver.errors import ServerException

from infra.cli.context import EXAMPLE_SITE
from infra.reports.intervals import newcombe, wilson
from infra.reports.variants import VariantRow, report, variants
from schemas.ids import session_of
from schemas.settings import Settings
from schemas.site_file import load
from sinks.clickhouse.rows import EVENTS
from tests.sink_world import DAY, MINUTE, NOON, Store, event, new_device, store

SITE = load(EXAMPLE_SITE)
_days = itertools.count(500, 3)


@pytest.fixture(scope="module")
def opened(settings: Settings) -> Iterator[Store]:
    with store(settings) as one:
        yield one


@pytest.fixture
def start() -> int:
    """The start of a day (ms after NOON) that, like those beside it, no other test touches."""
    return next(_days) * DAY


def visits(
    opened: Store, start: int, source: str, variant: str, sessions: int, orders: int, **order: Any
) -> None:
    """So many sessions of the day at `start`, the first of which order for 10 EUR each."""
    rows = []
    for number in range(sessions):
        device, at = new_device(), start + number * 1000
        own = {"session_id": session_of(device, NOON + at), "referrer_source": source}
        rows.append(event(device, at, variant=variant, **own))
        if number < orders:
            given = {"order_id": device, "revenue": "10.0000", "currency": "EUR", **order}
            track: dict[str, Any] = {"type": "track", "name": "Order Completed"}
            rows.append(event(device, at + MINUTE, **own, **track, **given))
    opened.put(EVENTS, *rows)


def of_the_day(opened: Store, start: int, **more: Any) -> list[VariantRow]:
    return variants(opened.client, SITE, NOON + start, NOON + start + DAY, **more)


def test_each_variant_is_compared_with_the_default_of_the_same_source(
    opened: Store, start: int
) -> None:
    visits(opened, start, "Encyclopedia", "bestsellers", 100, 30)
    visits(opened, start, "Encyclopedia", "classic", 80, 6)
    visits(opened, start, "Encyclopedia", "", 40, 1)
    visits(opened, start, "Google", "offers", 50, 4)
    visits(opened, start, "Google", "classic", 29, 0)
    found = of_the_day(opened, start)
    assert [(row.value, row.variant, row.sessions, row.sessions_with_order) for row in found] == [
        ("Encyclopedia", "classic", 80, 6),
        ("Encyclopedia", "bestsellers", 100, 30),
        ("Encyclopedia", "", 40, 1),
        ("Google", "classic", 29, 0),
        ("Google", "offers", 50, 4),
    ]
    assert [row.verdict for row in found] == ["default", "higher", "", "default", "too few"]
    best = found[1]
    assert (best.order_rate, best.revenue, best.revenue_per_session) == (0.3, 300.0, 3.0)
    assert (best.order_rate_low, best.order_rate_high) == wilson(30, 100)
    assert best.difference == pytest.approx(0.225)
    assert (best.difference_low, best.difference_high) == newcombe(30, 100, 6, 80)
    assert found[0].difference is None


def test_sessions_count_by_when_they_started_and_by_what_they_were_shown_first(
    opened: Store, start: int
) -> None:
    device = new_device()
    session = session_of(device, NOON + start)
    for at, variant in ((-MINUTE, "offers"), (0, "classic")):
        opened.put(EVENTS, event(device, start + at, variant=variant, session_id=session))
    visits(opened, start, "", "classic", 1, 0)
    (row,) = of_the_day(opened, start)
    assert (row.variant, row.sessions) == ("classic", 1)
    (row,) = variants(opened.client, SITE, NOON + start - DAY, NOON + start)
    assert (row.variant, row.sessions) == ("offers", 1)


def test_bots_do_not_count_and_an_order_that_was_sent_again_counts_once(
    opened: Store, start: int
) -> None:
    device = new_device()
    visitor = {"session_id": session_of(device, NOON + start), "variant": "classic"}
    order: dict[str, Any] = {"type": "track", "name": "Order Completed", "order_id": device}
    opened.put(
        EVENTS,
        event(device, start, **visitor),
        event(device, start + 1000, revenue="10.00", currency="EUR", **visitor, **order),
        event(device, start + 2000, revenue="10.00", currency="EUR", **visitor, **order),
        event(new_device(), start, variant="classic", is_bot=True, person_id=None, session_id=None),
    )
    (row,) = of_the_day(opened, start)
    assert (row.sessions, row.orders, row.revenue) == (1, 1, 10.0)


def test_money_of_several_currencies_is_not_added_up(opened: Store, start: int) -> None:
    visits(opened, start, "Google", "classic", 3, 1)
    visits(opened, start, "Google", "classic", 3, 1, currency="USD")
    visits(opened, start, "Google", "offers", 3, 1, currency="USD")
    found = report(opened.client, SITE, NOON + start, NOON + start + DAY)
    money = [
        tuple(found.cell(row, name) for name in ("revenue", "revenue_per_session", "currency"))
        for row in found.rows
    ]
    assert money == [(None, None, ""), (10.0, pytest.approx(3.3333), "USD")]
    assert any("several currencies" in note for note in found.notes)


def test_it_compares_within_another_field_of_the_session(opened: Store, start: int) -> None:
    visits(opened, start, "Google", "classic", 2, 1)
    visits(opened, start, "Encyclopedia", "classic", 1, 0)
    (row,) = of_the_day(opened, start, by="referrer_medium")
    assert (row.value, row.sessions) == ("unknown", 3)
    (row,) = of_the_day(opened, start, by="entry_path")
    assert (row.value, row.sessions) == ("/", 3)
    with pytest.raises(ServerException, match="by is no field of sessions"):
        of_the_day(opened, start, by="nothing")


def test_what_is_left_out_is_said(opened: Store, start: int) -> None:
    visits(opened, start, "Google", "classic", 3, 0)
    visits(opened, start, "Encyclopedia", "classic", 2, 0)
    visits(opened, start, "a.example", "", 5, 0)
    found = report(opened.client, SITE, NOON + start, NOON + start + DAY, top=1)
    assert [row[0] for row in found.rows] == ["Google"]
    assert "of 10 sessions" in found.sentence.lower()
    assert [note for note in found.notes if "Left out" in note] == [
        "Left out: 1 more of referrer_source with fewer sessions (--top 0 shows all), "
        "2 sessions in all.",
        "Left out: 1 more of referrer_source with nobody who saw a homepage, 5 sessions in all.",
    ]


def test_a_time_without_sessions_is_an_empty_report(opened: Store, start: int) -> None:
    found = report(opened.client, SITE, NOON + start, NOON + start + DAY)
    assert (found.rows, found.sentence) == ((), "No session started in this time.")


class TestCommand:
    """`footfall report` as people type it."""

    @pytest.fixture
    def run(self, settings: Settings) -> Any:
        environment = {**os.environ, "FOOTFALL_CLICKHOUSE_URL": settings.clickhouse_url}

        def run(*words: str) -> subprocess.CompletedProcess[bytes]:
            command = [sys.executable, "-m", "infra.cli", "report", *words]
            return subprocess.run(command, env=environment, capture_output=True, timeout=60)

        return run

    def test_every_form_says_the_same(
        self, opened: Store, run: Any, start: int, tmp_path: Path
    ) -> None:
        visits(opened, start, 'Quote "and", comma', "classic", 40, 4)
        visits(opened, start, 'Quote "and", comma', "offers", 40, 30)
        (day,) = opened.ask(
            "SELECT formatDateTime(fromUnixTimestamp64Milli({at:Int64}), '%FT%T+00:00')",
            at=NOON + start,
        )
        words = ("variants", "--from", day[0])
        value = json.loads(run(*words, "--json", "--to", "2100-01-01").stdout)
        assert [row["order_rate"] for row in value["rows"]] == [0.1, 0.75]
        lines = run(*words, "--csv", "--to", "2100-01-01").stdout.decode()
        assert lines.endswith("\r\n")
        rows = list(csv.DictReader(io.StringIO(lines, newline="")))
        assert [row["referrer_source"] for row in rows] == ['Quote "and", comma'] * 2
        assert [row["verdict"] for row in rows] == ["default", "higher"]
        table = run(*words, "--to", "2100-01-01").stdout.decode()
        assert "75.0% [59.8, 85.8]" in table
        page = tmp_path / "page.html"
        assert run(*words, "--to", "2100-01-01", "--html", str(page)).returncode == 0
        assert "75.0% [59.8, 85.8]" in page.read_text()
        assert "<svg" in page.read_text()

    @pytest.mark.parametrize(
        ("words", "said"),
        [
            (("turnover",), "no report 'turnover'; there is: "),
            (("variants", "--by", "shoe_size"), "--by shoe_size is none of referrer_source, "),
            (("variants", "--json", "--csv"), "choose one of --json, --csv and --html"),
            (("variants", "--from", "yesterday"), "'yesterday' is no ISO time"),
            (("variants", "--from", "2026-11-02", "--to", "2026-11-01"), "--from must be before"),
        ],
    )
    def test_wrong_use_is_one_line_and_exit_code_2(
        self, run: Any, words: tuple[str, ...], said: str
    ) -> None:
        done = run(*words)
        assert done.returncode == 2
        assert said in done.stderr.decode()
        assert len(done.stderr.decode().strip().splitlines()) == 1

    def test_no_clickhouse_is_one_line_and_exit_code_1(self, addresses: Settings) -> None:
        nowhere = {**os.environ, "FOOTFALL_CLICKHOUSE_URL": "clickhouse://u:p@127.0.0.1:1/footfall"}
        command = [sys.executable, "-m", "infra.cli", "report", "variants"]
        done = subprocess.run(command, env=nowhere, capture_output=True, timeout=60)
        assert done.returncode == 1
        assert done.stderr.decode().startswith("footfall: ClickHouse: ")
        assert len(done.stderr.decode().strip().splitlines()) == 1
