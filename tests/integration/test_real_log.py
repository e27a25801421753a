"""A real web-server log through the whole stack: every line accounted for, twice the same."""

from __future__ import annotations

import os
import re
from pathlib import Path

from tests.requirements import require
from tests.stack import Stack, stack

DATA = Path(os.environ.get("FOOTFALL_DATA", Path(__file__).parents[3] / "shared" / "data"))
LOG = DATA / "logs" / "apache_logs_elastic_10000.log"


def table(output: str) -> dict[str, int]:
    """Row -> lines, of the table that `footfall import-logs` prints."""
    rows = (re.fullmatch(r"(\S.*?|  \S.*?)\s+([\d,]+)\s*", line) for line in output.splitlines())
    return {row[1].strip(): int(row[2].replace(",", "")) for row in rows if row}


def counts(running: Stack) -> list[str]:
    return running.sql(
        "SELECT count(), countIf(is_bot), uniqExact(device_id), uniqExact(session_id), "
        "countIf(person_id IS NOT NULL), countIf(referrer_medium = 'search') FROM events_all"
    )[0]


def test_a_real_log_imported_twice_gives_the_same_counts(tmp_path: Path) -> None:
    if not LOG.is_file():
        require("data", f"{LOG.name} is not there")
    with stack(tmp_path / "state", tmp_path / "up.log") as running:
        first = table(running.footfall("import-logs", str(LOG), "--site", "www.semicomplete.com"))
        running.drain()
        once = counts(running)
        second = table(running.footfall("import-logs", str(LOG), "--site", "www.semicomplete.com"))
        running.drain()
        assert counts(running) == once
        assert second == first
        kept = [n for row, n in first.items() if row != "read" and not row.startswith("of them")]
        assert first["read"] == sum(kept) == 10_000
        assert once[0] == str(first["events"])
        by_name = running.sql(
            "SELECT count() FROM events_all WHERE is_bot AND bot_reason != 'reads_robots_txt'"
            " OR path = '/robots.txt'"
        )
        # who asked for robots.txt is a bot all day, whatever it calls itself
        assert by_name == [[str(first["of them bots by name"])]]
        assert int(once[1]) > first["of them bots by name"]
        assert once[4] == "0"  # a log line without cookie makes no person
        rejected = sum(n for row, n in first.items() if row.startswith("rejected"))
        assert running.sql("SELECT count() FROM rejected") == [[str(rejected)]]
