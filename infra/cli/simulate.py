"""footfall simulate: shoppers with known truth, into a collector, a file, or only counted."""

from __future__ import annotations

import os
from datetime import UTC
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import msgspec
import typer

from infra.cli import context, times
from infra.cli.context import Failure
from schemas.site import Site

if TYPE_CHECKING:
    from infra.simulate.past import Plan

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
    log: str = typer.Option(
        "", metavar="FILE", help="Also write the web server's log of the same visits."
    ),
    hard: bool = typer.Option(
        False, "--hard", help="A dirtier world, with public computers and logins taken back."
    ),
    until: str = typer.Option("", help="ISO time at which the past ends; default: now."),
    launch: str = typer.Option(
        "", help="ISO time at which homepages became personal; default: in the middle."
    ),
    rate: float = typer.Option(0, min=0, help="Events a second; 0: as fast as they are taken."),
    key: str = typer.Option("", help="Write key; default: the site file's first server key."),
    live: bool = typer.Option(False, "--live", help="Play shoppers now, until Ctrl-C."),
    per_minute: float = typer.Option(30, min=0.1, max=6000, help="Live: visits that begin."),
    personalize: str = typer.Option("", metavar="URL", help="Live: the personalization service."),
    shop: str = typer.Option("", metavar="URL", help="Live: while its /checkout fails, no orders."),
) -> None:
    """Synthetic shoppers with known truth; without --send and --out they are only counted.

    Homepages of the past are credited to scenario and arm where FOOTFALL_SECRET_KEY is that of
    the stack that gets them (of `footfall up`: the file `secret` in its state directory).
    """
    from infra.demo.product import CatalogueError
    from infra.simulate.delivery import SendingFailed
    from infra.simulate.truth_book import UnknownFormat, check_format

    _check(send=send, out=out, as_log=as_ == "log", live=live, log=log)
    try:
        if truth is not None:
            check_format(truth)
        if live:
            _play(shoppers or 0, seed, per_minute, send, personalize, shop, key, truth)
            return
        ends = times.milliseconds(times.read(until, UTC)) if until else 0
        began = times.milliseconds(times.read(launch, UTC)) if launch else 0
        plan = _plan(shoppers or 1000, days, seed, ends, began, as_, hard=hard)
        _run(plan, as_, truth, send, out, key, rate, log)
    except (UnknownFormat, CatalogueError) as error:
        raise typer.BadParameter(str(error)) from error
    except BrokenPipeError:  # whoever reads has had enough
        raise
    except (SendingFailed, OSError) as error:
        raise Failure(str(error)) from error


def _plan(
    shoppers: int, days: float, seed: int, until: int, launch: int, form: Form, *, hard: bool
) -> Plan:
    """`until`, `launch`: ms, 0 where not said. Raises CatalogueError, OSError."""
    from infra.demo.catalogue import load
    from infra.simulate.odds import HARD, WEB_LOG_BOTS, Dirt
    from infra.simulate.past import Plan, last_minute

    dirt = HARD if hard else Dirt()
    return Plan(
        shoppers=shoppers,
        days=days,
        seed=seed,
        site=_site(),
        catalogue=load(),
        until=until or last_minute(),
        launch=launch,
        secret=_secret(),
        dirt=msgspec.structs.replace(dirt, bots=WEB_LOG_BOTS) if form == "log" else dirt,
    )


def _run(
    plan: Plan,
    form: Form,
    truth: Path | None,
    send: str,
    out: str,
    key: str,
    rate: float,
    log: str,
) -> None:
    from infra.cli import simulated
    from infra.simulate.past import last_minute

    if send:
        if plan.until > last_minute() + 60_000:
            raise typer.BadParameter("--until lies in the future: no collector takes such a past")
        simulated.send(plan, send, _key(plan.site, key), truth, rate, log)
    elif form == "log":
        simulated.write_log(plan, truth, out or os.devnull)
    elif out:
        simulated.write(plan, truth, out, log)
    else:
        simulated.count(plan, truth, log)


def _play(
    visits: int,
    seed: int,
    per_minute: float,
    send: str,
    personalize: str,
    shop: str,
    key: str,
    truth: Path | None,
) -> None:
    from infra.cli import simulated
    from infra.demo.catalogue import load
    from infra.simulate.live import LivePlan

    ports = context.settings().ports
    site = _site()
    plan = LivePlan(
        site=site,
        catalogue=load(),
        seed=seed,
        per_minute=per_minute,
        shoppers=visits,
        secret=_secret(),
        shop_url=shop,
    )
    collect = send or f"http://127.0.0.1:{ports.collect}"
    ask = personalize or f"http://127.0.0.1:{ports.personalize}"
    simulated.play(plan, collect, ask, _key(site, key), truth)


def _secret() -> str:
    """No default: a stack has its own."""
    return os.environ.get("FOOTFALL_SECRET_KEY", "")


def _site() -> Site:
    """Raises BadParameter for a site without hosts."""
    site = context.site(context.settings())
    if not site.hosts:
        raise typer.BadParameter("the site file names no hosts, so pages have no address")
    return site


def _check(*, send: str, out: str, as_log: bool, live: bool, log: str) -> None:
    """Raises BadParameter for options that cannot be meant together."""
    if send and out:
        raise typer.BadParameter("say either --send or --out")
    if as_log and (send or live):
        raise typer.BadParameter("--as log goes to a file: footfall import-logs reads it")
    if log and (as_log or live):
        raise typer.BadParameter("--log goes with a past of events; --as log writes nothing else")
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
