"""footfall report funnel, pages, paths, referrers, retention: what visitors do."""

from __future__ import annotations

from datetime import timedelta
from typing import cast

import typer

from infra.cli.report_command import Asked, add_report, require_one_of
from infra.reports.report import Report

_TOP = typer.Option(20, min=0, help="So many rows, most first; 0: all.")


def register(reports: typer.Typer) -> None:
    for report in (funnel, pages, paths, referrers):
        add_report(reports, report)
    add_report(reports, retention, timedelta(weeks=8))


def funnel(
    asked: Asked,
    name: str = typer.Argument(help="Name of a funnel of the site file, or visits, or homepages."),
    by: str = typer.Option("", help="Break down by this field; default: the funnel's own."),
    top: int = typer.Option(10, min=0, help="So many values of each field; 0: all."),
) -> Report:
    """How far visitors came in a funnel of the site file, and how long it took them."""
    from infra.reports.funnel import report
    from sinks.clickhouse.errors import UnsupportedFunnel

    known = asked.site.live_funnels
    if name not in known:
        raise typer.BadParameter(
            f"no funnel {name!r} in the site file; there is: {', '.join(known)}"
        )
    fields = [by] if by else None
    try:
        with asked.clickhouse() as client:
            return report(
                client, asked.site, asked.since_ms, asked.until_ms, known[name], fields, top
            )
    except UnsupportedFunnel as error:
        raise typer.BadParameter(str(error)) from error


def pages(asked: Asked, top: int = _TOP) -> Report:
    """Views, entries, exits, leave rate and time of every page."""
    from infra.reports.pages import report

    with asked.clickhouse() as client:
        return report(client, asked.site, asked.since_ms, asked.until_ms, top)


def paths(
    asked: Asked,
    start: str = typer.Option("", help="Only what comes after this page."),
    top: int = typer.Option(10, min=0, help="So many pages, and next pages of each; 0: all."),
) -> Report:
    """Where sessions begin, which page comes after which, and where they end."""
    from infra.reports.paths import report

    with asked.clickhouse() as client:
        return report(client, asked.site, asked.since_ms, asked.until_ms, top, start or None)


def referrers(
    asked: Asked,
    by: str = typer.Option("referrer_source", help="Field of the session's entry."),
    top: int = _TOP,
) -> Report:
    """What visitors of each source look for, whether they leave, and what they buy."""
    from infra.reports.referrers import BY, report

    require_one_of("--by", by, BY)
    with asked.clickhouse() as client:
        return report(client, asked.site, asked.since_ms, asked.until_ms, by, top)


def retention(
    asked: Asked,
    period: str = typer.Option("week", help="day, week (from Monday) or month."),
    by: str = typer.Option("", help="Part cohorts by this field of the first session."),
    top: int = typer.Option(5, min=0, help="So many values of --by, most persons first; 0: all."),
) -> Report:
    """Of those first seen in one week, how many came again in each week after."""
    from infra.reports.retention import BY, PERIODS, Period, report

    require_one_of("--period", period, PERIODS)
    if by:
        require_one_of("--by", by, BY)
    with asked.clickhouse() as client:
        return report(
            client,
            asked.site,
            asked.since_ms,
            asked.until_ms,
            cast(Period, period),
            by,
            top,
        )
