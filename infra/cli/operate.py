"""footfall migrate, drain, doctor, rebuild, squash: what operators call."""

from __future__ import annotations

import json
import os
import time

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from infra.cli import context
from infra.cli.context import Failure
from schemas.settings import Settings

_GROUP = "Operate"
_STANDSTILL_S = 30.0
_COLUMNS = (
    TextColumn("{task.description}"),
    BarColumn(),
    MofNCompleteColumn(),
    TimeRemainingColumn(),
)


def register(app: typer.Typer) -> None:
    app.command(rich_help_panel=_GROUP)(migrate)
    app.command(rich_help_panel=_GROUP)(drain)
    app.command(rich_help_panel=_GROUP)(doctor)
    app.command(rich_help_panel=_GROUP)(rebuild)
    app.command(rich_help_panel=_GROUP)(squash)


def migrate() -> None:
    """Create topics and ClickHouse tables; changes nothing that is already right."""
    from infra.migrate import migrate as run_migrate
    from infra.topics import MigrationError

    configured = context.settings()
    try:
        done = run_migrate(configured, context.site(configured))
    except MigrationError as error:
        raise Failure(str(error)) from error
    for what, names in (
        ("topics created", done.topics),
        ("topics registered", done.epochs),
        ("ClickHouse changes", done.clickhouse),
    ):
        typer.echo(f"{what}: {', '.join(names) or 'none'}")
    if done.rebuilt:
        typer.echo(
            "Redis had lost live state, or held that of another version: "
            "the stream folds it again from the topics"
        )


def drain(
    timeout: float = typer.Option(60.0, help="Seconds to wait."),
) -> None:
    """Wait until every event accepted so far is in ClickHouse, live state or rejected."""
    from infra.drain import drain as run_drain
    from infra.positions import Unreachable

    try:
        missing = run_drain(context.settings(), timeout)
    except Unreachable as error:
        raise Failure(f"{error}; see: footfall doctor") from error
    for row in missing:
        typer.echo(str(row), err=True)
    if missing:
        raise Failure(f"not drained within {timeout:g} s; see: footfall doctor")


def doctor(
    as_json: bool = typer.Option(False, "--json", help="Machine-readable."),
) -> None:
    """Which server is reachable, which version, who is alive, how far behind each consumer is."""
    from infra.doctor import examine

    configured = context.settings()
    named = configured.site_file  # not the example: who names none need not run by it
    checks = examine(
        configured, lambda: context.site(configured), (lambda: named) if named else None
    )
    if as_json:
        typer.echo(json.dumps([check.as_dict() for check in checks], indent=2))
    else:
        table = Table("", "what", "state", box=None, pad_edge=False)
        for check in checks:
            mark = "[green]ok[/]" if check.ok else "[red]bad[/]"
            table.add_row(mark, check.what, check.state)
        Console().print(table)
    if not all(check.ok for check in checks):
        raise typer.Exit(1)


def rebuild(
    wait: bool = typer.Option(True, help="Wait until all is folded again."),
) -> None:
    """Take live state in Redis away and fold it again from the topics; the stream may run."""
    from clickhouse_driver.errors import Error as ClickHouseError

    from infra.erasure.memory import must_be_restored, restore_memory
    from infra.positions import Unreachable
    from infra.rebuild import RebuildError, begin
    from infra.topics import MigrationError
    from schemas.faults import fault_point_from

    configured = context.settings()
    try:
        if must_be_restored(configured):  # else who was forgotten would be folded again too
            restore_memory(configured)
        begun = begin(configured, fault_point_from(os.environ))
        typer.echo(
            f"{begun.removed:,} keys of live state taken away; "
            f"{begun.records:,} records are folded again"
        )
        if wait:
            typer.echo(f"live state is there again after {_await_rebuilt(configured):.0f} s")
    except (RebuildError, MigrationError) as error:
        raise Failure(str(error)) from error
    except Unreachable as error:
        raise Failure(f"{error}; see: footfall doctor, then call footfall rebuild again") from error
    except (ClickHouseError, OSError) as error:
        raise Failure(
            "Redis has lost its data, and ClickHouse, which knows who was forgotten, does not "
            "answer; see: footfall doctor, then call footfall rebuild again"
        ) from error


def _await_rebuilt(configured: Settings) -> float:
    """Seconds it took. Raises Failure where nothing is folded for half a minute."""
    from infra.rebuild import left

    began = moved = time.monotonic()
    before: int | None = None
    with Progress(*_COLUMNS, console=Console(stderr=True)) as bar:
        task = bar.add_task("folding", total=None)
        for records in left(configured):
            now = time.monotonic()
            if before is None or records > before:
                bar.reset(task, total=records)  # another topic
            if records != before:
                moved = now
            if now - moved > _STANDSTILL_S:
                raise Failure(
                    f"{records:,} records are left and nothing folds them: start footfall stream; "
                    "it does that by itself, footfall rebuild need not be called again"
                )
            bar.update(task, completed=(bar.tasks[task].total or records) - records)
            before = records
            time.sleep(0.2)
    return time.monotonic() - began


def squash(
    timeout: float = typer.Option(600.0, help="Seconds to wait for the sink, and for queries."),
) -> None:
    """Write persons and sessions as known now into ClickHouse's rows; all may run meanwhile.

    Changes no answer, only how fast it is. The sink does it by itself once a week, and when
    there are many corrections.
    """
    from infra.positions import Unreachable
    from infra.squash import SinkBehind, run_squash
    from sinks.clickhouse.errors import SinkError

    try:
        done = run_squash(context.settings(), timeout)
    except (SinkBehind, SinkError) as error:
        raise Failure(str(error)) from error
    except Unreachable as error:
        raise Failure(f"{error}; see: footfall doctor") from error
    typer.echo(
        f"{done.corrections:,} corrections folded into {done.rows:,} rows; "
        f"{done.left:,} are still looked up by queries"
    )
