"""footfall import-logs: the progress bar, and the table of what became of every line."""

from __future__ import annotations

import signal
from pathlib import Path

import typer
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from infra.cli import context
from infra.cli.context import Failure
from ingest.logs.errors import LogImportError, WrongOptions
from ingest.logs.importer import ImportOptions, import_logs
from ingest.logs.summary import Skipped, Summary
from streams.steps.detect_bot import detect_bot

_SKIPPED = {
    Skipped.STATIC: "static files",
    Skipped.DATA: "feeds and other data",
    Skipped.REDIRECT: "redirects",
    Skipped.NOT_GET: "not GET",
    Skipped.NO_REQUEST: "no request",
    Skipped.NOT_HTTP: "not HTTP",
    Skipped.OTHER_HOST: "another site's pages",
    Skipped.BLANK: "blank lines",
}


def run(files: list[Path], options: ImportOptions) -> None:
    """Raises Failure; BadParameter for options that cannot be meant so."""
    configured = context.settings()
    site = context.site(configured)
    stopping: list[int] = []
    if options.follow:
        signal.signal(signal.SIGINT, lambda number, _frame: stopping.append(number))
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn())
    console = Console(stderr=True)
    with Progress(*columns, TimeRemainingColumn(), console=console) as bar:
        task = bar.add_task("following" if options.follow else "importing", total=None)

        def progress(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total or None)

        try:
            summary = import_logs(
                files,
                options,
                configured,
                site,
                progress,
                is_bot=lambda agent: bool(detect_bot(agent, "log")),
                stopped=lambda: bool(stopping),
            )
        except WrongOptions as error:
            raise typer.BadParameter(str(error)) from error
        except LogImportError as error:
            raise Failure(str(error)) from error
    _print(summary)


def _print(summary: Summary) -> None:
    table = Table("", box=None, pad_edge=False)
    table.add_column("lines", justify="right")
    table.add_row("[bold]read[/]", f"{summary.lines:,}")
    table.add_row("[bold]events[/]", f"{summary.events:,}")
    if summary.bots is not None:
        table.add_row("  of them bots by name", f"{summary.bots:,}")
    table.add_row("  of them answered with 4xx or 5xx", f"{summary.failed:,}")
    for kind, count in summary.skipped.items():
        table.add_row(_SKIPPED[kind], f"{count:,}")
    for reason, count in summary.rejected.items():
        table.add_row(f"[bold]rejected[/] ({reason})", f"{count:,}")
    console = Console()
    console.print(table)
    rate = summary.lines / summary.seconds if summary.seconds else 0
    sent = "sent" if summary.published else "counted only (dry run), nothing sent"
    console.print(f"{sent} in {summary.seconds:.1f} s, {rate:,.0f} lines/s")
