"""footfall report NAME: a report as a table, JSON, CSV or a page."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import typer
from typer.core import TyperGroup

from infra.cli import context, report_visits
from infra.cli.report_command import Asked, add_report, require_one_of
from infra.reports.report import Report

_GROUP = "Data"


class _Reports(TyperGroup):
    """A group that says which reports there are when asked for another."""

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        found = super().get_command(ctx, cmd_name)
        if found is None:
            known = ", ".join(sorted(self.commands))
            raise typer.BadParameter(f"no report {cmd_name!r}; there is: {known}")
        return found


def register(app: typer.Typer) -> None:
    reports = typer.Typer(
        cls=_Reports, no_args_is_help=True, help="A report: a table, --json, --csv or --html FILE."
    )
    for report in (experiments, identity, picks, variants):
        add_report(reports, report)
    report_visits.register(reports)
    app.add_typer(reports, name="report", rich_help_panel=_GROUP)


def identity(
    asked: Asked,
    truth: list[Path] = typer.Option(
        [], help="What footfall simulate --truth wrote; may be given again for another file."
    ),
) -> Report:
    """How persons, devices and logins hang together; with --truth FILE, how truly."""
    from infra.reports.identity import compare_identity
    from infra.reports.identity_report import comparison_report, identifiers_report
    from infra.reports.truth_file import TruthError, read_truth

    try:
        known = read_truth(truth) if truth else None
        with asked.clickhouse() as client:
            if known is None:
                return identifiers_report(client, asked.site, asked.since_ms, asked.until_ms)
            since = asked.since_ms if asked.says_since else None
            until = asked.until_ms if asked.says_until else None
            return comparison_report(compare_identity(client, known, since, until), asked.site)
    except TruthError as error:
        raise typer.BadParameter(str(error)) from error


def experiments(asked: Asked) -> Report:
    """Of the persons first shown each arm, how many reached the experiment's goal."""
    from infra.reports.experiments import report

    with asked.clickhouse() as client:
        return report(client, asked.site, asked.since_ms, asked.until_ms)


def picks(asked: Asked) -> Report:
    """Picks tried on the visits of a window, made of what was before it: better than popular?"""
    from functools import partial

    from infra.picks.history import Stored
    from infra.picks.training import catalogue_of
    from infra.reports.picks import report
    from sinks.clickhouse.arrow import ask
    from sinks.clickhouse.errors import SinkError

    catalogue = catalogue_of(asked.site)
    try:
        history = Stored(partial(ask, asked.settings))
        return report(history, asked.site, catalogue, asked.since_ms, asked.until_ms)
    except SinkError as error:
        raise context.Failure(f"ClickHouse: {error}; see: footfall doctor") from error


def variants(
    asked: Asked,
    by: str = typer.Option("referrer_source", help="Field of sessions to compare within."),
    top: int = typer.Option(10, min=0, help="So many of its values, most sessions first; 0: all."),
) -> Report:
    """Order rate and revenue of every homepage variant, by where visitors came from."""
    from infra.reports.variants import BY, report

    require_one_of("--by", by, BY)
    with asked.clickhouse() as client:
        return report(client, asked.site, asked.since_ms, asked.until_ms, by, top)
