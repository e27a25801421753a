"""footfall simulate: shoppers with known truth, into a collector, a file, or only counted."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import typer

from infra.cli import context
from infra.cli.context import Failure
from schemas.site import Site

Form = Literal["events", "log"]


def register(app: typer.Typer) -> None:
    app.command(rich_help_panel="Data")(simulate)


def simulate(
    shoppers: int | None = typer.Option(
        None, min=1, max=10_000_000, help="How many people; default: 1000, live: no end."
    ),
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
    from infra.cli import simulated
    from infra.demo.catalogue import load
    from infra.demo.product import CatalogueError
    from infra.simulate.delivery import SendingFailed
    from infra.simulate.live import LivePlan
    from infra.simulate.odds import WEB_LOG_BOTS, Dirt
    from infra.simulate.past import Plan, last_minute
    from infra.simulate.truth import UnknownFormat, check_format

    _check(send=send, out=out, as_log=as_ == "log", live=live)
    configured = context.settings()
    site = context.site(configured)
    if not site.hosts:
        raise typer.BadParameter("the site file names no hosts, so pages have no address")
    try:
        if truth is not None:
            check_format(truth)
        catalogue = load()
        if live:
            live_plan = LivePlan(
                site=site,
                catalogue=catalogue,
                seed=seed,
                per_minute=per_minute,
                shoppers=shoppers or 0,
            )
            collect = send or f"http://127.0.0.1:{configured.ports.collect}"
            ask = personalize or f"http://127.0.0.1:{configured.ports.personalize}"
            simulated.play(live_plan, collect, ask, _key(site, key), truth)
            return
        plan = Plan(
            shoppers=shoppers or 1000,
            days=days,
            seed=seed,
            site=site,
            catalogue=catalogue,
            until=_time(until) if until else last_minute(),
            launch=_time(launch) if launch else 0,
            secret=os.environ.get("FOOTFALL_SECRET_KEY", ""),  # a stack's own is its secret
            dirt=Dirt(bots=WEB_LOG_BOTS) if as_ == "log" else Dirt(),
        )
        if send:
            simulated.send(plan, send, _key(site, key), truth, rate)
        elif as_ == "log":
            simulated.write_log(plan, truth, out or "-")
        elif out:
            simulated.write(plan, truth, out)
        else:
            simulated.count(plan, truth)
    except (UnknownFormat, CatalogueError) as error:
        raise typer.BadParameter(str(error)) from error
    except (SendingFailed, OSError) as error:
        raise Failure(str(error)) from error


def _check(*, send: str, out: str, as_log: bool, live: bool) -> None:
    """Raises BadParameter for options that cannot be meant together."""
    if send and out:
        raise typer.BadParameter("say either --send or --out")
    if as_log and (send or live):
        raise typer.BadParameter("--as log goes to a file: footfall import-logs reads it")
    if live and out:
        raise typer.BadParameter("--live goes to a collector: say --send, not --out")


def _key(site: Site, given: str) -> str:
    """Raises BadParameter where there is no server key: history needs one."""
    if given:
        return given
    for key in site.write_keys:
        if key.kind == "server":
            return key.key
    raise typer.BadParameter("the site file has no server key: say --key")


def _time(text: str) -> int:
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise typer.BadParameter(f"{text!r} is no ISO time like 2026-11-22T10:00") from error
    at = found if found.tzinfo else found.replace(tzinfo=UTC)
    return int(at.timestamp() * 1000)
