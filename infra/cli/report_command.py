"""`footfall report NAME`: what computes a report, with the options that all of them have."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import msgspec
import typer

from infra.cli import context, times
from infra.cli.report_forms import form_of
from infra.reports.report import Report
from schemas.settings import Settings
from schemas.site import Site

if TYPE_CHECKING:
    from clickhouse_driver import Client

WEEK = timedelta(weeks=1)


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What every report is asked for: the time [since_ms, until_ms), in ms since 1970 UTC."""

    settings: Settings
    site: Site
    since_ms: int
    until_ms: int
    says_since: bool
    says_until: bool

    def clickhouse(self) -> AbstractContextManager[Client]:
        """What goes wrong in it is raised as Failure."""
        return context.clickhouse(self.settings)


def add_report(
    reports: typer.Typer, compute: Callable[..., Report], length: timedelta = WEEK
) -> None:
    """`compute` gets an Asked and its own options, and gives its name and help to the command.

    `length`: of the time where --from is not given.
    """
    own = list(inspect.signature(compute, eval_str=True).parameters.values())[1:]
    options = [*_times(length), *own, *_forms()]

    def command(**given: Any) -> None:
        form = form_of(given.pop("as_json"), given.pop("as_csv"), given.pop("html"))
        asked = _asked(given.pop("from_"), given.pop("to"), length)
        form.write(compute(asked, **given))

    command.__name__, command.__doc__ = compute.__name__, compute.__doc__
    command.__annotations__ = {option.name: option.annotation for option in options}
    vars(command)["__signature__"] = inspect.Signature(options)  # what typer reads
    reports.command()(command)


def require_one_of(option: str, value: str, allowed: Iterable[str]) -> None:
    """Raises BadParameter."""
    known = tuple(allowed)
    if value not in known:
        raise typer.BadParameter(f"{option} {value} is none of {', '.join(known)}")


def _asked(from_: str, to: str, length: timedelta) -> Asked:
    settings = context.settings()
    site = context.site(settings)
    zone = ZoneInfo(site.timezone)
    until = times.read(to, zone) if to else datetime.now(UTC)
    since = times.read(from_, zone) if from_ else until - length
    if since >= until:
        raise typer.BadParameter("--from must be before --to")
    return Asked(
        settings=settings,
        site=site,
        since_ms=times.milliseconds(since),
        until_ms=times.milliseconds(until),
        says_since=bool(from_),
        says_until=bool(to),
    )


def _times(length: timedelta) -> list[inspect.Parameter]:
    when = "ISO time or date, site's timezone; default:"
    ago = "7 days" if length == WEEK else f"{length // WEEK} weeks"
    return [
        _option("from_", str, typer.Option("", "--from", help=f"{when} {ago} ago.")),
        _option("to", str, typer.Option("", "--to", help=f"{when} now.")),
    ]


def _forms() -> list[inspect.Parameter]:
    page = "A page with a picture, in this file."
    return [
        _option("as_json", bool, typer.Option(False, "--json", help="The report's value.")),
        _option("as_csv", bool, typer.Option(False, "--csv", help="Its rows, as RFC 4180 says.")),
        _option("html", Path | None, typer.Option(None, "--html", metavar="FILE", help=page)),
    ]


def _option(name: str, kind: object, default: object) -> inspect.Parameter:
    keyword = inspect.Parameter.POSITIONAL_OR_KEYWORD
    return inspect.Parameter(name, keyword, default=default, annotation=kind)
