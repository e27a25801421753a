"""footfall click-token, click-link: what stands in letters and advertisements."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit

import typer

from infra.cli import context
from schemas import click_link as links
from schemas.click_token import sign

_GROUP = "Visitors"
_STATE_DIR = typer.Option(context.STATE_DIR, help="Of the running `footfall up`: its secret.")
_DAYS = typer.Option(90, min=1, max=3650, help="How long a click counts as this recipient's.")


def register(app: typer.Typer) -> None:
    app.command(rich_help_panel=_GROUP)(click_token)
    app.command(rich_help_panel=_GROUP)(click_link)


def click_token(
    user_ids: list[str] = typer.Argument(help="Logins; - reads them from stdin, one a line."),
    days: int = _DAYS,
    state_dir: Path = _STATE_DIR,
) -> None:
    """Tokens that say whose mail was clicked: put ff_click=TOKEN into its links, and its pixel.

    Prints login and token, a tab between them, for the program that sends the mails.
    """
    secret = context.secret(context.settings(), state_dir)
    for user_id, token in _tokens(user_ids, days, secret):
        typer.echo(f"{user_id}\t{token}")


def click_link(
    url: str = typer.Argument(help="Where the link leads: http(s)://..."),
    user: list[str] = typer.Option(
        [], help="The login of who gets the letter; - reads them from stdin, one a line."
    ),
    campaign: str = typer.Option("", help="Tags the target: utm_campaign, with the two below."),
    source: str = typer.Option("newsletter", help="utm_source, where there is a campaign."),
    medium: str = typer.Option("email", help="utm_medium, where there is a campaign."),
    collector: str = typer.Option("", help="Its public address; left out: this machine's."),
    days: int = _DAYS,
    state_dir: Path = _STATE_DIR,
) -> None:
    """A signed link that is counted on its way to its target, for letters and advertisements.

    With --user one a recipient: login and link, a tab between them. Nobody can make it lead
    elsewhere.
    """
    configured = context.settings()
    secret = context.secret(configured, state_dir)
    by_way_of = collector or configured.url(configured.ports.collect)
    try:
        target = links.target(_tagged(links.target(url), campaign, source, medium))
        if not user:
            typer.echo(links.link(by_way_of, target, secret))
        for user_id, token in _tokens(user, days, secret):
            typer.echo(f"{user_id}\t{links.link(by_way_of, target, secret, token)}")
    except links.NotATarget as error:
        raise typer.BadParameter(str(error)) from error


def _tokens(user_ids: list[str], days: int, secret: str) -> Iterator[tuple[str, str]]:
    expires_ms = int((time.time() + days * 86_400) * 1000)
    given = sys.stdin.read().split("\n") if user_ids == ["-"] else user_ids
    for user_id in filter(None, given):
        yield user_id, sign(user_id, expires_ms, secret)


def _tagged(url: str, campaign: str, source: str, medium: str) -> str:
    """With the campaign's parameters, where it has none of that name."""
    if not campaign:
        return url
    has = parse_qs(urlsplit(url).query)
    tags = {"utm_source": source, "utm_medium": medium, "utm_campaign": campaign}
    added = urlencode({name: value for name, value in tags.items() if value and name not in has})
    address, mark, fragment = url.partition("#")
    join = "&" if "?" in address else "?"
    return f"{address}{join if added else ''}{added}{mark}{fragment}"
