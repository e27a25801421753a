"""Imported log lines and the visitors who were seen at their address, on the whole stack."""

from __future__ import annotations

import json
import time
import urllib.request
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from schemas.ids import person_of_device, person_of_user
from tests.stack import CHROME, Stack, stack

HOME, OFFICE, CAFE = "198.51.100.7", "203.0.113.20", "2001:db8::7"


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    directory = tmp_path_factory.mktemp("joined-logs")
    with stack(directory / "state", directory / "up.log") as running:
        yield running


def visit(running: Stack, cookie: str, address: str, *, consent: bool = True) -> None:
    """A page view as a browser behind our proxy sends it."""
    event = {"type": "page", "id": str(uuid.uuid4()), "url": "https://toyhouse.example/"}
    beacon = {"key": "pk_demo", "load": str(uuid.uuid4()), "consent": consent, "events": [event]}
    request = urllib.request.Request(
        f"{running.collector}/b",
        data=json.dumps(beacon).encode(),
        headers={
            "Content-Type": "text/plain",
            "Origin": "https://toyhouse.example",
            "Cookie": f"ff_id={cookie}",
            "User-Agent": CHROME,
            "X-Forwarded-For": f"192.0.2.99, {address}",
        },
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        assert answer.status == 204


def log_line(minutes_ago: float, address: str, page: str, agent: str = CHROME) -> str:
    at = datetime.fromtimestamp(time.time() - minutes_ago * 60, UTC)
    return (
        f'{address} - - [{at:%d/%b/%Y:%H:%M:%S} +0000] "GET {page} HTTP/1.1" 200 512 "-" "{agent}"'
    )


def test_log_lines_are_of_who_alone_was_seen_at_their_address(
    running: Stack, tmp_path: Path
) -> None:
    visit(running, "annas-laptop", HOME)
    visit(running, "bens-laptop", OFFICE)
    visit(running, "cleos-laptop", OFFICE)
    visit(running, "doras-phone", CAFE)
    visit(running, "", CAFE, consent=False)
    log = tmp_path / "access.log"
    lines = [
        log_line(5, HOME, "/p/anna/five-minutes-before"),
        log_line(180, HOME, "/p/anna/three-hours-before"),
        log_line(5, HOME, "/another-browser", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0)"),
        log_line(5, OFFICE, "/one-of-two"),
        log_line(5, CAFE, "/who-refused-or-who-did-not"),
    ]
    log.write_text("\n".join(lines) + "\n")
    running.footfall("import-logs", str(log), "--site", "toyhouse.example")
    running.drain()
    anna = person_of_device("annas-laptop")
    persons = dict(
        running.sql("SELECT path, ifNull(toString(person_id), '') FROM events_all "
                    "WHERE protocol = 'log'")
    )  # fmt: skip
    assert persons == {
        "/p/anna/five-minutes-before": anna,
        "/p/anna/three-hours-before": "",
        "/another-browser": "",
        "/one-of-two": "",
        "/who-refused-or-who-did-not": "",
    }
    assert running.sql(
        "SELECT kind, person_id, reason FROM identities WHERE reason = 'address_and_agent'"
    ) == [["pseudonym", anna, "address_and_agent"]]

    # she logs in: the lines of before are hers, and neither a device nor a visit of its own
    running.segment("identify", anonymousId="annas-laptop", userId="anna")
    running.drain()
    anna = person_of_user("anna")
    assert running.sql(
        "SELECT path, (SELECT groupArray(person_id) FROM identities WHERE kind = 'pseudonym'), "
        f"(SELECT (devices, sessions) FROM persons WHERE person_id = '{anna}') "
        f"FROM events_all WHERE protocol = 'log' AND person_id = '{anna}'"
    ) == [["/p/anna/five-minutes-before", f"['{anna}']", "(1,1)"]]

    # live equals batch: a log is history, which live funnels never touch
    assert running.live("checkout")["steps"] == running.funnel("checkout")["steps"]

    # another browser of her household is seen: nobody can tell any more
    visit(running, "her-sons-laptop", HOME)
    running.drain()
    assert running.sql(
        "SELECT count() FROM events_all WHERE protocol = 'log' AND isNotNull(person_id)"
    ) == [["0"]]
