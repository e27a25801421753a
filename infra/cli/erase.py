"""footfall forget: erasure."""

from __future__ import annotations

import sys
from pathlib import Path

import msgspec
import typer
from rich.console import Console
from rich.table import Table

from infra.cli import context
from infra.cli.context import Failure
from infra.erasure.run import Erased

_GROUP = "Visitors"
_STATE_DIR = typer.Option(context.STATE_DIR, help="Of the running `footfall up`: its secret.")
_STORES = {
    "footfall.raw": "Redis: devices",
    "footfall.aliases": "Redis: users with aliases",
    "footfall.registers": "Redis: persons",
    "footfall.sightings": "Redis: addresses of log lines",
}


def register(app: typer.Typer) -> None:
    app.command(rich_help_panel=_GROUP)(forget)


def forget(
    identifier: str = typer.Argument(
        help="A cookie, login, person id, e-mail, telephone or order number; - reads it from stdin."
    ),
    as_json: bool = typer.Option(False, "--json", help="Machine-readable."),
    state_dir: Path = _STATE_DIR,
) -> None:
    """Erase a person: nothing that leads to them is left, and no replay brings it back."""
    from clickhouse_driver.errors import Error as ClickHouseError

    from infra.erasure.rows import Kept
    from infra.erasure.run import ErasureError
    from infra.erasure.run import forget as erase
    from infra.erasure.whom import Unknown
    from infra.positions import Unreachable

    configured = context.settings()
    site = context.site(configured)
    secret = context.secret(configured, state_dir)
    given = sys.stdin.readline().rstrip("\n") if identifier == "-" else identifier
    console = Console(stderr=True)
    try:
        with console.status("looking for the person") as status:
            done = erase(configured, site, secret, given, status.update)
    except (Unknown, ErasureError, Kept) as error:
        raise Failure(str(error)) from error
    except Unreachable as error:
        raise Failure(f"{error}; see: footfall doctor, then call footfall forget again") from error
    except (ClickHouseError, OSError) as error:
        first = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise Failure(f"ClickHouse: {first}; see: footfall doctor, then call it again") from error
    if as_json:
        typer.echo(msgspec.json.format(msgspec.json.encode(done)).decode())
    else:
        _print(done)


def _print(done: Erased) -> None:
    if done.again:
        typer.echo(f"forgotten on {done.asked_at}: nothing is left")
    else:
        table = Table("store", box=None, pad_edge=False)
        table.add_column("removed", justify="right")
        for topic, states in done.redis.items():
            table.add_row(_STORES.get(topic, topic), f"{states:,}")
        for name, count in done.clickhouse.items():
            table.add_row(f"ClickHouse: {name}", f"{count:,}")
        Console().print(table)
    if done.shared_devices:
        typer.echo(
            f"{done.shared_devices} device(s) stay: others have logged in there too; what was this "
            "person's on them is gone"
        )
    typer.echo(
        f"Kafka's copy goes with the topic's retention: it is gone after {done.kafka_until}. "
        "The website should drop the cookie, and whatever it keeps itself."
    )
