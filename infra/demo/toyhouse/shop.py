"""The shop as a whole: what every page may use."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from infra.demo.catalogue import Catalogue
from infra.demo.toyhouse.database import FILE_NAME, Database
from infra.demo.toyhouse.footfall import Decision, Footfall, Visit
from infra.demo.toyhouse.members import Members
from infra.demo.toyhouse.sessions import Sessions
from schemas.settings import Ports, Settings
from schemas.site import Site

Decide = Callable[[Visit], Awaitable[Decision]]


@dataclass
class Shop:
    site: Site
    ports: Ports
    catalogue: Catalogue
    members: Members
    sessions: Sessions
    database: Database
    footfall: Footfall
    decide: Decide  # Footfall's, unless somebody else is to choose the homepage
    browser_key: str
    mail_secret: str  # signs whom a letter is sent to
    checkout_is_broken: bool = field(default=False)  # on purpose, for ops to notice


class NoKey(Exception):
    """The site file lists no key of a kind. The message names the mend."""


def key_of(site: Site, kind: str) -> str:
    """The first key of a kind. Raises NoKey."""
    for key in site.write_keys:
        if key.kind == kind:
            return key.key
    raise NoKey(f"the site file's `write_keys` list no {kind} key, and the shop needs one")


@contextmanager
def open_shop(
    site: Site,
    settings: Settings,
    catalogue: Catalogue,
    footfall: Footfall,
    state_dir: Path,
    decide: Decide | None,
) -> Iterator[Shop]:
    """The shop with its database open. Raises NoKey, OSError, sqlite3.Error."""
    state_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    database = Database(state_dir / FILE_NAME)
    try:
        yield Shop(
            site=site,
            ports=settings.ports,
            catalogue=catalogue,
            members=Members(database),
            sessions=Sessions(database, catalogue),
            database=database,
            footfall=footfall,
            decide=decide or footfall.decide,
            browser_key=key_of(site, "browser"),
            mail_secret=settings.secret_key,
        )
    finally:
        database.close()
