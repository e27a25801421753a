"""footfall report NAME: a report as a table, JSON, CSV or a page."""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import typer
from typer.core import TyperGroup

from infra.cli import context, times
from infra.cli.context import Failure
from infra.reports.report import Report
from schemas.site import Site

_GROUP = "Data"
_DEFAULT_LENGTH = timedelta(days=7)

_FROM = typer.Option("", "--from", help="ISO time or date, site's timezone; default: 7 days ago.")
_TO = typer.Option("", "--to", help="ISO time or date, site's timezone; default: now.")
_JSON = typer.Option(False, "--json", help="The report's value.")
_CSV = typer.Option(False, "--csv", help="Its rows, as RFC 4180 says.")
_HTML = typer.Option(None, "--html", metavar="FILE", help="A page with a picture, in this file.")


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
    reports.command()(variants)
    app.add_typer(reports, name="report", rich_help_panel=_GROUP)


def identity(
    from_: str = _FROM,
    to: str = _TO,
    truth: list[Path] = typer.Option(
        [], help="What footfall simulate --truth wrote; may be given again for another file."
    ),
    as_json: bool = _JSON,
    as_csv: bool = _CSV,
    html: Path | None = _HTML,
) -> None:
    """How persons, devices and logins hang together; with --truth FILE, how truly."""
    from infra.reports.identity import compare_identity
    from infra.reports.identity_report import comparison_report, identifiers_report
    from infra.reports.truth_file import TruthError, read_truth

    form = _form(as_json, as_csv, html)
    configured = context.settings()
    site = context.site(configured)
    since_ms, until_ms = _window(from_, to, site)
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
    from_: str = _FROM,
    to: str = _TO,
    as_json: bool = _JSON,
    as_csv: bool = _CSV,
    html: Path | None = _HTML,
) -> None:
    """Of the persons first shown each arm, how many reached the experiment's goal."""
    from infra.reports.experiments import report

    form = _form(as_json, as_csv, html)
    configured = context.settings()
    site = context.site(configured)
    since_ms, until_ms = _window(from_, to, site)
    with context.clickhouse(configured) as client:
        found = report(client, site, since_ms, until_ms)
    form.write(found)


def variants(
    from_: str = _FROM,
    to: str = _TO,
    by: str = typer.Option("referrer_source", help="Field of sessions to compare within."),
    top: int = typer.Option(10, min=0, help="So many of its values, most sessions first; 0: all."),
    as_json: bool = _JSON,
    as_csv: bool = _CSV,
    html: Path | None = _HTML,
) -> None:
    """Order rate and revenue of every homepage variant, by where visitors came from."""
    from infra.reports.variants import BY, report

    form = _form(as_json, as_csv, html)
    field = next((known for known in BY if known == by), None)
    if field is None:
        raise typer.BadParameter(f"--by {by} is none of {', '.join(BY)}")
    configured = context.settings()
    site = context.site(configured)
    since_ms, until_ms = _window(from_, to, site)
    with context.clickhouse(configured) as client:
        found = report(client, site, since_ms, until_ms, field, top)
    form.write(found)


class _Form(msgspec.Struct, frozen=True):
    """Which form was asked for; `write` gives it."""

    as_json: bool
    as_csv: bool
    html: Path | None

    def write(self, report: Report) -> None:
        """Raises Failure where the file cannot be written."""
        if self.as_json or self.as_csv:
            from infra.reports.forms import plain

            out = plain.as_json(report) if self.as_json else plain.as_csv(report)
            sys.stdout.buffer.write(out)
            sys.stdout.buffer.flush()
        elif self.html:
            from infra.reports.forms.page import as_page

            try:
                self.html.write_text(as_page(report), encoding="utf-8")
            except OSError as error:
                raise Failure(f"{self.html}: {error.strerror}") from error
            typer.echo(f"{report.title}: {self.html}")
        else:
            from infra.reports.forms.terminal import show

            show(report)


def _form(as_json: bool, as_csv: bool, html: Path | None) -> _Form:
    if as_json + as_csv + (html is not None) > 1:
        raise typer.BadParameter("choose one of --json, --csv and --html")
    return _Form(as_json, as_csv, html)


def _window(from_: str, to: str, site: Site) -> tuple[int, int]:
    """[since, until) in ms since 1970 UTC; what is not given is the last week."""
    zone = ZoneInfo(site.timezone)
    until = times.read(to, zone) if to else datetime.now(UTC)
    since = times.read(from_, zone) if from_ else until - _DEFAULT_LENGTH
    if since >= until:
        raise typer.BadParameter("--from must be before --to")
    return times.milliseconds(since), times.milliseconds(until)
