"""What every report's command shares: its times, its forms, and how it is written."""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec
import typer

from infra.cli import times
from infra.cli.context import Failure
from infra.reports.report import Report
from schemas.site import Site

DEFAULT_LENGTH = timedelta(days=7)

FROM = typer.Option("", "--from", help="ISO time or date, site's timezone; default: 7 days ago.")
TO = typer.Option("", "--to", help="ISO time or date, site's timezone; default: now.")
JSON = typer.Option(False, "--json", help="The report's value.")
CSV = typer.Option(False, "--csv", help="Its rows, as RFC 4180 says.")
HTML = typer.Option(None, "--html", metavar="FILE", help="A page with a picture, in this file.")


class Form(msgspec.Struct, frozen=True):
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


def form_of(as_json: bool, as_csv: bool, html: Path | None) -> Form:
    if as_json + as_csv + (html is not None) > 1:
        raise typer.BadParameter("choose one of --json, --csv and --html")
    return Form(as_json, as_csv, html)


def window(from_: str, to: str, site: Site, length: timedelta = DEFAULT_LENGTH) -> tuple[int, int]:
    """[since, until) in ms since 1970 UTC; what is not given is the last `length`."""
    zone = ZoneInfo(site.timezone)
    until = times.read(to, zone) if to else datetime.now(UTC)
    since = times.read(from_, zone) if from_ else until - length
    if since >= until:
        raise typer.BadParameter("--from must be before --to")
    return times.milliseconds(since), times.milliseconds(until)
