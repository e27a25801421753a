"""Who is told apart how well: a small truth by hand, whose precision and recall are known."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import polars as pl
import pytest

from infra.cli.context import EXAMPLE_SITE
from infra.reports.identity import IdentityComparison, compare_identity
from infra.reports.identity_report import comparison_report, identifiers_report
from schemas.event import EnrichedEvent, Rejected
from schemas.ids import person_of_device, person_of_user, session_of
from schemas.messages import IdentityLink
from schemas.settings import Settings
from schemas.site_file import load
from sinks.clickhouse.rows import EVENTS, IDENTITY, REJECTED
from tests.sink_world import DAY, MINUTE, NOON, Store, event, new_device, store

SITE = load(EXAMPLE_SITE)
_days = itertools.count(2000, 4)


@pytest.fixture(scope="module")
def opened(settings: Settings) -> Iterator[Store]:
    with store(settings) as one:
        yield one


class World:
    """Events in ClickHouse, and beside them the truth about each."""

    def __init__(self, opened: Store) -> None:
        self.opened = opened
        self.start = next(_days) * DAY  # nothing else happens on that day and those beside it
        self._minutes = itertools.count(step=MINUTE)
        self._truth: list[dict[str, Any]] = []

    def acts(self, who: str, device: str, count: int = 1, **more: Any) -> list[EnrichedEvent]:
        """Events that are stored, and told truly unless `more` says otherwise."""
        events = [event(device, self.start + next(self._minutes), **more) for _ in range(count)]
        self.opened.put(EVENTS, *events)
        for each in events:
            self.tells(each, who)
        return events

    def tells(self, about: EnrichedEvent, who: str, **more: Any) -> None:
        row = {
            "event_id": about.event_id,
            "device_id": about.device_id,
            "event_time": about.event_time,
            "person": who,
            "session": f"visit of {who}",
            "kind": "visitor" if who else "bot",
            "consent": about.consent,
            "entailed_person": about.person_id or "",
            "entailed_session": about.session_id or "",
        }
        self._truth.append({**row, **more})

    def truth(self) -> pl.DataFrame:
        return pl.DataFrame(self._truth)

    def compared(self, **more: Any) -> IdentityComparison:
        return compare_identity(self.opened.client, self.truth(), **more)


@pytest.fixture
def world(opened: Store) -> World:
    return World(opened)


def test_a_fused_family_and_a_split_person_cost_just_their_pairs(world: World) -> None:
    laptop, phone, tablet = new_device(), new_device(), new_device()
    family, cora = person_of_user("family"), person_of_user("cora")
    world.acts("ann", laptop, 3, person_id=family)
    world.acts("bob", laptop, 2, person_id=family)
    world.acts("cora", phone, 4, person_id=cora)
    world.acts("cora", tablet, 1)
    found = world.compared()
    assert (found.events, found.missing, found.lost, found.twice) == (10, 0, 0, 0)
    persons = found.persons
    # pairs together: family 10 (ann 3, bob 1 right), cora 6 of her 10
    assert persons.against_truth.precision == (3 + 1 + 6) / (10 + 6)
    assert persons.against_truth.recall == (3 + 1 + 6) / (3 + 1 + 10)
    assert (persons.true, persons.found, persons.entailed) == (3, 3, 3)
    assert (persons.groups.as_one, persons.groups.as_several) == (2, 1)
    assert (persons.groups.fused, persons.groups.largest) == (1, 2)
    assert persons.against_rules is not None
    assert persons.against_rules.exact


def test_what_the_rules_entail_is_judged_apart(world: World) -> None:
    device = new_device()
    stored = [event(device, world.start + at * MINUTE) for at in range(4)]
    world.opened.put(EVENTS, *stored)
    for each in stored[:3]:
        world.tells(each, "ann", entailed_person="login")
    world.tells(stored[3], "ann", entailed_person="another")
    persons = world.compared().persons
    assert persons.against_truth.exact
    assert persons.against_rules is not None
    assert persons.against_rules.precision == 3 / 6
    assert persons.against_rules.recall == 1
    assert persons.entailed == 2
    assert persons.entailed_groups is not None
    assert persons.entailed_groups.as_several == 1


def test_sessions_are_judged_by_visits(world: World) -> None:
    device = new_device()
    for part, count in ((0, 2), (1, 1)):
        world.acts("ann", device, count, session_id=session_of(device, part))
    sessions = world.compared().sessions
    assert (sessions.true, sessions.found) == (1, 2)
    assert sessions.against_truth.precision == 1
    assert sessions.against_truth.recall == 1 / 3
    assert sessions.groups.as_several == 1


def test_events_that_are_missing_refused_twice_or_elsewhere_are_counted(world: World) -> None:
    device = new_device()
    twice, _ = world.acts("ann", device, 2)
    for other in (f"a{device}", f"z{device}"):
        copy = msgspec.structs.replace(twice, device_id=other, person_id=person_of_device(other))
        world.opened.put(EVENTS, copy)
    moved = event(new_device(), world.start)
    world.opened.put(EVENTS, moved, event(new_device(), world.start))
    world.tells(moved, "bob", device_id=device)
    lost, refused = event(device, world.start), event(device, world.start)
    world.tells(lost, "ann")
    world.tells(refused, "ann")
    rejected_id = str(uuid.uuid4())
    world.opened.put(
        REJECTED,
        Rejected(rejected_id=rejected_id, rejected_at=NOON, reason="x", event_id=refused.event_id),
    )
    found = world.compared()
    assert (found.events, found.missing, found.rejected, found.lost) == (5, 2, 1, 1)
    assert (found.twice, found.other_device, found.others) == (1, 1, 1)
    # of the copies that of its own device holds, so ann is still one person
    assert found.persons.groups.as_several == 0


def test_a_clock_that_was_corrected_hides_no_event(world: World) -> None:
    (one,) = world.acts("ann", new_device())
    other = event(one.device_id, world.start + 5 * 3600_000)
    world.opened.put(EVENTS, other)
    world.tells(other, "ann", event_time=one.event_time)
    assert world.compared().missing == 0


def test_bots_and_refusals_are_part_of_no_person(world: World) -> None:
    none = {"person_id": None}
    world.acts("ann", new_device(), 2)
    world.acts("", new_device(), 3, is_bot=True, session_id=None, **none)
    world.acts("", new_device(), 1)
    world.acts("bob", new_device(), 1, is_bot=True, session_id=None, **none)
    world.acts("cora", new_device(), 4, consent="denied", **none)
    world.acts("cora", new_device(), 1, consent="denied")
    found = world.compared()
    assert (found.bots, found.bots_flagged) == (4, 3)
    assert (found.visitors, found.visitors_flagged) == (8, 1)
    assert (found.refused, found.refused_with_person) == (5, 1)
    assert (found.recognized, found.persons.true, found.persons.found) == (3, 2, 1)
    assert found.persons.groups.as_none == 1
    verdicts = {row[1]: row[-1] for row in comparison_report(found, SITE).rows}
    assert verdicts["events of people that are flagged"] == "broken"
    assert verdicts["refused events with a person"] == "broken"
    assert verdicts["found twice"] == "too few"


def test_what_never_happens_in_thirty_cases_holds(world: World) -> None:
    world.acts("ann", new_device(), 30)
    found = world.compared()
    verdicts = {row[:2] + row[-1:] for row in comparison_report(found, SITE).rows}
    assert ("events", "neither found nor refused", "holds") in verdicts
    for group in ("pairs of events of one person", "pairs of events of one session"):
        assert (group, "precision, by the rules", "holds") in verdicts
        assert (group, "precision, by the truth", "") in verdicts
    assert ("consent", "refused events with a person", "too few") in verdicts


def test_a_part_of_the_time_may_be_asked_for(world: World) -> None:
    first, second, _ = world.acts("ann", new_device(), 3)
    found = world.compared(since_ms=first.event_time, until_ms=second.event_time + 1)
    assert (found.events, found.others) == (2, 0)


def test_who_is_known_by_what(world: World) -> None:
    phone, laptop, shared = new_device(), new_device(), new_device()
    ann = person_of_user(f"ann{phone}")
    for device in (phone, laptop):
        world.acts("ann", device, 1, person_id=ann, user_id="ann")
    world.acts("family", shared, 1, person_id=ann, user_id="ann")
    world.acts("family", shared, 1, user_id="bob", person_id=person_of_user(f"bob{phone}"))
    crowded = new_device()
    for user in "uvwxyz":
        world.acts("cafe", crowded, 1, user_id=user, person_id=person_of_device(crowded))
    world.acts("cora", f"p_{phone}", 2, person_id=None)
    world.opened.put(
        IDENTITY,
        IdentityLink(
            identifier=phone,
            kind="cookie",
            person_id=ann,
            valid_from=NOON + world.start,
            reason="login",
            device_id=phone,
            version=1,
        ),
    )
    found = identifiers_report(
        world.opened.client, SITE, NOON + world.start, NOON + world.start + DAY
    )
    told = {(row[0], row[1]): row[2:4] for row in found.rows}
    assert told["devices a person", "3"] == (1, 3)
    assert told["devices a person", "1"] == (2, 3)
    assert told["identifiers a person", "4"] == (1, 3)
    assert told["identifiers a person", "6 or more"] == (1, 3)
    assert told["logins a device", "1"] == (2, 4)
    assert told["logins a device", "2"] == (1, 4)
    assert told["suspicious", "devices with more than 5 logins on one day"] == (1, 4)
    assert told["events by", "nobody: no consent, or a log line"] == (2, 12)
    assert ("links by", "cookie, login") in told
    assert found.sentence == (
        "3 persons on 4 devices: 3 with a login, 1 with several devices; "
        "2 devices with several logins."
    )


def test_the_command_reads_the_file_and_says_what_is_wrong_with_it(
    world: World, settings: Settings, tmp_path: Path
) -> None:
    world.acts("ann", new_device(), 2)
    path = tmp_path / "truth.parquet"
    world.truth().write_parquet(path)
    environment = {**os.environ, "FOOTFALL_CLICKHOUSE_URL": settings.clickhouse_url}
    command = [sys.executable, "-m", "infra.cli", "report", "identity", "--truth"]
    done = subprocess.run(
        [*command, str(path), "--json"], env=environment, capture_output=True, timeout=60
    )
    value = json.loads(done.stdout)
    assert {row["what"]: row["count"] for row in value["rows"]}["persons found"] == 1
    world.truth().drop("session").write_parquet(path)
    done = subprocess.run([*command, str(path)], env=environment, capture_output=True, timeout=60)
    assert done.returncode == 2
    (line,) = done.stderr.decode().splitlines()
    assert "truth.parquet: no column session" in line
