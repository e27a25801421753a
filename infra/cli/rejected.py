"""footfall rejected: what was refused, and its replay after a fix."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import typer

from infra.cli import context, times
from infra.cli.context import Failure

_STATE_DIR = typer.Option(context.STATE_DIR, help="Of the running `footfall up`: its secret.")
_REASON = typer.Option("", "--reason", help="Only those refused for this reason.")
_MOST = 10_000

commands = typer.Typer(help="Refused input: list, show, replay.", no_args_is_help=False)


def register(app: typer.Typer) -> None:
    app.add_typer(commands, name="rejected", rich_help_panel="Operate")


@commands.callback(invoke_without_command=True)
def _default(asked: typer.Context) -> None:
    if asked.invoked_subcommand is None:
        show_list(reason="", since="", limit=100)


@commands.command("list")
def show_list(
    reason: str = _REASON,
    since: str = typer.Option("", help="ISO time or date, UTC."),
    limit: int = typer.Option(100, min=1, max=_MOST),
) -> None:
    """Refused inputs, newest first."""
    from infra.rejected import find, printable

    since_ms = times.milliseconds(times.read(since, UTC)) if since else 0
    with context.clickhouse(context.settings()) as client:
        refused = find(client, reason=reason, since_ms=since_ms, limit=limit)
    for one in refused:
        at = datetime.fromtimestamp(one.rejected_at / 1000, UTC).isoformat(timespec="seconds")
        detail = printable(one.detail.encode())[:100]
        typer.echo(f"{one.rejected_id}  {at}  {one.reason}  {one.protocol or '-'}  {detail}")
    if not refused:
        typer.echo("nothing was refused", err=True)


@commands.command()
def show(rejected_id: str = typer.Argument(help="As `list` prints it.")) -> None:
    """One refused input, its bytes printed safely."""
    from infra.rejected import find, printable

    with context.clickhouse(context.settings()) as client:
        found = find(client, ids=[rejected_id.lower()])
    if not found:
        raise Failure(f"no refused input {rejected_id}; see: footfall rejected list")
    one = found[0]
    at = datetime.fromtimestamp(one.rejected_at / 1000, UTC).isoformat(timespec="milliseconds")
    typer.echo(f"rejected_at: {at}")
    for name in ("reason", "detail", "protocol", "event_id", "key", "call"):
        typer.echo(f"{name}: {printable(getattr(one, name).encode())}")
    typer.echo(f"original: {printable(one.original)}")


@commands.command()
def replay(
    ids: list[str] = typer.Argument(None, help="As `list` prints them."),
    reason: str = _REASON,
    state_dir: Path = _STATE_DIR,
) -> None:
    """Read refused inputs again, after a fix; what is accepted now is an event."""
    from infra.positions import Unreachable
    from infra.rejected import find
    from infra.rejected import replay as run

    if not ids and not reason:
        raise typer.BadParameter("name what to replay: ids, or --reason")
    configured = context.settings()
    site = context.site(configured)
    wanted = [one.lower() for one in ids or ()]
    with context.clickhouse(configured) as client:
        found = find(client, ids=wanted, reason=reason, limit=_MOST)
    if missing := set(wanted) - {one.rejected_id for one in found}:
        raise Failure(f"no refused input {min(missing)}; see: footfall rejected list")
    try:
        outcomes = run(configured, site, context.secret(configured, state_dir), found)
    except Unreachable as error:
        raise Failure(f"{error}; see: footfall doctor, then call it again") from error
    left = [outcome for outcome in outcomes if outcome.why]
    for outcome in left:
        typer.echo(f"{outcome.refused.rejected_id}: still refused: {outcome.why}", err=True)
    typer.echo(f"replayed: {len(outcomes) - len(left)}, still refused: {len(left)}")
