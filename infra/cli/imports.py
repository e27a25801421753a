"""footfall import: a command a kind of table; its columns stand in its help."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import typer
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from infra.cli import context
from infra.cli.context import Failure
from ingest.imports.columns import Column, Kind
from ingest.imports.errors import BadRow, MissingColumns
from ingest.imports.kinds import KINDS, KindName
from ingest.logs.errors import UnreadableFile

if TYPE_CHECKING:
    from infra.imports import Imported

_HELP_WIDTH = 76
_COLUMNS = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())


def register(app: typer.Typer) -> None:
    group = typer.Typer(
        help="What happened off the web, from CSV files; again, it adds nothing.",
        no_args_is_help=True,
        rich_markup_mode=None,
    )
    for name, kind in KINDS.items():
        group.command(name, help=_help(kind), short_help=kind.about.partition(".")[0])(
            _command(name)
        )
    app.add_typer(group, name="import", rich_help_panel="Data")


def _command(kind: KindName) -> Callable[..., None]:
    def run(
        file: str = typer.Argument(help="CSV, plain, .gz or .zst; - is standard input."),
        send: str = typer.Option("", metavar="URL", help="Collector; default: this machine's."),
        key: str = typer.Option("", help="Write key; default: the site file's first server key."),
    ) -> None:
        _run(kind, Path(file), send, key)

    return run


def _help(kind: Kind) -> str:
    needed = {name for group in kind.needs for name in group}
    width = max(len(column.name) for column in kind.columns)
    lines = [_described(column, column.name in needed, width) for column in kind.columns]
    others = kind.others or "not used, and told of"
    return (
        f"{kind.about}\n\n\b\nColumns, in any order; needed: {kind.usage}.\n"
        + "\n".join(lines)
        + f"\n\nFurther columns: {others}.\n\n"
        "UTF-8, separated by commas, semicolons or tabs. A bad row is told with its line on stderr "
        "and left out; the rest is taken."
    )


def _described(column: Column, needed: bool, width: int) -> str:
    also = f" (also: {', '.join(column.also)})" if column.also else ""
    return textwrap.fill(
        column.what + also,
        _HELP_WIDTH,
        initial_indent=f"{'*' if needed else ' '} {column.name:{width}}  ",
        subsequent_indent=" " * (width + 4),
        break_on_hyphens=False,
    )


def _run(kind: KindName, path: Path, send: str, key: str) -> None:
    """Raises Failure, BadParameter."""
    from infra.imports import Told, import_table
    from infra.simulate.delivery import SendingFailed
    from sinks.clickhouse.errors import SinkError

    configured = context.settings()
    site = context.site(configured)
    keys = [each.key for each in site.write_keys if each.kind == "server"]
    if not key and not keys:
        raise typer.BadParameter("the site file has no write key of kind server: say --key")
    console = Console(stderr=True)
    with Progress(*_COLUMNS, console=console) as bar:
        task = bar.add_task(f"importing {kind}", total=None)

        def progress(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total or None)

        def bad(row: BadRow) -> None:
            text = f"{path}:{row.line}: {row.fault}: {row.detail}"
            console.print(text, markup=False, highlight=False, soft_wrap=True)

        try:
            done = import_table(
                kind,
                path,
                configured,
                site,
                send or configured.url(configured.ports.collect),
                key or keys[0],
                Told(progress, bad),
            )
        except MissingColumns as error:
            raise typer.BadParameter(f"{path}: {error}") from error
        except (UnreadableFile, SendingFailed) as error:
            raise Failure(str(error)) from error
        except SinkError as error:
            raise Failure(f"ClickHouse: {error}; see: footfall doctor") from error
    _print(done)


def _print(done: Imported) -> None:
    counts = done.counts
    table = Table("", box=None, pad_edge=False)
    table.add_column("rows", justify="right")
    table.add_row("[bold]read[/]", f"{counts.rows:,}")
    table.add_row("[bold]taken[/]", f"{counts.taken:,}")
    for fault, count in counts.bad.most_common():
        table.add_row(f"[bold]bad[/] ({fault})", f"{count:,}")
    console = Console()
    console.print(table)
    if counts.unused:
        console.print(f"columns not used: {', '.join(counts.unused)}", markup=False)
    console.print(f"{done.sent:,} sent in {done.seconds:.1f} s")
