"""footfall report funnel, pages, paths, referrers, retention: what visitors do."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from infra.cli import context
from infra.cli.report_forms import CSV, DEFAULT_LENGTH, FROM, HTML, JSON, TO, Form, form_of, window
from infra.reports.report import Report
from schemas.site import Site

if TYPE_CHECKING:
    from clickhouse_driver import Client

_SINCE_LONG = typer.Option(
    "", "--from", help="ISO time or date, site's timezone; default: 8 weeks ago."
)
_TOP = typer.Option(20, min=0, help="So many rows, most first; 0: all.")


def register(reports: typer.Typer) -> None:
    for command in (funnel, pages, paths, referrers, retention):
        reports.command()(command)


def funnel(
    name: str = typer.Argument(help="Name of a funnel of the site file, or visits, or homepages."),
    from_: str = FROM,
    to: str = TO,
    by: str = typer.Option("", help="Break down by this field; default: the funnel's own."),
    top: int = typer.Option(10, min=0, help="So many values of each field; 0: all."),
    as_json: bool = JSON,
    as_csv: bool = CSV,
    html: Path | None = HTML,
) -> None:
    """How far visitors came in a funnel of the site file, and how long it took them."""
    from infra.reports.funnel import report
    from sinks.clickhouse.errors import UnsupportedFunnel

    form = form_of(as_json, as_csv, html)
    asked = context.site(context.settings()).live_funnels
    if name not in asked:
        known = ", ".join(asked)
        raise typer.BadParameter(f"no funnel {name!r} in the site file; there is: {known}")
    fields = [by] if by else None
    try:
        _write(
            form,
            (from_, to),
            lambda client, site, since, until: report(
                client, site, since, until, asked[name], fields, top
            ),
        )
    except UnsupportedFunnel as error:
        raise typer.BadParameter(str(error)) from error


def pages(
    from_: str = FROM,
    to: str = TO,
    top: int = _TOP,
    as_json: bool = JSON,
    as_csv: bool = CSV,
    html: Path | None = HTML,
) -> None:
    """Views, entries, exits, leave rate and time of every page."""
    from infra.reports.pages import report

    _write(
        form_of(as_json, as_csv, html),
        (from_, to),
        lambda client, site, since, until: report(client, site, since, until, top),
    )


def paths(
    from_: str = FROM,
    to: str = TO,
    start: str = typer.Option("", help="Only what comes after this page."),
    top: int = typer.Option(10, min=0, help="So many pages, and next pages of each; 0: all."),
    as_json: bool = JSON,
    as_csv: bool = CSV,
    html: Path | None = HTML,
) -> None:
    """Where sessions begin, which page comes after which, and where they end."""
    from infra.reports.paths import report

    _write(
        form_of(as_json, as_csv, html),
        (from_, to),
        lambda client, site, since, until: report(client, site, since, until, top, start or None),
    )


def referrers(
    from_: str = FROM,
    to: str = TO,
    by: str = typer.Option("referrer_source", help="Field of the session's entry."),
    top: int = _TOP,
    as_json: bool = JSON,
    as_csv: bool = CSV,
    html: Path | None = HTML,
) -> None:
    """What visitors of each source look for, whether they leave, and what they buy."""
    from infra.reports.referrers import BY, report

    if by not in BY:
        raise typer.BadParameter(f"--by {by} is none of {', '.join(BY)}")
    _write(
        form_of(as_json, as_csv, html),
        (from_, to),
        lambda client, site, since, until: report(client, site, since, until, by, top),
    )


def retention(
    from_: str = _SINCE_LONG,
    to: str = TO,
    period: str = typer.Option("week", help="day, week (from Monday) or month."),
    by: str = typer.Option("", help="Part cohorts by this field of the first session."),
    top: int = typer.Option(5, min=0, help="So many values of --by, most persons first; 0: all."),
    as_json: bool = JSON,
    as_csv: bool = CSV,
    html: Path | None = HTML,
) -> None:
    """Of those first seen in one week, how many came again in each week after."""
    from infra.reports.retention import BY, PERIODS, report

    form = form_of(as_json, as_csv, html)
    chosen = next((known for known in PERIODS if known == period), None)
    if chosen is None:
        raise typer.BadParameter(f"--period {period} is none of {', '.join(PERIODS)}")
    if by and by not in BY:
        raise typer.BadParameter(f"--by {by} is none of {', '.join(BY)}")
    _write(
        form,
        (from_, to),
        lambda client, site, since, until: report(client, site, since, until, chosen, by, top),
        timedelta(weeks=8),
    )


def _write(
    form: Form,
    given: tuple[str, str],
    compute: Callable[[Client, Site, int, int], Report],
    length: timedelta = DEFAULT_LENGTH,
) -> None:
    """`given`: --from and --to as typed; `length`: of the time where --from is not given."""
    configured = context.settings()
    site = context.site(configured)
    since_ms, until_ms = window(*given, site, length)
    with context.clickhouse(configured) as client:
        found = compute(client, site, since_ms, until_ms)
    form.write(found)
