"""footfall import-logs, funnel, sql: data in, and answers out."""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import typer
from rich.console import Console
from rich.table import Table

from infra.cli import context, times
from infra.cli.context import Failure
from ingest.logs.formats import Format
from schemas.funnel_result import Spread, TimedFunnel
from schemas.site_funnels import breakdown

_GROUP = "Data"


def register(app: typer.Typer) -> None:
    app.command("import-logs", rich_help_panel=_GROUP)(import_logs)
    app.command(rich_help_panel=_GROUP)(funnel)
    app.command(rich_help_panel=_GROUP)(sql)


def import_logs(
    files: list[str] = typer.Argument(help="Log files: plain, .gz, .zst; - is standard input."),
    format_: Format = typer.Option("auto", "--format", help="What the lines look like."),
    site: str = typer.Option("", help="Host the log is of; default: the site file's first."),
    follow: bool = typer.Option(False, help="Go on with what is appended, until Ctrl-C."),
    dry_run: bool = typer.Option(False, help="Read and count, send nothing."),
) -> None:
    """Web-server logs into Kafka. Importing a file again adds nothing."""
    from infra.cli.log_import import run
    from ingest.logs.importer import ImportOptions

    options = ImportOptions(format=format_, host=site, follow=follow, dry_run=dry_run)
    run(_existing(files), options)


def funnel(
    name: str = typer.Argument(help="Name of a funnel of the site file, or visits, or homepages."),
    from_: str = typer.Option("", "--from", help="ISO time or date, UTC; default: 24 hours ago."),
    to: str = typer.Option("", "--to", help="ISO time or date, UTC; default: now."),
    by: str = typer.Option("", help="Break down by this field; default: the funnel's own."),
    as_json: bool = typer.Option(False, "--json", help="The shape of GET /v1/funnels/NAME."),
) -> None:
    """A funnel of the site file, computed in ClickHouse."""
    from sinks.clickhouse.errors import UnsupportedFunnel
    from sinks.clickhouse.funnels import compute_funnel, timed

    configured = context.settings()
    site = context.site(configured)
    if name not in site.live_funnels:
        known = ", ".join(site.live_funnels)
        raise typer.BadParameter(f"no funnel {name!r} in the site file; there is: {known}")
    try:
        fields = [breakdown(by)] if by else None
    except ValueError as error:
        raise typer.BadParameter(f"--by: {error}") from error
    until = times.read(to, UTC) if to else datetime.now(UTC)
    a_day_before = (until - timedelta(days=1)).replace(second=0, microsecond=0)
    since = times.read(from_, UTC) if from_ else a_day_before
    if since >= until:
        raise typer.BadParameter("--from must be before --to")
    try:
        with context.clickhouse(configured) as client:
            asked = site.live_funnels[name]
            window = (times.milliseconds(since), times.milliseconds(until))
            counted = compute_funnel(client, asked, *window, fields)
            result = timed(client, asked, counted, window)
    except UnsupportedFunnel as error:
        raise typer.BadParameter(str(error)) from error
    if as_json:
        typer.echo(msgspec.json.format(msgspec.json.encode(result)).decode())
    else:
        _print_funnel(result)


def _print_funnel(answer: TimedFunnel) -> None:
    console = Console()
    console.print(
        f"[bold]{answer.name}[/] per {answer.per}, within {answer.within_s:,} s, "
        f"entries from {answer.from_} to {answer.to}"
    )
    table = Table("step", box=None, pad_edge=False)
    for title in ("count", "of entries", "of the step before"):
        table.add_column(title, justify="right")
    for step in answer.steps:
        table.add_row(step.name, f"{step.count:,}", _share(step.share), _share(step.from_previous))
    console.print(table)
    if answer.times:
        table = Table("\ntime to", box=None, pad_edge=False)
        for title in ("\nn", "step before:\nmedian", "\np90", "in all:\nmedian", "\np90"):
            table.add_column(title, justify="right")
        for one in answer.times:
            spent = (*_spread(one.from_previous_s), *_spread(one.from_first_s))
            table.add_row(one.step, f"{one.n:,}", *spent)
        console.print(table)
    for field, values in answer.by.items():
        table = Table(f"\nby {field}", box=None, pad_edge=False)
        for step in answer.steps:
            table.add_column(f"\n{step.name}", justify="right")
        for value, steps in values.items():
            table.add_row(value or "(none)", *(f"{step.count:,}" for step in steps))
        console.print(table)


def _spread(spread: Spread) -> tuple[str, str]:
    from infra.reports.forms.wording import duration_text

    return duration_text(spread.median), duration_text(spread.p90)


def _share(share: float | None) -> str:
    return "" if share is None else f"{share:.1%}"


def sql(
    query: str = typer.Argument(help="One read-only query; '-' reads it from standard input."),
    format_: str = typer.Option(
        "", "--format", help="ClickHouse's output format; default: a table on a terminal, else TSV."
    ),
) -> None:
    """One read-only query against the configured ClickHouse."""
    from infra.clickhouse_http import QueryRefused, query_to

    wanted = format_ or (
        "PrettyCompactMonoBlock" if sys.stdout.isatty() else "TabSeparatedWithNames"
    )
    text = sys.stdin.read() if query == "-" else query
    try:
        query_to(context.settings(), text, wanted, sys.stdout.buffer)
    except QueryRefused as error:
        raise Failure(str(error)) from error


def _existing(files: list[str]) -> list[Path]:
    """Raises BadParameter for a file that is not there."""
    for file in files:
        if file != "-" and not Path(file).is_file():
            raise typer.BadParameter(f"file {file} is not there")
    return [Path(file) for file in files]
