"""footfall homepage, visitor: what one visitor gets, and what is known of one."""

from __future__ import annotations

import asyncio
import json
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

import msgspec
import typer
from rich.console import Console

from infra.cli import context
from infra.cli.context import Failure
from infra.cli.explained import print_explained
from infra.cli.visitor_card import show
from schemas.ids import is_identifier
from schemas.site_values import duration_within

_GROUP = "Visitors"
_STATE_DIR = typer.Option(context.STATE_DIR, help="Of the running `footfall up`: its secret.")


def register(app: typer.Typer) -> None:
    app.command(rich_help_panel=_GROUP)(homepage)
    app.command(rich_help_panel=_GROUP)(visitor)
    app.command(rich_help_panel=_GROUP)(user_token)


def homepage(
    referrer: str = typer.Option("", help="URL the visitor comes from."),
    anonymous_id: str = typer.Option("", "--anonymous-id", "--visitor", help="The cookie."),
    user_id: str = typer.Option("", help="The login."),
    profile_id: str = typer.Option("", help="One profile of the login, a child say."),
    url: str = typer.Option("", help="URL of the homepage, with its campaign."),
    ip: str = typer.Option("", help="The visitor's address: its country."),
    user_agent: str = typer.Option("", help="The visitor's browser: the class of its device."),
    language: str = typer.Option("", help="The Accept-Language header."),
    consent: str = typer.Option("", help="granted or denied."),
    explain: bool = typer.Option(False, help="Every scenario tried, and why it did or did not."),
) -> None:
    """The homepage decision for a visitor, from the running service."""
    configured = context.settings()
    keys = [key.key for key in context.site(configured).write_keys if key.kind == "server"]
    given = {
        "referrer": referrer,
        "anonymous_id": anonymous_id,
        "user_id": user_id,
        "profile_id": profile_id,
        "url": url,
        "ip": ip,
        "user_agent": user_agent,
        "language": language,
        "consent": consent,
        "explain": "1" if explain else "",
    }
    asked = urllib.parse.urlencode({name: value for name, value in given.items() if value})
    service = configured.url(configured.ports.personalize)
    answer = _get(f"{service}/v1/homepage?{asked}", keys[0] if keys else "")
    if explain:
        print_explained(Console(), answer)
    else:
        Console().print_json(json.dumps(answer))


def visitor(
    identifier: str = typer.Argument(
        help="A cookie, login, person id, e-mail, telephone or order number."
    ),
    as_json: bool = typer.Option(False, "--json", help="As /v1/visitors answers it."),
    state_dir: Path = _STATE_DIR,
) -> None:
    """One-touch look-up: everything known about one visitor; JSON where nobody looks on."""
    from personalize_api.errors import PersonalizeError
    from personalize_api.metrics import Metrics
    from personalize_api.one_touch.view import OneTouch, one_touch
    from personalize_api.recognize.state_reader import StateReader

    configured = context.settings()
    site = context.site(configured)
    secret = context.secret(configured, state_dir)

    async def look_up() -> OneTouch:
        reader = StateReader(configured.redis_url, Metrics())
        try:
            return await one_touch(reader, identifier, int(time.time() * 1000), site, secret)
        finally:
            await reader.close()

    try:
        found = asyncio.run(look_up())
    except PersonalizeError as error:
        raise Failure(str(error)) from error
    if as_json or not sys.stdout.isatty():
        Console().print_json(msgspec.json.encode(found).decode())
    else:
        show(found, Console(emoji=False, highlight=False))


def user_token(
    user_id: str = typer.Argument(help="The login."),
    ttl: str = typer.Option("1h", help="How long it holds: 15m, 1h, at most 24h."),
    profile: str = typer.Option("", help="The only profile of the account that it opens."),
    state_dir: Path = _STATE_DIR,
) -> None:
    """A token with which a browser is answered as that member, to try things out.

    A site's own server makes them, for whom it has logged in: a JSON Web Token, HS256, claims sub
    (the login) and exp (at most 24 hours ahead), signed with a server key of the site file.
    """
    from personalize_api.caller.user_token import sign

    configured = context.settings()
    secret = context.secret(configured, state_dir)
    if not msgspec.structs.replace(configured, secret_key=secret).has_own_secret:
        raise Failure("set FOOTFALL_SECRET_KEY, or name the --state-dir of a running: footfall up")
    try:
        ttl_ms = duration_within("1s", "24h")(ttl)
    except ValueError as error:
        raise typer.BadParameter(f"--ttl {error}") from error
    if not is_identifier(user_id):
        raise typer.BadParameter(f"{user_id!r} is no login")
    typer.echo(sign(user_id, int(time.time() + ttl_ms / 1000), secret, profile))


def _get(url: str, key: str) -> dict[str, Any]:
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {key}"})
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            found: dict[str, Any] = json.load(answer)
            return found
    except urllib.error.HTTPError as error:
        with error:
            raise Failure(error.read(500).decode(errors="replace")) from error
    except urllib.error.URLError as error:
        where = urllib.parse.urlsplit(url).netloc
        raise Failure(
            f"the personalization service does not answer at {where}: {error.reason}; "
            "start it with: footfall up"
        ) from error
