"""footfall check: is the site file right?"""

from __future__ import annotations

from pathlib import Path

import typer

from infra.cli import context
from schemas.settings import ConfigurationError
from schemas.site import Catalogue

_GROUP = "Configure"


def register(app: typer.Typer) -> None:
    app.command(rich_help_panel=_GROUP)(check)


def check(
    site_file: Path | None = typer.Argument(None, help="Default: FOOTFALL_SITE, or the demo."),
) -> None:
    """Validate the site file; every mistake with its line and what is allowed."""
    configured = context.settings()
    path = context.site_path(configured, site_file)
    site = context.site(configured, path)
    counts = {
        "scenario": len(site.homepage.scenarios),
        "funnel": len(site.funnels),
        "experiment": len(site.experiments),
        "segment": len(site.segments),
        "write key": len(site.write_keys),
    }
    found = ", ".join(
        f"{count} {what}{'' if count == 1 else 's'}" for what, count in counts.items()
    )
    typer.echo(f"{path.name} is right: {found}")
    if site.catalogue is not None:
        typer.echo(_catalogue(site.catalogue))
    for funnel in site.funnels.values():
        stored = [field for field in funnel.by if field not in funnel.live_by]
        if stored:
            typer.echo(
                f"funnel {funnel.name} is not broken down live by {', '.join(stored)}: "
                f"footfall funnel {funnel.name} tells it"
            )


def _catalogue(rules: Catalogue) -> str:
    """Raises ConfigurationError with every bad row."""
    from schemas.catalogue_file import read
    from schemas.catalogue_problems import CatalogueError

    try:
        found = read(rules.file, rules.id)
    except CatalogueError as error:
        told = "\n".join(f"{rules.file.name}, {problem}" for problem in error.problems)
        raise ConfigurationError(f"the catalogue is not right:\n{told}") from error
    except OSError as error:
        raise ConfigurationError(f"{rules.file}: {error.strerror}") from error
    there = int(found.available.sum())
    return (
        f"catalogue {rules.file.name} is right: {len(found)} products, {there} to be had, "
        f"{len(found.tokens)} different attributes"
    )
