"""make demo ONCE=1, as a newcomer calls it: everything happens, is counted, and is gone."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from infra.demo.place import PARENT
from tests.ports import free_offset


def command(*words: str) -> list[str]:
    return [sys.executable, "-m", "infra.demo", *words]


def environment() -> dict[str, str]:
    return {**os.environ, "FOOTFALL_PORT_OFFSET": str(free_offset()), "COLUMNS": "110"}


def processes_of(own: dict[str, str]) -> list[int]:
    """Processes that were started with these ports."""
    wanted = f"FOOTFALL_PORT_OFFSET={own['FOOTFALL_PORT_OFFSET']}".encode()
    found = []
    for folder in Path("/proc").iterdir():
        try:
            if wanted in (folder / "environ").read_bytes().split(b"\0"):
                found.append(int(folder.name))
        except (OSError, ValueError):  # not a process, not ours, or gone
            continue
    return found


@pytest.fixture(scope="module")
def once() -> tuple[subprocess.CompletedProcess[str], dict[str, str]]:
    own = environment()
    done = subprocess.run(
        command("--once"), env=own, capture_output=True, text=True, timeout=280, check=False
    )
    return done, own


Once = tuple[subprocess.CompletedProcess[str], dict[str, str]]


def test_the_demo_ends_well_and_leaves_nothing(once: Once) -> None:
    done, own = once
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Everything is stopped" in done.stdout
    assert processes_of(own) == []
    assert not list(PARENT.glob(f"demo-*-{own['FOOTFALL_PORT_OFFSET']}"))


def test_it_prints_three_links_with_what_to_do(once: Once) -> None:
    done, own = once
    offset = int(own["FOOTFALL_PORT_OFFSET"])
    for link in (f"{8083 + offset}/wiki/Teddy_bear", f"{8081 + offset}/ops", f"{8086 + offset}/"):
        assert f"http://127.0.0.1:{link}" in done.stdout
    assert f"FOOTFALL_PORT_OFFSET={offset} .venv/bin/footfall sql" in " ".join(done.stdout.split())


def test_every_event_of_the_shoppers_has_one_fate(once: Once) -> None:
    text = once[0].stdout
    sent = re.search(r"simulated shoppers sent\s+([\d,]+)", text)
    assert sent is not None
    assert int(sent[1].replace(",", "")) > 50_000
    assert re.search(r"lost, stored twice\s+0, 0\b", text)
    assert "live equals ClickHouse" in text


def test_persons_are_those_that_the_rules_entail(once: Once) -> None:
    text = once[0].stdout
    assert re.search(r"precision, recall by the rules\s+1\.0000, 1\.0000", text)
    assert re.search(r"refused, and known all the same\s+0\b", text)


def test_the_encyclopedias_readers_order_more_where_they_see_the_bestsellers(once: Once) -> None:
    text = once[0].stdout
    rate = r"\s+[\d,]+\s+[\d,]+\s+([\d.]+)%\s+[\d.]+% - ([\d.]+)%"
    classic = re.search("Encyclopedia +classic" + rate, text)
    bestsellers = re.search("bestsellers" + rate, text)
    assert classic is not None
    assert bestsellers is not None
    # Which shoppers there are depends on the hour: that two intervals are apart is usual, not sure.
    assert float(bestsellers[1]) > float(classic[2]), "above all that classic may be"


def test_ctrl_c_in_the_middle_stops_everything() -> None:
    own = environment()
    process = subprocess.Popen(
        command(), env=own, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    assert process.stdout is not None
    seen = ""
    while "A past week" not in seen:
        line = process.stdout.readline()
        assert line, seen
        seen += line
    time.sleep(1)
    process.send_signal(signal.SIGINT)
    rest, _ = process.communicate(timeout=90)
    assert process.returncode == 0, seen + rest
    assert "Everything is stopped" in rest
    assert processes_of(own) == []


def test_a_log_that_is_not_there_is_an_error_before_anything_starts() -> None:
    done = subprocess.run(
        command("--log", "nowhere.log"), capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "LOG=nowhere.log is not there" in done.stderr
