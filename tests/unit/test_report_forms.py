"""A report's four forms: what they show, and that text from outside does them no harm."""

from __future__ import annotations

import csv
import io
import re
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest
from rich.console import Console

from infra.reports.forms.page import as_page, draw
from infra.reports.forms.plain import as_csv, as_json
from infra.reports.forms.terminal import as_text, show
from infra.reports.forms.wording import share_text
from infra.reports.report import Column, Picture, Report, Row

BERLIN = ZoneInfo("Europe/Berlin")
COLUMNS = (
    Column(name="source", kind="text", what="Where from"),
    Column(name="variant", kind="text", empty="(no homepage)", what="Which"),
    Column(name="sessions", what="How many"),
    Column(name="pages_seen", what="A detail", detail=True),
    Column(name="rate", kind="rate", bounds=("low", "high"), what="A share"),
    Column(name="low", kind="rate", what="Its lower end"),
    Column(name="high", kind="rate", what="Its upper end"),
    Column(name="revenue", kind="money", currency="currency", what="Money"),
    Column(name="currency", kind="text", what="Which money"),
    Column(name="verdict", kind="verdict", what="What may be said"),
)
ROWS: tuple[Row, ...] = (
    ("Google", "classic", 1200, 7, 0.1, 0.08, 0.12, 1234.5, "EUR", "default"),
    ("Google", "offers", 40, 7, 0.2, 0.1, 0.35, None, "", "higher"),
    ("", "", 3, 7, None, None, None, 0.0, "", ""),
)


def report(**more: Any) -> Report:
    given: dict[str, Any] = {"columns": COLUMNS, "rows": ROWS, "notes": ("A note.",), **more}
    return Report(
        name="sample",
        title="A sample",
        sentence="One sentence.",
        since=datetime(2026, 11, 1, tzinfo=BERLIN),
        until=datetime(2026, 11, 8, tzinfo=BERLIN),
        picture=Picture(title="Rates", value="rate", n="sessions"),
        **given,
    )


def terminal(found: Report, width: int = 200) -> str:
    console = Console(file=io.StringIO(), width=width, force_terminal=True, color_system=None)
    console.print(as_text(found, console))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_json_has_rows_by_name_and_says_what_columns_mean() -> None:
    value = msgspec.json.decode(as_json(report()))
    assert value["from"] == "2026-11-01T00:00:00+01:00"
    assert value["rows"][1] == {
        "source": "Google",
        "variant": "offers",
        "sessions": 40,
        "pages_seen": 7,
        "rate": 0.2,
        "low": 0.1,
        "high": 0.35,
        "revenue": None,
        "currency": "",
        "verdict": "higher",
    }
    assert value["columns"][2] == {"name": "sessions", "kind": "count", "what": "How many"}
    assert value["notes"] == ["A note."]


def test_csv_quotes_as_rfc_4180_says() -> None:
    awkward = 'a "b", c\r\nd'
    text = as_csv(report(rows=((awkward, *ROWS[0][1:]),))).decode()
    head, rest = text.split("\r\n", 1)
    assert head.startswith("source,variant,sessions")
    assert rest.startswith('"a ""b"", c\r\nd",classic,1200,7,0.1')
    assert next(csv.DictReader(io.StringIO(text, newline="")))["source"] == awkward


def test_the_terminal_shows_intervals_currencies_and_a_group_once() -> None:
    text = terminal(report())
    assert "10.0% [8.0, 12.0]" in text
    assert "1,234.50 EUR" in text
    assert "2026-11-01 00:00 to 2026-11-08 00:00 CET" in text
    assert text.count("Google") == 1
    assert "(none)" in text
    assert "(no homepage)" in text
    assert "A note." in text


def test_where_it_is_narrow_details_go_and_that_is_said() -> None:
    assert "Left out" not in terminal(report(), 110)
    text = terminal(report(), 85)
    assert "Left out, for want of room: pages seen." in text
    assert "pages seen" not in text.splitlines()[3]


def test_what_is_no_terminal_gets_lines_that_are_not_folded() -> None:
    out = io.StringIO()
    show(report(), Console(file=out, width=40))
    (line,) = [line for line in out.getvalue().splitlines() if "offers" in line]
    assert line.rstrip().endswith("higher")
    assert "pages seen" in out.getvalue()


@pytest.mark.parametrize("evil", ["[red]x[/]", "\x1b[2J", "<script>alert(1)</script>", "a\nb"])
def test_text_from_outside_steers_neither_terminal_nor_page(evil: str) -> None:
    found = report(rows=((evil, *ROWS[0][1:]),))
    text = terminal(found)
    assert "\x1b[2J" not in text
    assert "a\nb" not in text
    if evil.startswith("[red]"):
        assert evil in text
    assert "<script>" not in as_page(found)


def test_the_page_needs_nothing_from_outside() -> None:
    page = as_page(report())
    assert not re.search(r"https?:|url\(|@import|<script|<link|<img|src=", page)
    assert "prefers-color-scheme: dark" in page


def test_bars_are_places_on_one_axis_with_whiskers_and_a_reference() -> None:
    found = report()
    assert found.picture
    drawing = draw(found, found.picture)
    assert drawing
    assert [text for _, text in drawing.ticks] == ["0%", "10%", "20%", "30%", "40%"]
    (group,) = drawing.groups  # the row without a value has no bar
    assert [bar.label for bar in group.bars] == ["classic", "offers"]
    assert [bar.place for bar in group.bars] == pytest.approx([25, 50])
    assert [bar.low for bar in group.bars] == pytest.approx([20, 25])
    assert [bar.high for bar in group.bars] == pytest.approx([30, 87.5])
    assert group.reference == pytest.approx(25)
    assert drawing.key == [("good", "higher"), ("base", "default")]


def test_rows_of_too_few_have_no_bar_and_that_is_said() -> None:
    picture = Picture(title="Rates", value="rate", n="sessions", least_n=41)
    drawing = draw(report(), picture)
    assert drawing
    assert [bar.label for bar in drawing.groups[0].bars] == ["classic"]
    assert drawing.left_out == 1
    page = as_page(msgspec.structs.replace(report(), picture=picture))
    assert "Not drawn, but in the table: 1 of fewer than 41 sessions." in page


@pytest.mark.parametrize("top", [0.0, 0.0004, 0.013, 0.07, 0.5, 0.999, 1.0])
def test_no_bar_leaves_the_axis(top: float) -> None:
    row = ("a", "b", 9, 9, top, top, top, None, "", "")
    found = report(rows=(row,))
    assert found.picture
    drawing = draw(found, found.picture)
    assert drawing
    assert drawing.groups[0].bars[0].place <= 100.0001
    assert drawing.ticks[-1][0] == 100
    assert 2 <= len(drawing.ticks) <= 6


def test_a_report_without_values_has_no_picture() -> None:
    assert 'class="bar' not in as_page(report(rows=()))
    found = report(rows=ROWS[2:])
    assert found.picture
    assert draw(found, found.picture) is None


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (0.0, "0.0%"),
        (1.0, "100.0%"),
        (0.1234, "12.3%"),
        (0.9994, "99.9%"),
        (0.9995, "99.95%"),
        (0.99996, "99.996%"),
        (999_999 / 1_000_000, "99.9999%"),
        (0.00003, "0.003%"),
    ],
)
def test_nearly_all_does_not_read_as_all_nor_hardly_any_as_none(share: float, text: str) -> None:
    assert share_text(share) == text
