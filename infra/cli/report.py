"""footfall report NAME: a report as a table, JSON, CSV or a page."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import typer
from typer.core import TyperGroup

from infra.cli import context, report_visits
from infra.cli.report_forms import CSV, FROM, HTML, JSON, TO, form_of, window

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
    reports.command()(experiments)
    reports.command()(identity)
    reports.command()(picks)
    reports.command()(variants)
    report_visits.register(reports)
    app.add_typer(reports, name="report", rich_help_panel=_GROUP)


def identity(
    from_: str = FROM,
    to: str = TO,
    truth: list[Path] = typer.Option(
        [], help="What footfall simulate --truth wrote; may be given again for another file."
    ),
    as_json: bool = JSON,
    as_csv: bool = CSV,
    html: Path | None = HTML,
) -> None:
    """How persons, devices and logins hang together; with --truth FILE, how truly."""
    from infra.reports.identity import compare_identity
    from infra.reports.identity_report import comparison_report, identifiers_report
    from infra.reports.truth_file import TruthError, read_truth

    form = form_of(as_json, as_csv, html)
    configured = context.settings()
    site = context.site(configured)
    since_ms, until_ms = window(from_, to, site)
    try:
        known = read_truth(truth) if truth else None
        with context.clickhouse(configured) as client:
            if known is None:
                found = identifiers_report(client, site, since_ms, until_ms)
            else:
                first, end = since_ms if from_ else None, until_ms if to else None
                found = comparison_report(compare_identity(client, known, first, end), site)
    except TruthError as error:
        raise typer.BadParameter(str(error)) from error
    form.write(found)


def experiments(
    from_: str = FROM,
    to: str = TO,
    as_json: bool = JSON,
    as_csv: bool = CSV,
    html: Path | None = HTML,
) -> None:
    """Of the persons first shown each arm, how many reached the experiment's goal."""
    from infra.reports.experiments import report

    form = form_of(as_json, as_csv, html)
    configured = context.settings()
    site = context.site(configured)
    since_ms, until_ms = window(from_, to, site)
    with context.clickhouse(configured) as client:
        found = report(client, site, since_ms, until_ms)
    form.write(found)


def picks(
    from_: str = FROM,
    to: str = TO,
    as_json: bool = JSON,
    as_csv: bool = CSV,
    html: Path | None = HTML,
) -> None:
    """Picks tried on the visits of a window, made of what was before it: better than popular?"""
    from functools import partial

    from infra.reports.picks import report
    from schemas.catalogue_file import read
    from sinks.clickhouse.arrow import ask
    from sinks.clickhouse.errors import SinkError

    form = form_of(as_json, as_csv, html)
    configured = context.settings()
    site = context.site(configured)
    since_ms, until_ms = window(from_, to, site)
    rules = site.catalogue
    catalogue = read(rules.file, rules.id) if rules else None
    try:
        found = report(partial(ask, configured), site, catalogue, since_ms, until_ms)
    except SinkError as error:
        raise context.Failure(f"ClickHouse: {error}; see: footfall doctor") from error
    form.write(found)


def variants(
    from_: str = FROM,
    to: str = TO,
    by: str = typer.Option("referrer_source", help="Field of sessions to compare within."),
    top: int = typer.Option(10, min=0, help="So many of its values, most sessions first; 0: all."),
    as_json: bool = JSON,
    as_csv: bool = CSV,
    html: Path | None = HTML,
) -> None:
    """Order rate and revenue of every homepage variant, by where visitors came from."""
    from infra.reports.variants import BY, report

    form = form_of(as_json, as_csv, html)
    if by not in BY:
        raise typer.BadParameter(f"--by {by} is none of {', '.join(BY)}")
    configured = context.settings()
    site = context.site(configured)
    since_ms, until_ms = window(from_, to, site)
    with context.clickhouse(configured) as client:
        found = report(client, site, since_ms, until_ms, by, top)
    form.write(found)
