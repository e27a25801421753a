"""footfall check: is the site file right?"""

from __future__ import annotations

from pathlib import Path

import typer

from infra.cli import context

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
    for funnel in site.funnels.values():
        stored = [field for field in funnel.by if field not in funnel.live_by]
        if stored:
            typer.echo(
                f"funnel {funnel.name} is not broken down live by {', '.join(stored)}: "
                f"footfall funnel {funnel.name} tells it"
            )
