"""The layout for a cluster, as far as a single server without Keeper can try it.

The engine parses every statement; and two servers with the rows of one, dealt out as the layout
says, answer together what the one answers.
"""

from __future__ import annotations

import random
import re
import uuid
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from schemas.event import EnrichedEvent
from schemas.ids import person_of_user
from schemas.messages import Correction, Resolution
from schemas.settings import Settings
from schemas.site import Site
from sinks.clickhouse.cluster import EVERYWHERE, SHARDED, Unplaced, statements
from sinks.clickhouse.rows import CORRECTIONS, EVENTS, RESOLUTIONS, TABLES
from tests.servers import own_settings
from tests.sink_world import DAY, MINUTE, NOON, Store, event, new_device, own_clickhouse, store

COLUMNS = "event_id, device_id, event_time, person_id, session_id, is_bot, bot_reason, path"


@pytest.fixture
def layout() -> list[str]:
    return list(statements("prod", "footfall", Site(name="")))


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Store]]:
    """Two shards, and one that has all rows."""
    with ExitStack() as stack:
        opened = []
        for name in ("one", "two", "all"):
            settings = own_settings()
            stack.enter_context(own_clickhouse(settings, tmp_path_factory.mktemp(name)))
            opened.append(stack.enter_context(store(settings)))
        yield opened


def test_the_engine_parses_every_statement(settings: Settings, layout: list[str]) -> None:
    with store(settings) as opened:
        for statement in layout:
            assert opened.ask(f"EXPLAIN AST {statement}"), statement


def test_every_table_and_view_is_there_on_all_servers(layout: list[str]) -> None:
    made = [text for text in layout if text.startswith("CREATE")]
    assert all(" ON CLUSTER 'prod'" in text for text in made)
    stored = [text for text in made if "MergeTree" in text]
    assert {re.findall(r"footfall_shard\.(\w+)", text)[0] for text in stored} == EVERYWHERE | set(
        SHARDED
    )
    assert all("ENGINE = Replicated" in text for text in stored)
    distributed = {
        found[0]
        for text in made
        if (found := re.findall(r"footfall\.(\w+) ON .*Distributed\(", text, re.DOTALL))
    }
    assert distributed == EVERYWHERE | set(SHARDED) | {"events_all"}
    assert {table.name for table in TABLES} <= distributed, "the sink inserts into these"


def test_a_table_that_nobody_has_placed_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "migrations").mkdir()
    (tmp_path / "views").mkdir()
    (tmp_path / "views/01.sql").write_text("CREATE OR REPLACE VIEW events_all\n(\na\n)\nAS SELECT")
    (tmp_path / "migrations/0001.sql").write_text(
        "CREATE TABLE IF NOT EXISTS other_stored (a UInt8) ENGINE = MergeTree ORDER BY a;"
    )
    with pytest.raises(Unplaced, match="other_stored"):
        list(statements("prod", "footfall", Site(name=""), tmp_path))


def test_shards_answer_together_what_one_server_answers(servers: list[Store]) -> None:
    *shards, whole = servers
    rng = random.Random(7)
    histories = {(device := new_device()): history(device, rng) for _ in range(60)}
    shard_of = dict(
        whole.ask("SELECT arrayJoin({d:Array(String)}) AS d, cityHash64(d) % 2", d=list(histories))
    )
    for number, server in enumerate(servers):
        own = [histories[d] for d in histories if server is whole or shard_of[d] == number]
        events = [event for events, _ in own for event in events]
        server.put(EVENTS, *events, *events[::5])
        server.put(CORRECTIONS, *(span for _, spans in own for span in spans))
    root, other = person_of_user("user-0"), person_of_user("user-1")
    alias = Resolution(person_id=other, device_id="", resolved_id=root, version=5)
    for server in servers:
        server.put(RESOLUTIONS, alias)
    expected = whole.ask(f"SELECT {COLUMNS} FROM events_all")
    found = [row for shard in shards for row in shard.ask(f"SELECT {COLUMNS} FROM events_all")]
    assert all(shard.ask("SELECT count() > 10 FROM events_all") == [(1,)] for shard in shards)
    assert sorted(found, key=repr) == sorted(expected, key=repr)
    aliased = [row for row in found if str(row[3]) == root]
    assert len({row[1] for row in aliased}) > 3, "an alias holds on every shard"


def history(device: str, rng: random.Random) -> tuple[list[EnrichedEvent], list[Correction]]:
    """Some days of a device, and what became known about it later."""
    events = [event(device, rng.randrange(3 * DAY), path=f"/{n}") for n in range(4)]
    user = person_of_user(f"user-{rng.randrange(4)}")
    spans: list[dict[str, Any]] = [
        {"what": "person", "since": 0, "until": NOON + rng.randrange(3 * DAY), "person_id": user},
    ]
    if rng.random() < 0.3:
        day = NOON // DAY * DAY
        flag = {"what": "bot", "since": day, "until": day + DAY - 1, "bot_reason": "rate"}
        spans.append({**flag, "person_id": None})
    if rng.random() < 0.3:
        cut = NOON + rng.randrange(DAY)
        moved = {"what": "session", "since": cut, "until": cut + 600 * MINUTE}
        spans.append(
            {**moved, "person_id": None, "session_id": str(uuid.UUID(int=rng.getrandbits(128)))}
        )
    return events, [
        Correction(**{"device_id": device, "session_id": None, "version": 1, **span})
        for span in spans
    ]
