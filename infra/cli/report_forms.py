"""In which form a report is written."""

from __future__ import annotations

import sys
from pathlib import Path

import msgspec
import typer

from infra.cli.context import Failure
from infra.reports.report import Report


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
