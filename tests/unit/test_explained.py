"""`footfall homepage --explain`: what is shown and every scenario tried, for a reader."""

from __future__ import annotations

import io
from typing import Any

from rich.console import Console

from infra.cli.explained import print_explained

ANSWER: dict[str, Any] = {
    "variant": "bestsellers",
    "scenario": "encyclopedia",
    "reason": "referrer_source is Encyclopedia",
    "visitor": {"class": "returning", "logged_in": False, "sessions": 3, "orders": 0},
    "picks": [],
    "cache_key": "bestsellers",
    "degraded": False,
    "explained": [
        {"scenario": "kids", "matched": False, "why": "logged_in is false [x]", "gives": "my-kids"},
        {"scenario": "encyclopedia", "matched": True, "why": "it is", "gives": "bestsellers"},
        {"scenario": "all", "matched": True, "why": "no conditions", "gives": "experiment hero"},
    ],
}


def printed(answer: dict[str, Any]) -> str:
    console = Console(file=io.StringIO(), width=100)
    print_explained(console, answer)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_the_first_that_matches_is_the_one_that_is_taken() -> None:
    rows = [line.split(None, 1) for line in printed(ANSWER).splitlines()[-3:]]
    assert [row[0] for row in rows] == ["no", "taken", "matches"]
    assert "logged_in is false [x]" in rows[0][1]
    assert "experiment hero" in rows[2][1]


def test_who_it_is_and_what_is_shown_stands_above() -> None:
    text = printed(ANSWER)
    assert "shown     bestsellers" in text
    assert "returning, not logged in, sessions 3, orders 0" in text
    assert "degraded" not in text
    assert "could not be read" in printed(ANSWER | {"degraded": True})
