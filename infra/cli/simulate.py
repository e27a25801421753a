"""footfall simulate: shoppers with known truth, into a collector, a file, or only counted."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import typer

from infra.cli import context
from infra.cli.context import Failure

if TYPE_CHECKING:
    from infra.simulate.past import Plan

Form = Literal["events", "log"]


def register(app: typer.Typer) -> None:
    app.command(rich_help_panel="Data")(simulate)


def simulate(
    shoppers: int = typer.Option(1000, min=1, max=10_000_000, help="How many people."),
    days: float = typer.Option(7, min=0.01, max=3650, help="How long a past they have."),
    seed: int = typer.Option(1, min=0, max=1_000_000, help="The same seed plays the same."),
    truth: Path | None = typer.Option(
        None, help="Who made every event: .csv, .ndjson or .parquet."
    ),
    send: str = typer.Option("", metavar="URL", help="Send to this collector."),
    out: str = typer.Option("", metavar="FILE", help="Write to a file; .gz packs; - is stdout."),
    as_: Form = typer.Option("events", "--as", help="Segment messages, or a web server's log."),
    until: str = typer.Option("", help="ISO time at which the past ends; default: now."),
    launch: str = typer.Option(
        "", help="ISO time at which homepages became personal; default: in the middle."
    ),
    rate: float = typer.Option(0, min=0, help="Events a second; 0: as fast as they are taken."),
    key: str = typer.Option("", help="Write key; default: the site file's first server key."),
    live: bool = typer.Option(False, "--live", help="Play shoppers now, until Ctrl-C."),
    per_minute: float = typer.Option(30, min=0.1, max=6000, help="Live: visits that begin."),
    personalize: str = typer.Option("", metavar="URL", help="Live: the personalization service."),
) -> None:
    """Synthetic shoppers with known truth; without --send and --out they are only counted."""
    from infra.demo.catalogue import load
    from infra.demo.product import CatalogueError
    from infra.simulate.past import Plan, last_minute
    from infra.simulate.truth import UnknownFormat, check_format

    if send and out:
        raise typer.BadParameter("say either --send or --out")
    configured = context.settings()
    try:
        if truth is not None:
            check_format(truth)
        plan = Plan(
            shoppers=shoppers,
            days=days,
            seed=seed,
            site=context.site(configured),
            catalogue=load(),
            until=_time(until) if until else last_minute(),
            launch=_time(launch) if launch else 0,
            secret=_secret(),
        )
    except (UnknownFormat, CatalogueError) as error:
        raise typer.BadParameter(str(error)) from error
    _run(plan, truth, out)


def _run(plan: Plan, truth: Path | None, out: str) -> None:
    from infra.cli import simulated

    try:
        if out:
            simulated.write(plan, truth, out)
        else:
            simulated.count(plan, truth)
    except OSError as error:
        raise Failure(str(error)) from error


def _secret() -> str:
    """What signs decisions; '' where only the running stack knows it."""
    import os

    return os.environ.get("FOOTFALL_SECRET_KEY", "")


def _time(text: str) -> int:
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise typer.BadParameter(f"{text!r} is no ISO time like 2026-11-22T10:00") from error
    at = found if found.tzinfo else found.replace(tzinfo=UTC)
    return int(at.timestamp() * 1000)
