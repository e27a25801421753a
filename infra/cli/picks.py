"""footfall picks train: what goes together and what is popular, worked out now."""

from __future__ import annotations

import typer

from infra.cli import context
from infra.cli.context import Failure

_WAIT_S = 120.0  # for the sink, which may be at it


def register(app: typer.Typer) -> None:
    picks = typer.Typer(no_args_is_help=True)
    picks.command()(train)
    picks.callback()(_group)  # or typer would make of a group of one that one command
    app.add_typer(picks, name="picks", rich_help_panel="Operate")


def _group() -> None:
    """Products for visitors: what they are made of."""


def train() -> None:
    """Learn anew from ClickHouse what goes together and what is popular.

    The sink does it by itself every hour. Answers change within seconds.
    """
    from redis.exceptions import RedisError

    from sinks.clickhouse.errors import SinkError
    from sinks.redis.generations import AlreadyTraining, train_now

    configured = context.settings()
    try:
        trained = train_now(configured, _WAIT_S)
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
