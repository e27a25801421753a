"""Simulated shoppers on a running stack: Footfall must find out who they were."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import polars as pl
import pytest

from tests.processes import await_true
from tests.stack import Stack, stack


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Stack:  # type: ignore[misc]
    directory = tmp_path_factory.mktemp("simulate")
    with stack(directory / "state", directory / "up.log") as running:
        running.environment["FOOTFALL_SECRET_KEY"] = (directory / "state/secret").read_text()
        yield running


@pytest.fixture(scope="module")
def week(running: Stack, tmp_path_factory: pytest.TempPathFactory) -> pl.DataFrame:
    """300 shoppers of a past week, sent; their truth beside what ClickHouse says."""
    truth = tmp_path_factory.mktemp("week") / "truth.parquet"
    words = ("simulate", "--shoppers", "300", "--seed", "4", "--truth", str(truth))
    running.footfall(*words, "--send", running.collector)
    running.drain()
    return beside(running, pl.read_parquet(truth))


def beside(running: Stack, truth: pl.DataFrame) -> pl.DataFrame:
    """Every event of the truth or of ClickHouse; what only one of them knows has nulls."""
    rows = running.sql(
        "SELECT toString(event_id), device_id, ifNull(toString(person_id), ''), "
        "ifNull(toString(session_id), ''), toString(is_bot), consent, scenario, protocol, "
        "toString(late) FROM events_all"
    )
    names = ["event_id", "device", "found_person", "found_session", "is_bot", "found_consent"]
    schema = dict.fromkeys([*names, "scenario", "protocol", "late"], pl.String)
    found = pl.DataFrame(rows, schema=schema, orient="row")
    return truth.join(found, on="event_id", how="full", coalesce=True)


def assert_resolved(events: pl.DataFrame) -> None:
    """Persons and sessions are exactly what the rules entail."""
    assert len(events) > 100
    agreed = events.filter(pl.col("consent") == "granted")
    assert agreed["device"].to_list() == agreed["device_id"].to_list()
    assert agreed["found_person"].to_list() == agreed["entailed_person"].to_list()
    assert agreed["found_session"].to_list() == agreed["entailed_session"].to_list()
    refused = events.filter(pl.col("consent") == "denied")
    assert set(refused["found_person"]) == {""}, "who refused is nobody"
    assert refused["device"].str.starts_with("p_").all()
    visitors = events.filter(pl.col("kind") == "visitor")
    assert set(visitors["is_bot"]) == {"false"}, "no shopper is taken for a bot"


def test_every_event_of_the_past_lands_once(week: pl.DataFrame) -> None:
    assert len(week) == week["event_id"].n_unique() > 4000
    assert week["device"].null_count() == 0, "all that was sent is there"
    assert week["person"].null_count() == 0, "nothing else is there"
    assert set(week["protocol"]) == {"import"}
    assert set(week["late"]) == {"false"}


def test_persons_and_sessions_are_what_the_rules_entail(week: pl.DataFrame) -> None:
    assert_resolved(week)
    assert week["found_person"].n_unique() > 150
    several = week.filter(pl.col("user_id") != "")["device_id"].n_unique()
    assert several > 30, "people log in, also on more than one device"


def test_bots_are_flagged(week: pl.DataFrame) -> None:
    bots = week.filter(pl.col("kind") == "bot")
    assert len(bots) > 50
    assert (bots["is_bot"] == "true").sum() / len(bots) > 0.7, "but for those in disguise"


def test_homepages_since_the_launch_are_credited(week: pl.DataFrame, running: Stack) -> None:
    assert {"encyclopedia", "search-toys", "default"} <= set(week["scenario"])
    variants = running.sql("SELECT DISTINCT variant FROM sessions WHERE scenario = 'encyclopedia'")
    assert variants == [["bestsellers"]]


def test_sent_again_it_adds_nothing(week: pl.DataFrame, running: Stack) -> None:
    count = "SELECT count(), uniqExact(person_id), uniqExact(session_id) FROM events_all"
    before = running.sql(count)
    until = running.sql("SELECT max(event_time) FROM events_all")[0][0]
    words = ("simulate", "--shoppers", "100", "--seed", "6", "--until", until)
    running.footfall(*words, "--send", running.collector)
    running.drain()
    once = running.sql(count)
    assert int(once[0][0]) > int(before[0][0]) + 1000
    running.footfall(*words, "--send", running.collector)
    running.drain()
    assert running.sql(count) == once


def test_live_shoppers_ask_for_their_homepage_and_are_recognized(
    week: pl.DataFrame, running: Stack, tmp_path: Path
) -> None:
    truth = tmp_path / "live.csv"
    words = ("--live", "--per-minute", "900", "--seed", "5", "--truth", str(truth))
    where = ("--send", running.collector, "--personalize", running.personalize)
    process = subprocess.Popen(
        [sys.executable, "-m", "infra.cli", "simulate", *words, *where],
        env=running.environment,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        await_true(lambda: truth.exists() and len(pl.read_csv(truth)) > 150, 60, "live events")
        asked = time.monotonic()
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=30)
    finally:
        process.kill()
    assert process.returncode == 0, said
    assert time.monotonic() - asked < 10
    assert "without an answer in time" in said
    running.drain()
    texts = pl.read_csv(truth, infer_schema_length=0).fill_null("")
    live = beside(running, texts).drop_nulls("person")
    assert len(live) == len(texts)
    assert set(live["protocol"]) == {"segment"}
    assert set(live["late"]) == {"false"}
    assert_resolved(live)
    shown = "SELECT count() FROM decisions WHERE shown AND variant = 'bestsellers'"
    assert int(running.sql(shown)[0][0]) > 0, "the services' own decisions come back"
    assert live.join(week, on="event_id").is_empty(), "no id is the history's"


def test_the_log_of_the_same_shoppers_is_imported_under_the_same_ids(
    week: pl.DataFrame, running: Stack, tmp_path: Path
) -> None:
    log, truth = tmp_path / "access.log.gz", tmp_path / "truth.ndjson"
    words = ("simulate", "--shoppers", "120", "--seed", "8", "--as", "log")
    running.footfall(*words, "--out", str(log), "--truth", str(truth))
    running.footfall("import-logs", str(log))
    running.drain()
    events = beside(running, pl.read_ndjson(truth))
    assert events.filter(pl.col("person").is_not_null())["device"].null_count() == 0
    assert events.filter(pl.col("protocol") == "log")["person"].null_count() == 0


def test_in_a_hard_world_too_everybody_is_who_the_rules_entail(
    running: Stack, tmp_path: Path
) -> None:
    """Aliases, verified addresses, clicks, revocations; and the web server's log of it all."""
    log, truth = tmp_path / "access.log", tmp_path / "truth.parquet"
    words = ("simulate", "--shoppers", "600", "--seed", "9", "--hard", "--log", str(log))
    running.footfall(*words, "--truth", str(truth), "--send", running.collector)
    running.footfall("import-logs", str(log))
    running.drain()
    report = json.loads(running.footfall("report", "identity", "--truth", str(truth), "--json"))
    rows = {(row["about"], row["what"]): row for row in report["rows"]}
    assert [row for row in report["rows"] if row["verdict"] == "broken"] == []
    for group in ("pairs of events of one person", "pairs of events of one session"):
        for what in ("precision, by the rules", "recall, by the rules"):
            assert rows[group, what]["share"] == 1
    kinds = {what.partition(":")[0] for about, what in rows if about == "pairs by evidence"}
    assert {"login", "verified", "log"} <= kinds
    lines = rows["lines of the log", "joined to a person"]
    assert lines["count"] > 0.9 * lines["of"]
    beyond = rows["pairs of events with evidence without doubt", "any: precision"]
    assert beyond["share"] == 1


def test_a_wrong_key_is_one_line_and_exit_code_1(running: Stack) -> None:
    command = [sys.executable, "-m", "infra.cli", "simulate", "--shoppers", "5", "--key", "sk_no"]
    done = subprocess.run(
        [*command, "--send", running.collector],
        env={**os.environ, **running.environment},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 1
    assert "401" in done.stderr.splitlines()[-1]
