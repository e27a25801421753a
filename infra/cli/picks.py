"""footfall picks train: what goes together and what is popular, worked out now."""

from __future__ import annotations

import logging
import os
import signal
import sys
from typing import TYPE_CHECKING

import typer

from infra.cli import context
from infra.cli.context import Failure
from infra.picks.when import Learn
from schemas.settings import ConfigurationError, Settings
from schemas.site_file import SiteFileError

if TYPE_CHECKING:
    from schemas.pick_model import Weighed
    from schemas.site import Site

_WAIT_S = 120.0  # for the sink, which may be at it
_BEHIND = 10  # the sink's own training leaves the processor to what cannot wait


def register(app: typer.Typer) -> None:
    picks = typer.Typer(no_args_is_help=True)
    picks.command()(train)
    picks.callback()(_group)  # or typer would make of a group of one that one command
    app.add_typer(picks, name="picks", rich_help_panel="Operate")


def _group() -> None:
    """Products for visitors: what they are made of."""


def train(
    weights: Learn = typer.Option(
        Learn.NOW, help="Learn how much each reason counts: now, when due (daily), or never."
    ),
) -> None:
    """Learn from ClickHouse what goes together, what is popular, what each reason is worth.

    The sink does it by itself: the last daily, the rest every hour. Answers change within
    seconds.
    """
    from redis.exceptions import RedisError

    from infra.picks.training import train_and_weigh
    from sinks.clickhouse.errors import SinkError
    from sinks.redis.generations import AlreadyTraining

    configured = context.settings()
    if weights is Learn.DUE:
        context.start_logging()
        os.nice(_BEHIND)
        # as an exception, so that a sink that ends takes no lock with it that holds up the next
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        trained = train_and_weigh(configured, _site(configured, weights), weights, _WAIT_S)
    except AlreadyTraining as error:
        raise Failure("another process trains already; its picks are used when it ends") from error
    except SinkError as error:
        raise Failure(f"ClickHouse: {error}; see: footfall doctor") from error
    except RedisError as error:
        raise Failure(f"Redis: {error}; see: footfall doctor") from error
    typer.echo(
        f"{len(trained.products):,} products, by what {trained.persons:,} persons looked at; "
        f"popular by {len(trained.by_source)} sources and {len(trained.by_scenario)} scenarios"
    )
    if trained.weighed is not None:
        typer.echo(_told(trained.weighed))


def _site(configured: Settings, weights: Learn) -> Site | None:
    """None where it is not needed, or is wrong and nobody is there to mend it."""
    if weights is Learn.NEVER:
        return None
    try:
        return context.site(configured)
    except (SiteFileError, ConfigurationError) as error:
        if weights is Learn.NOW:
            raise
        logging.getLogger(__name__).error("weights of picks are not learned: %s", error)
        return None


def _told(weighed: Weighed) -> str:
    if not weighed.adopted:
        return f"weights: the usual ones; {weighed.why}"
    shown = sorted(weighed.weights.items(), key=lambda each: -each[1])
    listed = ", ".join(f"{name} {weight:.2f}" for name, weight in shown)
    return f"weights: this site's own; {weighed.why}\n  {listed}"
