"""Reports on visits against plain loops in Python, on random histories.

Each example has years of its own in the shared tables; what the views say must be what the loops
say, row for row, and what the reports say must be what the views say.
"""

from __future__ import annotations

import itertools
import json
import statistics
import uuid
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from html import unescape
from pathlib import Path
from random import Random
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import pytest
from typer.testing import CliRunner

from infra.cli import app
from infra.cli.context import EXAMPLE_SITE
from infra.reports import pages, paths, referrers, retention
from schemas.event import EnrichedEvent
from schemas.settings import Settings
from schemas.site_file import load
from sinks.clickhouse.rows import EVENTS
from tests.sink_world import DAY, MINUTE, NOON, Store, event, store

SITE = load(EXAMPLE_SITE)
BERLIN = ZoneInfo("Europe/Berlin")
WEEKS = 7
PATHS = ["/", "/p/1", "/p/2", "/search", ""]
QUERIES = ["Bear", " bear ", "Ötzi", "ÖTZI", "drum"]


class Visit(NamedTuple):
    """One session: who, and its events in order of time."""

    session: str
    person: str | None
    acts: list[EnrichedEvent]

    @property
    def started(self) -> int:
        return self.acts[0].event_time

    @property
    def pages(self) -> list[EnrichedEvent]:
        return [act for act in self.acts if act.type in ("page", "screen")]


class World(NamedTuple):
    since: int  # ms
    until: int
    visits: list[Visit]

    @property
    def inside(self) -> list[Visit]:
        return [visit for visit in self.visits if self.since <= visit.started < self.until]


@pytest.fixture(scope="module")
def opened(settings: Settings) -> Iterator[Store]:
    with store(settings) as one:
        yield one


@pytest.fixture(scope="module", params=range(3))
def world(opened: Store, request: pytest.FixtureRequest) -> World:
    """Six weeks around the end of summer time; some visits start before and some after."""
    random = Random(request.param)
    since = NOON + (20 + 2 * request.param) * 364 * DAY + random.randrange(DAY)
    visits = []
    for _ in range(120):
        person = str(uuid.uuid4()) if random.random() < 0.9 else None
        device = f"d-{uuid.uuid4()}"
        for _ in range(random.choice([1, 1, 2, 3, 6])):
            start = since + random.randrange(-4 * DAY, WEEKS * 7 * DAY)
            visits.append(visit(random, device, person, start))
    opened.put(EVENTS, *(act for one in visits for act in one.acts))
    return World(since, since + 6 * 7 * DAY, visits)


def visit(random: Random, device: str, person: str | None, start: int) -> Visit:
    session = str(uuid.uuid4())
    given: dict[str, Any] = {"person_id": person, "session_id": session}
    given |= {"referrer_source": random.choice(["", "Google", "Encyclopedia"])}
    given |= {"referrer_term": random.choice(["", "teddy", "kite"]), "referrer_medium": "search"}
    times = sorted(random.sample(range(8 * MINUTE), random.randrange(1, 9)))
    acts = []
    for number, at in enumerate([0, *[time + 1 for time in times]]):
        own = given if number == 0 else given | {"referrer_medium": "internal"}
        own = own | act(random)
        acts.append(event(device, start - NOON + at, **own))
    return Visit(session, person, acts)


def act(random: Random) -> dict[str, Any]:
    """A page view, a search, an order, time that was spent, or something else."""
    path = random.choice(PATHS)
    kind = random.random()
    if kind < 0.6:
        found: dict[str, Any] = {"path": path, "type": random.choice(["page", "page", "screen"])}
        if path == "/search":
            found |= {"search_query": random.choice(QUERIES)}
            found |= {"search_results": random.choice([None, 0, 3])}
        return found
    if kind < 0.75:
        return {"type": "track", "name": "Page Left", "path": path, "engaged_ms": 1500}
    if kind < 0.85:
        order = {"order_id": str(random.randrange(10**9)), "revenue": "10.0000", "currency": "EUR"}
        return {"type": "track", "name": "Order Completed", "path": path, **order}
    return {"type": "track", "name": "Clicked", "path": path}


def window(world: World) -> dict[str, Any]:
    return {
        "since": datetime.fromtimestamp(world.since / 1000, UTC),
        "until": datetime.fromtimestamp(world.until / 1000, UTC),
    }


def view(opened: Store, world: World, columns: str, name: str, **more: str) -> list[Any]:
    """Rows of a parameterized view, as an analyst asks for them."""
    given = {key: f"{at:%F %T}.{at.microsecond // 1000:03}" for key, at in window(world).items()}
    words = ", ".join(f"{key} = '{value}'" for key, value in {**given, **more}.items())
    return opened.ask(f"SELECT {columns} FROM {name}({words})")


def test_pages_are_counted_as_a_plain_loop_counts_them(opened: Store, world: World) -> None:
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    persons: dict[str, set[str | None]] = defaultdict(set)
    seconds: dict[str, list[float]] = defaultdict(list)
    for one in world.inside:
        seen = one.pages
        for path in {page.path for page in seen}:
            counts[path]["sessions"] += 1
            persons[path] |= {one.person} - {None}
        for page, following in itertools.zip_longest(seen, seen[1:]):
            counts[page.path]["views"] += 1
            if following:
                seconds[page.path].append((following.event_time - page.event_time) / 1000)
        for left in one.acts:
            counts[left.path]["engaged"] += left.engaged_ms
        if seen:
            counts[seen[0].path]["entries"] += 1
            counts[seen[-1].path]["exits"] += 1
            others = [a for a in one.acts if a.type == "track" and not a.engaged_ms]
            counts[seen[0].path]["bounces"] += len(seen) == 1 and not others
    names = ("views", "sessions", "entries", "exits", "bounces")
    expected = {
        path: (
            *(n[name] for name in names),
            len(persons[path]),
            len(seconds[path]),
            pytest.approx(statistics.median(seconds[path])) if seconds[path] else None,
            pytest.approx(n["engaged"] / n["views"] / 1000),
        )
        for path, n in counts.items()
        if n["views"]
    }
    asked = f"path, {', '.join(names)}, persons, timed_views, seconds, engaged_s"
    found = view(opened, world, asked, "report_pages")
    assert {row[0]: row[1:] for row in found} == expected


def test_entries_and_exits_of_pages_are_those_of_sessions(opened: Store, world: World) -> None:
    for column, path in (("entries", "entry_path"), ("exits", "exit_path")):
        rows = opened.ask(
            f"SELECT {path}, count() FROM sessions WHERE pages > 0"
            " AND started_at >= {since:DateTime64(3)} AND started_at < {until:DateTime64(3)}"
            f" GROUP BY {path}",
            **window(world),
        )
        found = view(opened, world, f"path, {column}", "report_pages")
        assert dict(rows) == {path: count for path, count in found if count}


def test_steps_between_pages_are_counted_as_a_plain_loop_counts_them(
    opened: Store, world: World
) -> None:
    steps: Counter[tuple[str, str]] = Counter()
    sessions: Counter[tuple[str, str]] = Counter()
    for one in world.inside:
        seen = [path for path, _ in itertools.groupby(p.path or "(no path)" for p in one.pages)]
        if seen:
            made = list(itertools.pairwise(["", *seen, ""]))
            steps.update(made)
            sessions.update(set(made))
    leaving: Counter[str] = Counter()
    for (from_path, _), count in steps.items():
        leaving[from_path] += count
    found = view(opened, world, "from_path, to_path, steps, sessions, of_steps", "report_paths")
    assert {row[:2]: row[2:] for row in found} == {
        step: (count, sessions[step], leaving[step[0]]) for step, count in steps.items()
    }


def period_of(at_ms: int, period: str) -> date:
    day = datetime.fromtimestamp(at_ms / 1000, BERLIN).date()
    if period == "week":
        return day - timedelta(days=day.weekday())
    return day.replace(day=1) if period == "month" else day


def following(start: date, period: str) -> date:
    if period == "month":
        return (start + timedelta(days=32)).replace(day=1)
    return start + timedelta(days=7 if period == "week" else 1)


@pytest.mark.parametrize(
    ("period", "by"), [("week", ""), ("week", "referrer_source"), ("day", ""), ("month", "")]
)
def test_who_came_again_is_counted_as_a_plain_loop_counts_them(
    opened: Store, world: World, period: str, by: str
) -> None:
    visits: dict[str, list[Visit]] = defaultdict(list)
    for one in world.visits:
        if one.person and one.started < world.until:
            visits[one.person].append(one)
    cohorts: dict[tuple[str, date], list[set[date]]] = defaultdict(list)
    for theirs in visits.values():
        first = min(theirs, key=lambda one: one.started)
        if first.started >= world.since:
            value = entry_source(first) if by else ""
            starts = {period_of(one.started, period) for one in theirs}
            cohorts[value, period_of(first.started, period)].append(starts)
    expected = {}
    over = datetime.fromtimestamp(world.until / 1000, BERLIN).date()
    for (value, cohort), persons in cohorts.items():
        start = cohort
        for number in itertools.count():
            if start > period_of(world.until, period):
                break
            ended = following(start, period) <= over
            back = sum(start in starts for starts in persons)
            expected[value, cohort, number] = (len(persons), back, ended)
            start = following(start, period)
    found = view(
        opened,
        world,
        "value, cohort, number, persons, returned, complete",
        "report_retention",
        period=period,
        zone="Europe/Berlin",
        by=by,
    )
    assert {row[:3]: row[3:] for row in found} == expected


def entry_source(one: Visit) -> str:
    return next((a for a in one.acts if a.referrer_medium == "search"), one.acts[0]).referrer_source


def test_referrers_are_counted_as_a_plain_loop_counts_them(opened: Store, world: World) -> None:
    groups: dict[str, list[Visit]] = defaultdict(list)
    for one in world.inside:
        groups[entry_source(one)].append(one)
    expected = {}
    for value, theirs in groups.items():
        looked: Counter[str] = Counter()
        terms: Counter[str] = Counter()
        n: Counter[str] = Counter()
        for one in theirs:
            queries = [act for act in one.acts if act.search_query]
            looked.update({act.search_query.strip().lower() for act in queries})
            terms.update({one.acts[0].referrer_term} - {""})
            orders = sum(act.name == "Order Completed" for act in one.acts)
            others = [a for a in one.acts if a.type == "track" and not a.engaged_ms]
            n["bounces"] += len(one.pages) <= 1 and not others
            n["pages"] += len(one.pages)
            n["searching"] += bool(queries)
            n["searches"] += len(queries)
            n["fruitless"] += sum(act.search_results == 0 for act in queries)
            n["orders"] += orders
            n["sessions_with_order"] += bool(orders)
        expected[value] = (
            len(theirs),
            len({one.person for one in theirs} - {None}),
            *(n[name] for name in REFERRERS),
            sorted(looked.items(), key=lambda item: (-item[1], item[0]))[:10],
            sorted(terms.items(), key=lambda item: (-item[1], item[0]))[:10],
            10 * n["orders"],
        )
    columns = f"value, sessions, persons, {', '.join(REFERRERS)}, looked_for, terms, revenue"
    found = view(opened, world, columns, "report_referrers", by="referrer_source")
    assert {row[0]: row[1:] for row in found} == expected


REFERRERS = (
    "bounces",
    "pages",
    "searching",
    "searches",
    "fruitless",
    "orders",
    "sessions_with_order",
)


def test_the_reports_say_what_the_views_say(opened: Store, world: World) -> None:
    bounds = (world.since, world.until)
    rows = view(opened, world, "path, views, exits / sessions, seconds", "report_pages")
    assert sorted((r.path, r.views, r.leave_rate) for r in pages.pages(opened.client, *bounds)) == (
        sorted(row[:3] for row in rows)
    )
    steps = view(opened, world, "from_path, to_path, steps, steps / of_steps", "report_paths")
    assert sorted(steps) == sorted(
        (r.from_path, r.to_path, r.steps, r.share) for r in paths.paths(opened.client, *bounds)
    )
    given = {"period": "week", "zone": SITE.timezone, "by": "referrer_source"}
    back = view(opened, world, "value, cohort, number, returned", "report_retention", **given)
    assert sorted(back) == sorted(
        (r.value, r.cohort, r.number, r.returned)
        for r in retention.retention(opened.client, SITE, *bounds, by="referrer_source")
    )
    sources = view(
        opened, world, "value, sessions, fruitless", "report_referrers", by="referrer_source"
    )
    assert sorted(sources) == sorted(
        (r.value, r.sessions, r.fruitless) for r in referrers.referrers(opened.client, *bounds)
    )


def test_all_cohorts_together_are_those_whose_period_is_over(opened: Store, world: World) -> None:
    found = retention.retention(opened.client, SITE, world.since, world.until)
    for row in retention.pooled(found):
        over = [one for one in found if one.number == row.number and one.complete]
        assert row.persons == sum(one.persons for one in over)
        assert row.returned == sum(one.returned for one in over) <= row.persons
    drawn = retention.report(opened.client, SITE, world.since, world.until)
    assert {row[0] for row in drawn.rows} >= {retention.ALL}


def test_the_pages_of_paths_always_show_how_many_left(opened: Store, world: World) -> None:
    found = paths.report(opened.client, SITE, world.since, world.until, top=1)
    assert next(row[0] for row in found.rows) == ""
    assert {row[0] for row in found.rows if row[1] == ""} == {row[0] for row in found.rows} - {""}


@pytest.mark.parametrize("world", [0], indirect=True)
@pytest.mark.parametrize(
    "words",
    [
        ("funnel", "search"),
        ("pages",),
        ("paths", "--start", "/p/1"),
        ("referrers",),
        ("retention",),
        ("retention", "--by", "referrer_source", "--period", "day"),
    ],
    ids=" ".join,
)
def test_commands_give_every_form(
    opened: Store,
    settings: Settings,
    world: World,
    words: tuple[str, ...],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("FOOTFALL_CLICKHOUSE_URL", settings.clickhouse_url)
    since, until = (at.isoformat() for at in window(world).values())
    page = tmp_path / "page.html"

    def run(*form: str) -> str:
        typed = ["report", *words, "--from", since, "--to", until, *form]
        done = CliRunner().invoke(app, typed)
        assert done.exit_code == 0, done.output
        return done.stdout

    found = json.loads(run("--json"))
    assert found["name"] == words[0]
    assert found["rows"]
    assert len(run("--csv").splitlines()) == len(found["rows"]) + 1
    assert found["sentence"] in run()
    run("--html", str(page))
    assert found["sentence"] in unescape(page.read_text())
