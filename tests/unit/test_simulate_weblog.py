"""The simulated web-server log: the importer understands every line and derives the same ids."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import polars as pl
import pytest

from infra.simulate.odds import WEB_LOG_BOTS, Dirt
from infra.simulate.weblog import LogLine, log_lines
from ingest.logs.events import EventMaker, days_of, is_event, is_refusal
from ingest.logs.parse import Parser
from ingest.logs.repeats import Repeats
from schemas.event import Event
from streams.steps.detect_bot import detect_bot
from tests.unit.simulated import UNTIL, plan, site


@pytest.fixture(scope="module")
def lines() -> list[LogLine]:
    return list(log_lines(plan(dirt=Dirt(bots=WEB_LOG_BOTS, scrapers=0))))


@pytest.fixture(scope="module")
def table(lines: list[LogLine]) -> pl.DataFrame:
    parser = Parser("combined", site().hosts, lambda: UNTIL)
    return parser.table([line.text for line in lines])


@pytest.fixture(scope="module")
def events(table: pl.DataFrame) -> list[Event]:
    numbered = table.with_columns(Repeats().number(table["line"], table["time_ms"]).alias("n"))
    found = numbered.filter(is_event())
    salts = dict.fromkeys(days_of(found), b"salt")
    return list(EventMaker(site().name, site().hosts[0]).events(found, salts))


def test_no_line_is_refused(table: pl.DataFrame) -> None:
    assert len(table.filter(is_refusal())) == 0
    assert Counter(table["fate"].to_list()).keys() >= {"page", "failed", "static", "not_get"}


def test_events_have_the_ids_and_times_that_the_truth_names(
    lines: list[LogLine], events: list[Event]
) -> None:
    truths = {line.truth.event_id: line.truth for line in lines if line.truth is not None}
    assert {event.event_id for event in events} == truths.keys()
    assert all(event.event_time == truths[event.event_id].event_time for event in events)


def test_equal_lines_are_different_events(lines: list[LogLine]) -> None:
    texts = [line.text for line in lines if line.truth is not None]
    assert len(set(texts)) < len(texts), "people click twice"
    assert len({line.truth.event_id for line in lines if line.truth}) == len(texts)


def test_bots_are_a_quarter_and_mostly_say_so(lines: list[LogLine], events: list[Event]) -> None:
    kinds = {line.truth.event_id: line.truth.kind for line in lines if line.truth is not None}
    bots = sum(kind == "bot" for kind in kinds.values())
    assert bots / len(kinds) == pytest.approx(WEB_LOG_BOTS, rel=0.2)
    flagged = [e for e in events if detect_bot(e.user_agent, "log", e.notes)]
    assert all(kinds[event.event_id] == "bot" for event in flagged), "no visitor is taken for one"
    assert len(flagged) > 0.8 * bots


def test_lines_are_in_order_of_time(table: pl.DataFrame) -> None:
    assert table["time_ms"].is_sorted()


def test_the_same_plan_writes_the_same_log() -> None:
    def text() -> Iterator[str]:
        return (line.text for line in log_lines(plan(shoppers=100)))

    assert list(text()) == list(text())
