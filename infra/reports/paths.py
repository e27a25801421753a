"""paths: where sessions begin, which page comes after which, and where they end."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import msgspec
from clickhouse_driver import Client

from infra.reports.intervals import MIN_N
from infra.reports.report import Column, Picture, Report, Row, local_time
from schemas.site import Site

_QUERY = """
SELECT from_path, to_path, steps, sessions, of_steps
FROM report_paths(
    since = fromUnixTimestamp64Milli({since:Int64}, 'UTC'),
    until = fromUnixTimestamp64Milli({until:Int64}, 'UTC')
)
ORDER BY from_path != '', of_steps DESC, from_path, steps DESC, to_path = '', to_path
"""


class PathRow(msgspec.Struct, frozen=True, kw_only=True):
    """A step from a page ('': into the session) to the next ('': out of it)."""

    from_path: str
    to_path: str
    steps: int
    sessions: int
    of_steps: int
    share: float


def paths(client: Client, since_ms: int, until_ms: int) -> list[PathRow]:
    """Entries first, then by how often the page was left, then by steps.

    `client`: made by `connect`. Raises clickhouse_driver.errors.Error, OSError.
    """
    return [
        PathRow(
            from_path=from_path,
            to_path=to_path,
            steps=steps,
            sessions=sessions,
            of_steps=of_steps,
            share=steps / of_steps,
        )
        for from_path, to_path, steps, sessions, of_steps in client.execute(
            _QUERY, {"since": since_ms, "until": until_ms}
        )
    ]


def report(
    client: Client,
    site: Site,
    since_ms: int,
    until_ms: int,
    top: int = 10,
    start: str | None = None,
) -> Report:
    """The report: entries and the `top` pages (0: all), each with its `top` next pages and exit.

    `start`: only what comes after this page.
    """
    found = paths(client, since_ms, until_ms)
    kept = _kept(found, top, start)
    zone = ZoneInfo(site.timezone)
    left_out = len(found) - len(kept)
    notes = ["The same page again (a reload) is no step."]
    if left_out:
        notes.append(f"Left out: {left_out:,} more kinds of steps (--top 0 shows all).")
    return Report(
        name="paths",
        title="Paths",
        sentence=_sentence(found),
        since=local_time(since_ms, zone),
        until=local_time(until_ms, zone),
        columns=_COLUMNS,
        rows=tuple(_cells(row) for row in kept),
        notes=tuple(notes),
        picture=Picture(
            title="What comes next, of all steps from a page",
            value="share",
            n="of_steps",
            least_n=MIN_N,
        ),
    )


def _kept(rows: list[PathRow], top: int, start: str | None) -> list[PathRow]:
    """Of each page its `top` next ones, and always its exits."""
    pages = list(dict.fromkeys(row.from_path for row in rows))
    wanted = [start] if start is not None else pages[: top + 1] if top else pages
    kept = []
    for page in wanted:
        steps = [row for row in rows if row.from_path == page]
        shown = steps[:top] if top else steps
        kept += shown + [row for row in steps[len(shown) :] if row.to_path == ""]
    return kept


def _cells(row: PathRow) -> Row:
    return tuple(getattr(row, name) for name in PathRow.__struct_fields__)


_COLUMNS = (
    Column(name="from_path", kind="text", what="The page a step leads from", empty="(entry)"),
    Column(name="to_path", kind="text", what="The next page in the session", empty="(exit)"),
    Column(name="steps", what="Steps from the one to the other; sessions started in the period"),
    Column(name="sessions", what="Sessions that made this step", detail=True),
    Column(name="of_steps", what="All steps from the first page"),
    Column(name="share", kind="rate", what="Steps, of all from the first page"),
)


def _sentence(rows: list[PathRow]) -> str:
    entries = [row for row in rows if row.from_path == ""]
    if not entries:
        return "No page was seen in sessions that started in this time."
    first = entries[0]
    return (
        f"{first.of_steps:,} sessions saw pages; {first.share:.1%} of them began at "
        f"{first.to_path}."
    )
