"""footfall alerts: what is active, with what webhooks are signed, and whether they arrive."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path

import msgspec
import typer
from redis.exceptions import RedisError
from rich.console import Console
from rich.table import Table

from infra.cli import context
from infra.cli.context import Failure
from schemas.settings import Settings

_GROUP = "Operate"
_STATE_DIR = typer.Option(context.STATE_DIR, help="Of the running `footfall up`: its secret.")


def register(app: typer.Typer) -> None:
    app.command(rich_help_panel=_GROUP)(alerts)


def alerts(
    as_json: bool = typer.Option(False, "--json", help="Machine-readable."),
    secret: bool = typer.Option(False, "--secret", help="With what webhooks are signed."),
    test: bool = typer.Option(False, "--test", help="Send a test to every webhook."),
    state_dir: Path = _STATE_DIR,
) -> None:
    """What is out of its usual range, or wrong with the system, and what was lately."""
    from personalize_api.alerts.webhooks import shown_key

    configured = context.settings()
    if secret:
        typer.echo(shown_key(context.secret(configured, state_dir)))
    elif test:
        _test(configured, context.secret(configured, state_dir))
    else:
        _show(configured, as_json)


def _show(configured: Settings, as_json: bool) -> None:
    from personalize_api.alerts.alerting import STALE_S
    from personalize_api.alerts.incidents import ordered
    from personalize_api.alerts.state import AlertState
    from personalize_api.alerts.store import AlertStore

    async def read() -> AlertState:
        store = AlertStore(configured.redis_url)
        try:
            return await store.read()
        finally:
            await store.close()

    try:
        state = asyncio.run(read())
    except (RedisError, OSError) as error:
        raise Failure(f"Redis does not answer: {error}; see: footfall doctor") from error
    if time.time() - state.at / 1000 > STALE_S:
        raise Failure("nobody evaluates alerts; start: footfall personalize")
    active = ordered(state)
    if as_json:
        told = {"alerts": active, "recent": state.recent}
        typer.echo(json.dumps(msgspec.to_builtins(told), indent=2))
        return
    table = Table("", "what", "since", "", box=None, pad_edge=False)
    for alert in active:
        mark = "[red]critical[/]" if alert.severity == "critical" else "[yellow]warning[/]"
        table.add_row(mark, alert.title, alert.since[:16], alert.detail)
    for ended in state.recent:
        table.add_row("[green]ended[/]", ended.title, ended.since[:16], f"until {ended.until[:16]}")
    Console().print(table if active or state.recent else "nothing is out of its usual range")


def _test(configured: Settings, secret: str) -> None:
    """Raises Failure where one does not arrive."""
    from personalize_api.alerts.state import Alert
    from personalize_api.alerts.webhooks import messages, post
    from schemas.funnel_result import iso_time

    site = context.site(configured)
    addresses = site.alerts.webhooks
    if not addresses:
        raise Failure("the site file names no webhooks: alerts: {webhooks: [https://...]}")
    now_ms = time.time_ns() // 1_000_000
    alert = Alert(
        id=f"test@{now_ms // 1000}",
        kind="funnel",
        severity="warning",
        title="this is a test",
        detail="nothing is wrong",
        since=iso_time(now_ms),
    )
    failed = 0
    for number, address in enumerate(addresses, 1):
        (message,) = messages([address], site.name, now_ms, [alert], [])
        trouble = asyncio.run(post(address, message, secret))
        failed += bool(trouble)
        typer.echo(f"webhook {number}: {trouble or 'taken'}", err=bool(trouble))
    if failed:
        raise Failure(f"{failed} of {len(addresses)} webhooks did not arrive")
